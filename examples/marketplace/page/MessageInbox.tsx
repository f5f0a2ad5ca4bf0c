import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ConversationList } from "./parts/ConversationList";
import { Composer } from "./parts/Composer";
import { Thread } from "./parts/Thread";
import { api, sessionEnded } from "./lib/api";
import type { LiveEcho } from "./lib/echo";
import type { Status } from "./lib/live";
import { throttled } from "./lib/throttle";
import type { Account, Conversation, Message, MessagesRead, Page, UserTyping } from "./types";

// The server passes on one in two seconds: a little more, or it would drop every other one.
const TYPING_EVERY = 2_200;
const TYPING_BELIEVED = 5_000;

interface Props {
  me: Account;
  echo: LiveEcho | null;
  status: Status;
  conversations: Conversation[] | null;
  online: Set<number>;
  reload: () => Promise<void>;
  selectedId: number | null;
  onSelect: (id: number | null) => void;
}

export function MessageInbox({ me, echo, status, conversations, online, reload, selectedId, onSelect }: Props) {
  const userId = me.id;
  const selectedConversation = conversations?.find(({ id }) => id === selectedId) ?? null;
  const [messages, setMessages] = useState<Message[]>([]);
  const [earlier, setEarlier] = useState<number | null>(null);
  const [typing, setTyping] = useState("");
  const typingOver = useRef<ReturnType<typeof setTimeout>>(undefined);

  const markRead = useCallback(async (id: number) => {
    if (document.visibilityState !== "visible") return;
    await api.post(`/api/conversations/${id}/read`).catch(() => {});
    await reload();
  }, [reload]);

  // Each message once, in order: it may be heard while it is fetched.
  const add = useCallback((news: Message[]) => {
    setMessages((before) => {
      const all = new Map([...before, ...news].map((message) => [message.id, message]));
      return [...all.values()].sort((a, b) => a.id - b.id);
    });
  }, []);

  function showTyping(name: string) {
    clearTimeout(typingOver.current);
    setTyping(name);
    if (name) typingOver.current = setTimeout(() => setTyping(""), TYPING_BELIEVED);
  }

  // The newest messages, also after a lost connection: what was said meanwhile is not sent again.
  useEffect(() => {
    setMessages([]);
    setEarlier(null);
    showTyping("");
  }, [selectedConversation?.id]);

  useEffect(() => {
    const id = selectedConversation?.id;
    if (!id || !["connected", "off"].includes(status)) return;
    api.get<Page<Message>>(`/api/conversations/${id}/messages`).then((page) => {
      const last = page.data.at(-1)?.id ?? 0;
      setMessages((before) => [...page.data, ...before.filter((one) => one.id > last)]);
      setEarlier(page.next_before);
      return markRead(id);
    }).catch(() => {});
  }, [selectedConversation?.id, status, markRead]);

  useEffect(() => {
    if (!selectedConversation || !echo) return;

    // Join private conversation channel
    const channel = echo.private(`conversation.${selectedConversation.id}`);

    // Listen for new messages
    channel.listen(".message.sent", (data: Message) => {
      add([data]);
      showTyping("");
      void markRead(data.conversation_id);
    });

    // Listen for typing indicator
    channel.listen(".user.typing", (data: UserTyping) => {
      if (data.user_id !== userId) showTyping(data.user_name);
    });

    channel.listen(".messages.read", (data: MessagesRead) => {
      if (data.reader_id === userId) return;
      const read = new Set(data.message_ids);
      setMessages((before) => before.map((one) => (read.has(one.id) ? { ...one, read_at: data.read_at } : one)));
    });

    channel.error(({ status: code }: { status?: number }) => code === 401 && sessionEnded());

    // Cleanup on unmount or conversation change
    return () => {
      echo.leave(`conversation.${selectedConversation.id}`);
    };
  }, [selectedConversation?.id, echo, userId, add, markRead]);

  // However fast one types.
  const handleTyping = useMemo(() => throttled(TYPING_EVERY, () => {
    if (selectedId) api.post(`/api/conversations/${selectedId}/typing`).catch(() => {});
  }), [selectedId]);

  async function send(content: string) {
    const message = await api.post<Message>(`/api/conversations/${selectedId}/messages`, { content });
    add([message]);
    void reload();
  }

  async function loadEarlier() {
    const page = await api.get<Page<Message>>(`/api/conversations/${selectedId}/messages?before=${earlier}`);
    add(page.data);
    setEarlier(page.next_before);
  }

  return (
    <main className={`inbox${selectedConversation ? " open" : ""}`}>
      <ConversationList me={me} conversations={conversations} online={online} selectedId={selectedId} onSelect={onSelect} />
      {selectedConversation ? (
        <section className="thread" aria-label="Conversation">
          <Thread
            me={me}
            conversation={selectedConversation}
            messages={messages}
            online={online.has(selectedConversation.id)}
            typing={typing}
            onBack={() => onSelect(null)}
            onEarlier={earlier ? loadEarlier : null}
          />
          <Composer key={selectedConversation.id} onSend={send} onTyping={handleTyping} />
        </section>
      ) : (
        <p className="thread nothing">Choose a conversation.</p>
      )}
    </main>
  );
}
