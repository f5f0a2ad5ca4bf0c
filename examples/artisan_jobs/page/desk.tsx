// Everything that one person sees: the views, what is unread, toasts, and whether we are connected.
import { createContext, useCallback, useContext, useEffect, useState } from "react";
import { Administration } from "./administration.tsx";
import { get } from "./api.ts";
import { useEvent, type Live } from "./echo.ts";
import { playNotificationSound, words } from "./format.ts";
import { Jobs } from "./jobs.tsx";
import { MessagesComponent } from "./messages.tsx";
import { Notifications } from "./notifications.tsx";
import { Avatar } from "./parts.tsx";
import { Toasts, type Toast } from "./toasts.tsx";
import type { JobUpdate, Me, Message, Notification } from "./types.ts";

export interface Desk {
  me: Me;
  echo: Live;
  // Counts connections: what was missed between two of them is asked for again.
  connections: number;
  // Does something, says it if that fails, and returns whether it worked.
  attempt: (what: () => Promise<unknown>) => Promise<boolean>;
  toast: (title: string, description?: string) => void;
  recount: () => void;
  write: (personId: number) => void;
  open: (jobId: number) => void;
}

const Context = createContext<Desk | null>(null);
export const useDesk = () => useContext(Context)!;

type View = "jobs" | "messages" | "notifications" | "administration";
const STATUS: Record<string, string> = {
  connected: "Connected",
  connecting: "Connecting…",
  disconnected: "Not connected",
  failed: "Offline, trying again…",
};

export function Desk({ me, echo, onLeave, onChanged }: { me: Me; echo: Live; onLeave: () => void; onChanged: () => void }) {
  const [view, setView] = useState<View>("jobs");
  const [partner, setPartner] = useState<number | null>(null);
  const [job, setJob] = useState<number | null>(null);
  const [status, setStatus] = useState("connecting");
  const [connections, setConnections] = useState(0);
  const [unread, setUnread] = useState({ messages: 0, notifications: 0 });
  const [toasts, setToasts] = useState<Toast[]>([]);

  const toast = useCallback((title: string, description = "") => {
    const id = crypto.randomUUID();
    setToasts((shown) => [...shown.slice(-2), { id, title, description }]);
    setTimeout(() => dismiss(id), 6_000);
  }, []);
  const dismiss = (id: string) => setToasts((shown) => shown.filter((one) => one.id !== id));
  const attempt = useCallback(
    async (what: () => Promise<unknown>) => {
      try {
        await what();
        return true;
      } catch (error) {
        toast("That did not work", (error as Error).message);
        return false;
      }
    },
    [toast],
  );
  const recount = useCallback(() => {
    void attempt(async () => {
      const mine = await get<{ unread_messages: number; unread_notifications: number }>("me");
      setUnread({ messages: mine.unread_messages, notifications: mine.unread_notifications });
    });
  }, [attempt]);

  const own = `user.${me.id}`;
  useEffect(() => {
    echo.connector.onConnectionChange(setStatus);
    setStatus(echo.connector.connectionStatus());
    // Also after each lost connection.
    echo.private(own).subscribed(() => setConnections((count) => count + 1));
  }, [echo, own]);
  useEffect(recount, [recount, connections]);

  useEvent<Message>(echo, own, ".message.sent", (message) => {
    if (message.sender_id === me.id) return;
    playNotificationSound();
    recount();
  });
  useEvent<JobUpdate>(echo, own, ".job.updated", (data) => {
    // The page of the job shows it by itself.
    if (view !== "jobs" || job !== data.id) toast(data.title, words(data.update_type));
  });
  useEvent<Notification>(echo, own, ".notification.sent", (data) => {
    toast(data.title, data.message);
    playNotificationSound();
    recount();
    if (data.type === "verification_approved") onChanged();
  });

  const desk: Desk = {
    me,
    echo,
    connections,
    attempt,
    toast,
    recount,
    write: (personId) => {
      setPartner(personId);
      setView("messages");
    },
    open: (jobId) => {
      setJob(jobId);
      setView("jobs");
    },
  };
  const total = unread.messages + unread.notifications;
  useEffect(() => {
    document.title = `${total ? `(${total}) ` : ""}${me.name} · MySharpJob`;
  }, [total, me.name]);

  const tab = (name: View, label: string, count = 0) => (
    <button
      type="button"
      aria-current={view === name ? "page" : undefined}
      onClick={() => {
        // The tab of a view that is open leads back to its list.
        if (name === "jobs") setJob(null);
        if (name === "messages") setPartner(null);
        setView(name);
      }}
    >
      {label}
      {count > 0 && (
        <span className="count" aria-label={`${count} unread`}>
          {count}
        </span>
      )}
    </button>
  );

  return (
    <Context value={desk}>
      <div className="desk">
        <header>
          <strong className="brand">MySharpJob</strong>
          <nav aria-label="Views">
            {tab("jobs", "Jobs")}
            {tab("messages", "Messages", unread.messages)}
            {tab("notifications", "Notices", unread.notifications)}
            {me.role === "admin" && tab("administration", "Admin")}
          </nav>
          <span className="status" data-status={status} role="status" title={STATUS[status]}>
            <span>{STATUS[status] ?? status}</span>
          </span>
          <span className="me">
            <Avatar person={me} />
            <span className="my-name">{me.name}</span>
            <button type="button" className="quiet" onClick={onLeave}>
              Sign out
            </button>
          </span>
        </header>
        {view === "jobs" && <Jobs open={job} onOpen={setJob} />}
        {view === "messages" && <MessagesComponent partner={partner} onOpen={setPartner} />}
        {view === "notifications" && <Notifications onChanged={onChanged} />}
        {view === "administration" && <Administration />}
        <Toasts toasts={toasts} onDismiss={dismiss} />
      </div>
    </Context>
  );
}
