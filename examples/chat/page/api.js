// The chat's HTTP API, asked in one person's name.
export class Api {
  constructor(base, token = null) {
    this.base = base;
    this.token = token;
    // Echo adds the socket id to axios and jQuery; with fetch that is the page's own business.
    this.socketId = () => undefined;
  }

  get(path) {
    return this.#ask("GET", path);
  }

  post(path, body) {
    return this.#ask("POST", path, body);
  }

  delete(path) {
    return this.#ask("DELETE", path);
  }

  async #ask(method, path, body) {
    const headers = { Accept: "application/json", "Content-Type": "application/json" };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const socketId = this.socketId();
    // Whose message it is: `to_others()` leaves this connection out.
    if (socketId) headers["X-Socket-ID"] = socketId;
    const answer = await fetch(`${this.base}/api${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new ApiError(answer.status, `${method} ${path} was answered with ${answer.status}`);
    return answer.status === 204 ? null : answer.json();
  }
}

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
