// What the API and the events say: see events.py and views/.
export type Role = "client" | "artisan" | "admin";

export interface Person {
  id: number;
  name: string;
  avatar: string | null;
  role: Role;
  verified: boolean;
}

export interface Me extends Person {
  email: string;
  verification: "none" | "requested" | "approved";
}

export interface Account {
  email: string;
  name: string;
  role: Role;
  password: string;
}

export interface Session {
  user: Me | null;
  echo: Record<string, unknown> | null;
  accounts: Account[];
}

export interface Attachment {
  id: number;
  name: string;
  type: string;
  size: number;
  url: string;
}

export interface Message {
  id: number;
  sender_id: number;
  recipient_id: number;
  content: string;
  message_type: "text" | "file" | "image";
  job_id: number | null;
  attachments: Attachment[];
  is_read: boolean;
  created_at: string;
  sender: { id: number; name: string; avatar: string | null };
}

export interface Conversation {
  person: Person;
  last_message: Message | null;
  unread: number;
}

export interface Milestone {
  id: number;
  title: string;
  status: "pending" | "done";
}

export interface Progress {
  id: number;
  percent: number;
  note: string;
  created_at: string;
}

// The payload of `job.updated`.
export interface JobUpdate {
  id: number;
  title: string;
  status: string;
  category: string;
  budget: number;
  priority: string;
  update_type: string;
  client_id: number;
  artisan_id: number | null;
  milestones: Milestone[];
  progress_updates: Progress[];
  updated_at: string;
}

export interface Job extends Omit<JobUpdate, "update_type"> {
  description: string;
  client: Person;
  artisan: Person | null;
}

export interface Application {
  id: number;
  artisan: Person;
  note: string;
  status: "pending" | "accepted" | "declined";
}

export interface JobPage extends Job {
  applications: Application[];
  payment: { id: number; amount: number; escrow_status: "held" | "released" | "refunded" } | null;
}

export interface Activity {
  job_id: number;
  update_type: string;
  by: { id: number; name: string };
  description: string;
  created_at: string;
}

export interface Notification {
  id: string;
  type: string;
  title: string;
  message: string;
  data: Record<string, unknown>;
  created_at: string;
  read_at?: string | null;
}

export interface Notice {
  kind: string;
  message: string;
  data: Record<string, number>;
  created_at: string;
}

export interface Dispute {
  id: number;
  job_id: number;
  title: string;
  opened_by: string;
  reason: string;
}
