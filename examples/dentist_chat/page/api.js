export const UNAUTHORIZED = 401;

// The application's HTTP side, with the browser's session: the CSRF token says that it is this page which asks.
export class Api {
  socketId = () => undefined; // pusher-js knows it once it is connected

  constructor(csrfToken) {
    this.csrfToken = csrfToken;
  }

  get(path) {
    return this.#ask("GET", path);
  }

  // `body` is what becomes JSON, or FormData with an attachment.
  post(path, body) {
    return this.#ask("POST", path, body);
  }

  // Only a clear no is one: what is lost on the way is tried again.
  isSignedIn() {
    return this.get("/api/v2/me").then(
      () => true,
      ({ status }) => status !== UNAUTHORIZED,
    );
  }

  async #ask(method, path, body) {
    const headers = { Accept: "application/json", "X-CSRF-TOKEN": this.csrfToken };
    const isForm = body instanceof FormData; // the browser writes its Content-Type
    if (!isForm && body !== undefined) headers["Content-Type"] = "application/json";
    const socketId = this.socketId();
    // Whose message it is: `to_others()` leaves this connection out.
    if (socketId) headers["X-Socket-ID"] = socketId;
    const answer = await fetch(path, { method, headers, body: isForm ? body : JSON.stringify(body) });
    if (answer.status === UNAUTHORIZED) toSignIn();
    if (!answer.ok) throw new ApiError(answer.status, await reason(answer));
    return answer.status === 204 ? null : answer.json();
  }
}

// The session is over: only a person can begin another.
export function toSignIn() {
  location.assign("/login");
}

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function reason(answer) {
  const { detail } = await answer.json().catch(() => ({}));
  return typeof detail === "string" ? detail : `the server answered with ${answer.status}`;
}
