import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Api, ENDED, hasEnded } from "./api";
import { ConversationPane } from "./ConversationPane";
import { Sidebar } from "./Sidebar";
import type { Availability, Contact, Conversation, Me, Message } from "./types";
import { useChat } from "./useChat";

const TOAST_SHOWN = 6_000;

interface Props {
  token: string;
  me: Me;
  onLeave(why?: string): void;
}

export interface Toast {
  text: string;
  from?: string;
  kind: "notice" | "problem";
}

export function Chat({ token, me, onLeave }: Props) {
  const api = useMemo(() => new Api(token), [token]);
  const [contacts, setContacts] = useState<Contact[]>([]);
  const [conversations, setConversations] = useState<Conversation[]>([]);
  const [found, setFound] = useState<Conversation[] | null>(null);
  const [query, setQuery] = useState("");
  const [openId, setOpenId] = useState<string | null>(null);
  const [toast, setToast] = useState<Toast | null>(null);
  const [loaded, setLoaded] = useState(false);
  const [caughtUp, setCaughtUp] = useState(0);
  const visible = useVisible();

  const complain = useCallback((text: string) => setToast({ text, kind: "problem" }), []);

  const listConversations = useCallback(() => {
    api.conversations().then(setConversations, (error: Error) => complain(error.message));
  }, [api, complain]);

  const chat = useChat(token, {
    onMessage(message: Message) {
      listConversations();
      if (message.sender._id !== openId || !visible) setToast(noticeOf(message));
    },
    onChange: listConversations,
    onError: complain,
    onEnd() {
      // Only the server knows why: the token has ended, or something else that passes.
      api.me().catch((error: Error) => {
        if (hasEnded(error)) onLeave(ENDED);
      });
    },
  });
  const { socket, connection, setPresence } = chat;

  // Also after each lost connection: what was missed in between is in the database.
  useEffect(() => {
    if (connection !== "connected") return;
    setCaughtUp((times) => times + 1);
    api.contacts().then(
      (people) => {
        setContacts(people);
        setPresence((prev) => ({ ...prev, ...Object.fromEntries(people.map((one) => [one._id, one])) }));
        setLoaded(true);
      },
      (error: Error) => complain(error.message),
    );
  }, [connection, api, setPresence, complain]);

  useEffect(() => {
    if (!query.trim()) return setFound(null);
    const timer = setTimeout(() => {
      api.conversations(query.trim()).then(setFound, (error: Error) => complain(error.message));
    }, 200);
    return () => clearTimeout(timer);
  }, [query, api, complain]);

  useEffect(() => {
    if (!toast) return;
    const timer = setTimeout(() => setToast(null), TOAST_SHOWN);
    return () => clearTimeout(timer);
  }, [toast]);

  const unread = conversations.reduce((sum, one) => sum + one.unreadCount, 0);
  useEffect(() => {
    document.title = `${unread ? `(${unread}) ` : ""}${me.fullname} · Patient chat`;
    return () => void (document.title = "Patient chat");
  }, [unread, me.fullname]);

  // What is open in a window that can be seen is read.
  const unreadHere = conversations.find(({ otherUser }) => otherUser._id === openId)?.unreadCount ?? 0;
  useEffect(() => {
    if (!openId || !unreadHere || !visible || connection !== "connected") return;
    socket?.emit("mark_read", { senderId: openId });
    setConversations((prev) =>
      prev.map((one) => (one.otherUser._id === openId ? { ...one, unreadCount: 0 } : one)),
    );
  }, [openId, unreadHere, visible, connection, socket]);

  function setStatus(status: Availability) {
    socket?.emit("set_status", { status });
  }

  async function signOut() {
    socket?.close();
    await api.signOut().catch(() => {});
    onLeave();
  }

  const people = peopleOf(contacts, conversations);
  const other = people.find(({ _id }) => _id === openId) ?? null;

  return (
    <main className={other ? "chat open" : "chat"}>
      <Sidebar
        me={{ ...me, status: chat.presence[me._id]?.status ?? me.status }}
        connection={connection}
        people={people}
        conversations={conversations}
        found={found}
        query={query}
        loaded={loaded}
        openId={openId}
        typing={chat.typing}
        presence={chat.presence}
        onQuery={setQuery}
        onOpen={setOpenId}
        onStatus={setStatus}
        onSignOut={signOut}
      />
      {other ? (
        <ConversationPane
          key={other._id}
          api={api}
          me={me}
          other={other}
          chat={chat}
          caughtUp={caughtUp}
          onBack={() => setOpenId(null)}
          onProblem={complain}
        />
      ) : (
        <section className="conversation nothing">
          <p>Choose whom to write to.</p>
        </section>
      )}
      <div className="toasts" role="status">
        {toast && (
          <button
            className={`toast ${toast.kind}`}
            onClick={() => {
              if (toast.from) setOpenId(toast.from);
              setToast(null);
            }}
          >
            {toast.text}
          </button>
        )}
      </div>
    </main>
  );
}

function noticeOf({ sender, content, messageType }: Message): Toast {
  const said = content || (messageType === "image" ? "an image" : "a file");
  return { text: `${sender.fullname}: ${said}`, from: sender._id, kind: "notice" };
}

// Whom one may write to, and with whom one has written before; who wrote last comes first.
function peopleOf(contacts: Contact[], conversations: Conversation[]) {
  const talked = conversations.map(({ otherUser }) => otherUser);
  const more = contacts.filter(({ _id }) => !talked.some((other) => other._id === _id));
  const writable = new Set(contacts.map(({ _id }) => _id));
  return [...talked, ...more].map((one) => ({ ...one, writable: writable.has(one._id) }));
}

export type Person = ReturnType<typeof peopleOf>[number];

function useVisible(): boolean {
  const [visible, setVisible] = useState(document.visibilityState === "visible");
  const listener = useRef(() => setVisible(document.visibilityState === "visible"));
  useEffect(() => {
    const changed = listener.current;
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);
  return visible;
}
