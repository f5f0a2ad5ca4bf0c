import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Api } from "./api";
import type { Person } from "./Chat";
import { Composer } from "./Composer";
import { MessageItem } from "./MessageItem";
import { Avatar, Icon, SAID } from "./parts";
import type { Me, Message, Status } from "./types";
import type { Statuses, useChat } from "./useChat";

const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

interface Props {
  api: Api;
  me: Me;
  other: Person;
  chat: ReturnType<typeof useChat>;
  caughtUp: number;
  onBack(): void;
  onProblem(text: string): void;
}

export function ConversationPane({ api, me, other, chat, caughtUp, onBack, onProblem }: Props) {
  const { messages, statuses, presence, addMessages } = chat;
  const [total, setTotal] = useState<number | null>(null);
  const scroll = useRef<HTMLDivElement>(null);
  const types = chat.typing.has(other._id);
  const here = messages.filter(({ sender, receiver }) => sender._id === other._id || receiver._id === other._id);

  const load = useCallback(
    async (skip: number) => {
      try {
        const { data, meta } = await api.history(other._id, skip);
        const known = Object.entries(meta.status).map(([id, { status }]) => [id, status] as const);
        addMessages(data, Object.fromEntries(known));
        setTotal(meta.total);
      } catch (error) {
        onProblem((error as Error).message);
      }
    },
    [api, other._id, addMessages, onProblem],
  );

  useEffect(() => void load(0), [load, caughtUp]);

  const lastId = here.at(-1)?._id;
  useLayoutEffect(() => {
    if (scroll.current) scroll.current.scrollTop = scroll.current.scrollHeight;
  }, [lastId, types, total === null]);

  const { isOnline = false, status = "available" } = presence[other._id] ?? {};
  return (
    <section className="conversation" aria-label={`Conversation with ${other.fullname}`}>
      <header>
        <button className="icon back" title="Back" onClick={onBack}>
          <Icon name="back" label="Back to the conversations" />
        </button>
        <Avatar name={other.fullname} isOnline={isOnline} status={status} />
        <div className="who">
          <h2>{other.fullname}</h2>
          <p className="state">{types ? "typing…" : isOnline ? SAID[status] : "Offline"}</p>
        </div>
      </header>
      <div className="scroll" ref={scroll}>
        {total !== null && total > here.length && (
          <button className="link earlier" onClick={() => void load(here.length)}>
            Earlier messages
          </button>
        )}
        {total === 0 && here.length === 0 && <p className="empty">Nothing said yet. Write the first message.</p>}
        <ol role="log" aria-live="polite">
          {here.map((message, index) => (
            <MessageItem
              key={message._id}
              api={api}
              message={message}
              mine={message.sender._id === me._id}
              status={statusOf(message, statuses)}
              day={dayOf(message, here[index - 1])}
              onLoad={() => {
                if (message._id === lastId) scroll.current?.scrollTo({ top: scroll.current.scrollHeight });
              }}
              onProblem={onProblem}
            />
          ))}
        </ol>
        {types && (
          <p className="typing">
            <i />
            <i />
            <i />
            <span className="hidden">{other.fullname} is typing</span>
          </p>
        )}
      </div>
      {other.writable ? (
        <Composer api={api} other={other} chat={chat} onProblem={onProblem} />
      ) : (
        <p className="ended">The treatment has ended. What was said can still be read.</p>
      )}
    </section>
  );
}

function statusOf(message: Message, statuses: Statuses): Status {
  return message.isRead ? "read" : (statuses[message._id] ?? "sent");
}

// Above the first message of a day.
function dayOf(message: Message, before: Message | undefined): string | null {
  const day = date.format(new Date(message.createdAt));
  if (before && date.format(new Date(before.createdAt)) === day) return null;
  return day === date.format(new Date()) ? "Today" : day;
}
