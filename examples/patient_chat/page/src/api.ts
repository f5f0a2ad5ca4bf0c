// The REST API, in the name of who is signed in.
import type { Attachment, Contact, Conversation, History, Me } from "./types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const ENDED = "Your session has ended. Please sign in again.";

export function hasEnded(error: Error): boolean {
  return error instanceof ApiError && error.status === 401;
}

export interface SignedIn {
  token: string;
  user: Me;
}

export interface DemoAccounts {
  password: string;
  accounts: { fullname: string; email: string; role: string }[];
}

async function ask(path: string, token: string | null, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  throw new ApiError(answer.status, told?.message ?? "The server could not answer.");
}

async function json<T>(path: string, token: string | null, options?: RequestInit): Promise<T> {
  return (await ask(path, token, options)).json();
}

function post(body: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

export async function enter(how: "login" | "register", fields: Record<string, string>): Promise<SignedIn> {
  return (await json<{ data: SignedIn }>(`/auth/${how}`, null, post(fields))).data;
}

// Nothing, but in the demo.
export async function demoAccounts(): Promise<DemoAccounts | null> {
  return (await json<{ data: DemoAccounts | null }>("/auth/demo-accounts", null)).data;
}

export class Api {
  constructor(private readonly token: string) {}

  async me(): Promise<Me> {
    return (await json<{ data: Me }>("/auth/me", this.token)).data;
  }

  async signOut(): Promise<void> {
    await ask("/auth/logout", this.token, { method: "POST" });
  }

  async contacts(): Promise<Contact[]> {
    return (await json<{ data: Contact[] }>("/chat/contacts", this.token)).data;
  }

  async conversations(query = ""): Promise<Conversation[]> {
    const path = query ? `/chat/search?${new URLSearchParams({ query })}` : "/chat/conversations";
    return (await json<{ data: Conversation[] }>(path, this.token)).data;
  }

  history(otherId: string, skip = 0): Promise<History> {
    return json<History>(`/chat/conversations/${otherId}?limit=50&skip=${skip}`, this.token);
  }

  async upload(file: File): Promise<Attachment> {
    const body = new FormData();
    body.append("file", file);
    return (await json<{ data: Attachment }>("/chat/uploads", this.token, { method: "POST", body })).data;
  }

  // Attachments want the token too, which an address in the page could not bring along.
  async file(url: string): Promise<Blob> {
    return (await ask(url, this.token)).blob();
  }
}
