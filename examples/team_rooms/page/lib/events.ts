// What is heard on the channels of a room, as the server sends it.

export interface NewMessage {
  id: number;
  room_id: number;
  sender_role: string;
  sender_name: string;
  message: string;
  type: "text" | "image" | "system";
  created_at: string;
}

export interface UserStatusChanged {
  room_id: number;
  user_id: number;
  user_name: string;
  role: string;
  is_online: boolean;
  last_seen: string;
  timestamp: string;
}

export interface NewActivity {
  room_id: number;
  action: string;
  user_name: string;
  role: string;
  description: string;
  timestamp: string;
}

/** Names by emoji. */
export type Reactions = Record<string, string[]>;

export interface MessageReaction {
  room_id: number;
  message_id: number;
  reactions: Reactions;
}

export interface MessagesRead {
  room_id: number;
  user_id: number;
  user_name: string;
  message_id: number;
  timestamp: string;
}

/** What is heard on one's own channel. */
export interface MembershipChanged {
  room_id: number;
  room_name: string;
  /** null: one is in the room no more. */
  role: string | null;
  changed_by: string;
}

export interface UserTyping {
  room_id: number;
  user_name: string;
}
