// The guide's hook, typed, and with what it leaves to its readers: history, several writers, receipts, who is there.
import { useCallback, useEffect, useRef, useState } from "react";
import { io } from "socket.io-client";
import type { Answer, Attachment, Availability, ChatSocket, Message, Status } from "./types";

// Should a "stopped" get lost, nobody types for ever.
const BELIEVED = 6_000;
const TRY_AGAIN = 5_000;

export type Connection = "connecting" | "connected" | "disconnected";
export type Presence = Record<string, { isOnline: boolean; status: Availability }>;
export type Statuses = Record<string, Status>;

interface Heard {
  onMessage(message: Message): void;
  onChange(): void;
  onError(text: string): void;
  onEnd(): void;
}

const ORDER: Status[] = ["sent", "delivered", "read"];

function further(statuses: Statuses, ids: string[], status: Status): Statuses {
  const behind = ids.filter((id) => ORDER.indexOf(statuses[id] ?? "sent") < ORDER.indexOf(status));
  return behind.length ? { ...statuses, ...Object.fromEntries(behind.map((id) => [id, status])) } : statuses;
}

function merged(known: Message[], more: Message[]): Message[] {
  const byId = new Map([...known, ...more].map((message) => [message._id, message]));
  return [...byId.values()].sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

// A page that does not reach down to the older ones that are known would leave a gap: those are asked for again.
function reachedBy(page: Message[], known: Message[]): Message[] {
  const first = page[0];
  if (!first || known.some(({ _id }) => _id === first._id)) return known;
  return known.filter((one) => pair(one) !== pair(first) || place(one) > place(first));
}

function place({ createdAt, _id }: Message): string {
  return createdAt + _id;
}

function pair({ sender, receiver }: Message): string {
  return [sender._id, receiver._id].sort().join();
}

export function useChat(token: string, heard: Heard) {
  const [socket, setSocket] = useState<ChatSocket | null>(null);
  const [connection, setConnection] = useState<Connection>("connecting");
  const [messages, setMessages] = useState<Message[]>([]);
  const [typing, setTyping] = useState<ReadonlySet<string>>(new Set());
  const [presence, setPresence] = useState<Presence>({});
  const [statuses, setStatuses] = useState<Statuses>({});
  const tell = useRef(heard);
  tell.current = heard;

  const addMessages = useCallback((more: Message[], known: Statuses = {}) => {
    setMessages((prev) => merged(reachedBy(more, prev), more));
    setStatuses((prev) => Object.entries(known).reduce((all, [id, status]) => further(all, [id], status), prev));
  }, []);

  useEffect(() => {
    // Not polling first, as Socket.IO does by default: its requests would all have to reach the same process.
    const newSocket: ChatSocket = io({ auth: { token }, transports: ["websocket"] });
    const timers = new Map<string, number>();

    // Socket.IO's client comes back by itself after any other end.
    const sentAway = () => {
      timers.set("", window.setTimeout(() => newSocket.connect(), TRY_AGAIN));
      tell.current.onEnd();
    };

    const setTypes = (userId: string, types: boolean) => {
      clearTimeout(timers.get(userId));
      if (types) timers.set(userId, window.setTimeout(() => setTypes(userId, false), BELIEVED));
      setTyping((prev) => {
        if (prev.has(userId) === types) return prev;
        const next = new Set(prev);
        if (types) next.add(userId);
        else next.delete(userId);
        return next;
      });
    };

    newSocket.on("connect", () => {
      setConnection("connected");
      tell.current.onChange();
    });
    newSocket.on("disconnect", (reason) => {
      setConnection("disconnected");
      setTyping(new Set());
      if (reason === "io server disconnect") sentAway();
    });
    newSocket.on("connect_error", (error) => {
      setConnection("disconnected");
      if (!newSocket.active) {
        tell.current.onError(error.message);
        sentAway();
      }
    });

    newSocket.on("new_message", (data) => {
      setMessages((prev) => merged(prev, [data.message]));
      setTypes(data.message.sender._id, false);
      tell.current.onMessage(data.message);
    });
    newSocket.on("message_sent", (data) => {
      setMessages((prev) => merged(prev, [data.message]));
      tell.current.onChange();
    });
    newSocket.on("typing_start", (data) => setTypes(data.userId, true));
    newSocket.on("typing_stopped", (data) => setTypes(data.userId, false));
    newSocket.on("messages_delivered", (data) => {
      setStatuses((prev) => further(prev, data.messageIds, "delivered"));
    });
    newSocket.on("messages_read", (data) => {
      setMessages((prev) =>
        prev.map((message) => (message.receiver._id === data.userId ? { ...message, isRead: true } : message)),
      );
      tell.current.onChange();
    });
    newSocket.on("user_status_change", ({ userId, isOnline, status }) => {
      setPresence((prev) => ({ ...prev, [userId]: { isOnline, status } }));
    });
    newSocket.on("error", (data) => tell.current.onError(data.message));

    setSocket(newSocket);

    return () => {
      timers.forEach((timer) => clearTimeout(timer));
      newSocket.close();
    };
  }, [token]);

  const sendMessage = useCallback(
    async (receiverId: string, content: string, attachment?: Attachment): Promise<boolean> => {
      if (!socket?.connected) {
        tell.current.onError("Not connected: try again in a moment.");
        return false;
      }
      const message = { receiverId, content, messageType: "text" as const, ...attachment };
      const answer: Answer = await new Promise((resolve) => socket.emit("send_message", message, resolve));
      return answer.success;
    },
    [socket],
  );

  return {
    socket,
    connection,
    messages,
    typing,
    isTyping: typing.size > 0,
    presence,
    statuses,
    addMessages,
    setPresence,
    sendMessage,
  };
}
