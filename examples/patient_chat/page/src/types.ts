// What the API and the socket say, in the guide's words.
import type { Socket } from "socket.io-client";

export type Role = "patient" | "doctor";
export type Availability = "available" | "busy" | "away";
export type MessageType = "text" | "file" | "image";
export type Status = "sent" | "delivered" | "read";

export interface User {
  _id: string;
  fullname: string;
  email: string;
  role: Role;
}

export interface Me extends User {
  status: Availability;
}

export interface Contact extends Me {
  isOnline: boolean;
}

export interface Message {
  _id: string;
  sender: User;
  receiver: User;
  content: string;
  messageType: MessageType;
  fileUrl: string | null;
  fileName: string | null;
  isRead: boolean;
  createdAt: string;
}

export interface Conversation {
  conversationId: string;
  otherUser: User;
  lastMessage: { content: string; messageType: MessageType; createdAt: string; sender: string };
  unreadCount: number;
}

export interface Attachment {
  fileUrl: string;
  fileName: string;
  messageType: "file" | "image";
}

export interface History {
  data: Message[];
  meta: { total: number; status: Record<string, { status: Status; readAt: string | null }> };
}

export type Answer = { success: true } | { success: false; message: string };

export interface ServerEvents {
  new_message(data: { message: Message }): void;
  message_sent(data: { message: Message }): void;
  typing_start(data: { userId: string }): void;
  typing_stopped(data: { userId: string }): void;
  messages_delivered(data: { userId: string; messageIds: string[] }): void;
  messages_read(data: { userId: string }): void;
  user_status_change(data: { userId: string; isOnline: boolean; status: Availability }): void;
  error(data: { message: string }): void;
}

export interface ClientEvents {
  send_message(
    message: { receiverId: string; content: string; messageType: MessageType; fileUrl?: string; fileName?: string },
    done: (answer: Answer) => void,
  ): void;
  typing_start(data: { receiverId: string }): void;
  typing_stop(data: { receiverId: string }): void;
  mark_read(data: { senderId: string }): void;
  set_status(data: { status: Availability }): void;
}

export type ChatSocket = Socket<ServerEvents, ClientEvents>;
