// The one connection of this page, and what is heard over it. Whoever listens goes on listening when the connection is
// lost and another one is made; `onSubscribed` tells when, so that one can ask the server for what was missed.
import Pusher, { type Options } from "pusher-js";

import type { MembershipChanged, MessageReaction, MessagesRead, NewActivity, NewMessage, UserStatusChanged, UserTyping } from "@/lib/events";

export type ConnectionStatus = "connected" | "connecting" | "disconnected";
export type Unsubscribe = () => void;
export interface RoomOptions {
  /** Whether the room is heard on `private-room-{id}`; the list of rooms says so. */
  isPrivate?: boolean;
}

interface ServerOptions extends Options {
  key: string;
}
interface StateChange {
  current: string;
}

interface Listener {
  event: string;
  callback: (data: unknown) => void;
}

const UNAVAILABLE_AFTER = 5_000;
const SHORTEST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

let pusher: Pusher | null = null;
let attempt = 0;
let pause = SHORTEST_PAUSE;
let timer: number | undefined;
let status: ConnectionStatus = "disconnected";
const statusListeners = new Set<(status: ConnectionStatus) => void>();
const errorListeners = new Set<(error: Error) => void>();
const listenersOf = new Map<string, Set<Listener>>();

// -- the connection ---------------------------------------------------------------------------------------------------

/** Where to connect: as this page was built, with Vite's variables; else as the server says. */
async function connectionOptions(): Promise<ServerOptions> {
  const key = import.meta.env.VITE_PUSHER_APP_KEY as string | undefined;
  if (key) return { key, cluster: import.meta.env.VITE_PUSHER_APP_CLUSTER || "mt1", forceTLS: true };
  const answer = await fetch("/api/live");
  if (!answer.ok) throw new Error(`the server does not say where to connect (${answer.status})`);
  return answer.json();
}

async function open(): Promise<void> {
  const mine = ++attempt;
  stopTimer();
  setStatus("connecting");
  try {
    const options = await connectionOptions();
    if (mine === attempt) connect(options);
  } catch (error) {
    if (mine !== attempt) return;
    report(error);
    tryLater();
  }
}

function connect({ key, ...options }: ServerOptions): void {
  const made = new Pusher(key, {
    ...options,
    unavailableTimeout: UNAVAILABLE_AFTER,
    channelAuthorization: { endpoint: "/broadcasting/auth", transport: "ajax" },
    userAuthentication: { endpoint: "/broadcasting/user-auth", transport: "ajax" },
  });
  pusher = made;
  made.connection.bind("state_change", ({ current }: StateChange) => made === pusher && follow(current));
  made.connection.bind("error", (error: unknown) => made === pusher && report(error));
  // so that the server can close our connections when we may no longer listen to a room
  made.signin();
  listenersOf.forEach((listeners, channel) => listeners.forEach((listener) => attach(made, channel, listener)));
}

function follow(state: string): void {
  if (state === "connected") {
    pause = SHORTEST_PAUSE;
    stopTimer();
    setStatus("connected");
  } else if (state === "connecting" || state === "initialized") {
    setStatus("connecting");
  } else {
    tryLater();
  }
}

// pusher-js comes back by itself from most of what happens. But after a refusal it waits for 15 seconds and more, after
// two broken connections it takes WebSockets for dead, and what the server has closed it leaves closed: then a new
// connection is made.
function tryLater(): void {
  setStatus("disconnected");
  stopTimer();
  timer = window.setTimeout(reopen, pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

function stopTimer(): void {
  window.clearTimeout(timer);
  timer = undefined;
}

function reopen(): void {
  const old = pusher;
  pusher = null; // what the old one tells from here on is nobody's business
  old?.disconnect();
  void open();
}

function setStatus(next: ConnectionStatus): void {
  if (next === status) return;
  status = next;
  statusListeners.forEach((listener) => listener(next));
}

function report(problem: unknown): void {
  const error = problem instanceof Error ? problem : new Error(describe(problem), { cause: problem });
  errorListeners.forEach((listener) => listener(error));
}

function describe(problem: unknown): string {
  const { data, error } = (problem ?? {}) as { data?: { message?: string }; error?: { data?: { message?: string } } };
  return data?.message ?? error?.data?.message ?? "the WebSocket connection failed";
}

export function getConnectionStatus(): ConnectionStatus {
  return status;
}

/** Calls back with each change of the status. */
export function onConnectionStatus(callback: (status: ConnectionStatus) => void): Unsubscribe {
  statusListeners.add(callback);
  return () => void statusListeners.delete(callback);
}

export function onConnectionConnected(callback: () => void): Unsubscribe {
  return onConnectionStatus((now) => now === "connected" && callback());
}

/** Calls back when a connection that stood is lost; a new one is tried without further ado. */
export function onConnectionDisconnected(callback: () => void): Unsubscribe {
  let stood = status === "connected";
  return onConnectionStatus((now) => {
    if (stood && now !== "connected") callback();
    stood = now === "connected";
  });
}

export function onConnectionError(callback: (error: Error) => void): Unsubscribe {
  errorListeners.add(callback);
  return () => void errorListeners.delete(callback);
}

/** Tries at once, instead of waiting for the next time. */
export function reconnect(): void {
  pause = SHORTEST_PAUSE;
  reopen();
}

/** Ends the connection and forgets who listens: whoever signs in next begins anew. */
export function disconnect(): void {
  attempt++;
  stopTimer();
  const old = pusher;
  pusher = null;
  old?.disconnect();
  listenersOf.clear();
  setStatus("disconnected");
}

/** Names this connection in requests, so that what they lead to is not sent back to it. */
export function getSocketId(): string | undefined {
  return pusher?.connection.socket_id || undefined;
}

// -- the channels ----------------------------------------------------------------------------------------------------

const eventsOf = (roomId: number, { isPrivate }: RoomOptions) => `${isPrivate ? "private-" : ""}room-${roomId}`;
const presenceOf = (roomId: number) => `presence-room-${roomId}`;

function listen<T>(channel: string, event: string, callback: (data: T) => void): Unsubscribe {
  const listener: Listener = { event, callback: (data) => callback(data as T) };
  const listeners = listenersOf.get(channel) ?? new Set();
  listenersOf.set(channel, listeners.add(listener));
  if (pusher) attach(pusher, channel, listener);
  else if (status === "disconnected" && timer === undefined) void open();
  return () => {
    if (!listeners.delete(listener)) return;
    pusher?.channel(channel)?.unbind(event, listener.callback);
    if (listeners.size > 0 || listenersOf.get(channel) !== listeners) return;
    listenersOf.delete(channel);
    pusher?.unsubscribe(channel);
  };
}

function attach(connection: Pusher, channelName: string, { event, callback }: Listener): void {
  const channel = connection.subscribe(channelName);
  channel.bind(event, callback);
  // who comes later than the others is told, too
  if (event === SUBSCRIBED && channel.subscribed) callback(undefined);
}

const SUBSCRIBED = "pusher:subscription_succeeded";

export function listenToMessages(
  roomId: number,
  callback: (message: NewMessage) => void,
  options: RoomOptions = {},
): Unsubscribe {
  return listen(eventsOf(roomId, options), "new-message", callback);
}

export function listenToActivities(
  roomId: number,
  callback: (activity: NewActivity) => void,
  options: RoomOptions = {},
): Unsubscribe {
  return listen(eventsOf(roomId, options), "new-activity", callback);
}

export function listenToReactions(
  roomId: number,
  callback: (reaction: MessageReaction) => void,
  options: RoomOptions = {},
): Unsubscribe {
  return listen(eventsOf(roomId, options), "message-reaction", callback);
}

/** Makes one online in the room, for as long as one is subscribed to this channel. */
export function joinPresence(roomId: number): Unsubscribe {
  return onPresent(roomId, () => {});
}

export function listenToUserStatus(roomId: number, callback: (status: UserStatusChanged) => void): Unsubscribe {
  return listen(presenceOf(roomId), "user-status-changed", callback);
}

export function listenToTyping(roomId: number, callback: (typing: UserTyping) => void): Unsubscribe {
  return listen(presenceOf(roomId), "user-typing", callback);
}

/** Calls back when somebody has read further; also for what one reads in another window. */
export function listenToReads(roomId: number, callback: (read: MessagesRead) => void): Unsubscribe {
  return listen(presenceOf(roomId), "messages-read", callback);
}

/** Calls back when one is brought into a room, sent away, or given another role; and for what one's other windows do. */
export function listenToMemberships(userId: number, callback: (changed: MembershipChanged) => void): Unsubscribe {
  return listen(`private-user.${userId}`, "membership-changed", callback);
}

/** Calls back when events of the room arrive from now on: the first time, and after each lost connection. */
export function onSubscribed(roomId: number, callback: () => void, options: RoomOptions = {}): Unsubscribe {
  return listen(eventsOf(roomId, options), SUBSCRIBED, callback);
}

/** Calls back when one is in the presence channel: the first time, and after each lost connection. */
export function onPresent(roomId: number, callback: () => void): Unsubscribe {
  return listen(presenceOf(roomId), SUBSCRIBED, callback);
}
