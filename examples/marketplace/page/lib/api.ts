// The API of this application, asked with the token that the window has, and with its socket id.
import type { Session } from "../types";

const BASE: string = import.meta.env.NEXT_PUBLIC_API_URL ?? "";
const TOKEN = "api_token";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const apiToken = (): string | null => localStorage.getItem(TOKEN);

export function keepToken(session: Session | null): void {
  if (session) localStorage.setItem(TOKEN, session.token);
  else localStorage.removeItem(TOKEN);
}

let ended: (why: string) => void = () => {};

// Called when the server no longer takes the token: it has expired, or was revoked.
export function onSessionEnd(callback: (why: string) => void): void {
  ended = callback;
}

// Another window of this browser has signed out, or in: its token is that of all of them.
export function onTokenChange(callback: () => void): void {
  addEventListener("storage", ({ key }) => key === TOKEN && callback());
}

export const sessionEnded = (): void => ended("Your session has ended: sign in again.");

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const token = apiToken();
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  // so that what this window sends is not told to this window
  const socketId = window.echo?.socketId();
  if (socketId) headers["X-Socket-ID"] = socketId;
  const answer = await fetch(`${BASE}${path}`, { method, headers, body: JSON.stringify(body) });
  if (answer.status === 204) return undefined as T;
  const value = await answer.json();
  if (answer.ok) return value;
  if (answer.status === 401 && token) sessionEnded();
  throw new ApiError(answer.status, value.detail ?? "That did not work.");
}

// Only a clear no is one: what is lost on the way is tried again.
export async function tokenHolds(): Promise<boolean> {
  if (!apiToken()) return false;
  return api.get("/api/user").then(() => true, (error) => !(error instanceof ApiError && error.status === 401));
}

export const api = {
  get: <T>(path: string) => request<T>("GET", path),
  post: <T = void>(path: string, body?: unknown) => request<T>("POST", path, body),
};
