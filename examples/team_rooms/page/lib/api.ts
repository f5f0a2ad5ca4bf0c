// The server's HTTP API.
import { getSocketId } from "@/lib/websocket";
import type { NewActivity, NewMessage, Reactions } from "@/lib/events";

export type Role = "guest" | "member" | "moderator" | "owner";

export interface Person {
  id: number;
  name: string;
  email: string;
}
export interface Session {
  csrf_token: string;
  user: Person | null;
  accounts: { name: string; email: string; password: string }[];
}
/** How far one has read in a room, and what was beyond when the server counted. */
export interface Standing {
  last_read_id: number;
  unread_count: number;
  last_message_id: number;
}
export interface Room extends Standing {
  id: number;
  name: string;
  description: string;
  is_open: boolean;
  is_private: boolean;
  role: Role | null;
}
export interface Member {
  user_id: number;
  user_name: string;
  role: Role;
  is_online: boolean;
  last_seen: string | null;
  last_read_id: number;
}
export interface RoomDetails extends Omit<Room, keyof Standing> {
  members: Member[];
}
export interface Upload {
  id: number;
  name: string;
  size: number;
  url: string;
  thumbnail_url: string | null;
  width: number | null;
  height: number | null;
}
export interface Message extends NewMessage {
  upload?: Upload | null;
  reactions?: Reactions;
}
export interface Activity extends NewActivity {
  id?: number;
}
interface Posted {
  messages: Message[];
  activity: Activity;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

let csrfToken = "";

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  const socketId = getSocketId();
  if (socketId) headers["X-Socket-ID"] = socketId;
  const isForm = body instanceof FormData;
  if (body && !isForm) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/api${path}`, { method, headers, body: body && (isForm ? body : JSON.stringify(body)) });
  if (answer.status === 204) return undefined as T;
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, data.wrong?.[0]?.problem ?? data.error ?? "The server has failed.");
  return data;
}

async function session(answer: Promise<Session>): Promise<Session> {
  const found = await answer;
  csrfToken = found.csrf_token;
  return found;
}

export const api = {
  session: () => session(call("GET", "/session")),
  signIn: (email: string, password: string) => session(call("POST", "/session", { email, password })),
  signOut: () => session(call("DELETE", "/session")),
  rooms: () => call<Room[]>("GET", "/rooms"),
  create: (name: string, isOpen: boolean) => call<RoomDetails>("POST", "/rooms", { name, is_open: isOpen }),
  join: (room: number) => call<RoomDetails>("POST", `/rooms/${room}/join`),
  leave: (room: number) => call<void>("POST", `/rooms/${room}/leave`),
  add: (room: number, email: string, role: Role) => call<RoomDetails>("POST", `/rooms/${room}/members`, { email, role }),
  changeRole: (room: number, user: number, role: Role) =>
    call<RoomDetails>("PUT", `/rooms/${room}/members/${user}`, { role }),
  sendAway: (room: number, user: number) => call<RoomDetails>("DELETE", `/rooms/${room}/members/${user}`),
  lookAround: (room: number) => call<RoomDetails>("POST", `/rooms/${room}/presence`),
  typing: (room: number) => call<void>("POST", `/rooms/${room}/typing`),
  markRead: (room: number, message: number) =>
    call<Standing>("POST", `/rooms/${room}/read`, { message_id: message }),
  messages: (room: number, query: { before?: number; q?: string } = {}) =>
    call<{ messages: Message[]; more: boolean }>("GET", `/rooms/${room}/messages?${search(query)}`),
  message: (room: number, id: number) => call<Message>("GET", `/rooms/${room}/messages/${id}`),
  send: (room: number, message: string) => call<Posted>("POST", `/rooms/${room}/messages`, { message }),
  react: (room: number, id: number, emoji: string, isOn: boolean) =>
    call<Message>("PUT", `/rooms/${room}/messages/${id}/reaction`, { emoji, is_on: isOn }),
  activities: (room: number) => call<{ activities: Activity[]; more: boolean }>("GET", `/rooms/${room}/activities`),
  upload(room: number, file: File) {
    const form = new FormData();
    form.append("file", file);
    return call<Posted>("POST", `/rooms/${room}/files`, form);
  },
};

function search(query: object): string {
  return new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
}
