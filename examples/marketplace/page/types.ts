// What the API answers (schemas.py) and the events carry (events.py).
export interface Person {
  id: number;
  name: string;
}

export interface Account extends Person {
  email: string;
  role: "buyer" | "seller" | "admin";
}

export interface Listing {
  id: number;
  title: string;
  category: string;
  description: string;
  price_cents: number;
  created_at: string;
  seller: Person;
}

export interface Message {
  id: number;
  conversation_id: number;
  sender_id: number;
  content: string;
  created_at: string;
  read_at: string | null;
  sender: Person;
}

export interface Conversation {
  id: number;
  listing: Listing;
  buyer: Person;
  seller: Person;
  last_message: Message | null;
  unread: number;
  updated_at: string;
}

export interface Page<T> {
  data: T[];
  next_before: number | null;
}

export interface UserTyping {
  user_id: number;
  user_name: string;
}

export interface MessagesRead {
  reader_id: number;
  message_ids: number[];
  read_at: string;
}

export interface DemoAccount {
  name: string;
  email: string;
  role: string;
  password: string;
}

// Options for Laravel Echo, without what is this page's own.
export type LiveOptions = Record<string, unknown> & { broadcaster: string };

export interface Start {
  live: LiveOptions;
  accounts: DemoAccount[];
}

export interface Session {
  token: string;
  expires_at: string;
  user: Account;
}

export interface Trouble {
  at: string;
  what: string;
}

export interface Statistics {
  driver: string;
  queue: string;
  connections: Record<"open" | "peak" | "opened" | "frames_sent" | "frames_received", number> | null;
  channels: { name: string; subscriptions: number | null; users: number | null }[] | null;
  messages_last_hour: number;
  messages_last_day: number;
  sent: Record<string, number>;
  failed: Record<string, number>;
  dropped: Record<string, number>;
  errors: Trouble[];
}
