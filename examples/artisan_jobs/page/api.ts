// The API, asked with the page's session: Django's CSRF token is in a cookie, and goes back in a header.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

// Echo's, as soon as there is one: what this window says is not told to this window.
let socketId: () => string | undefined = () => undefined;

export function sendSocketIdOf(ask: () => string | undefined): void {
  socketId = ask;
}

const csrfToken = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  const id = socketId();
  if (id) headers["X-Socket-ID"] = id;
  const form = body instanceof FormData;
  if (body !== undefined && !form) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/api/${path}`, { method, headers, body: form ? body : JSON.stringify(body) });
  if (answer.status === 204) return undefined as T;
  const content = await answer.json().catch(() => ({ message: "The server is out of order." }));
  if (!answer.ok) throw new ApiError(answer.status, explain(content));
  return content as T;
}

function explain({ message, errors }: { message: string; errors?: Record<string, string[]> }): string {
  return errors ? Object.entries(errors).map(([field, texts]) => `${field}: ${texts.join(", ")}`).join("; ") : message;
}

// Asks when nobody has typed for a moment; what comes after the next question, or not at all, is not shown. Returns how
// to take the question back.
export function later<T>(question: () => Promise<T>, show: (answer: T) => void, attempt: (what: () => Promise<unknown>) => unknown): () => void {
  let wanted = true;
  const timer = setTimeout(
    () =>
      attempt(async () => {
        const answer = await question();
        if (wanted) show(answer);
      }),
    200,
  );
  return () => {
    wanted = false;
    clearTimeout(timer);
  };
}

export const get = <T>(path: string) => ask<T>("GET", path);
export const post = <T>(path: string, body?: unknown) => ask<T>("POST", path, body);
export const patch = <T>(path: string, body?: unknown) => ask<T>("PATCH", path, body);
