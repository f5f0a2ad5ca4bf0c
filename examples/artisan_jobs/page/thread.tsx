// One conversation: its history, who types, what was read, and where one writes.
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type FormEvent } from "react";
import { get, later, post } from "./api.ts";
import { useDesk } from "./desk.tsx";
import { useEvent } from "./echo.ts";
import { time } from "./format.ts";
import { Avatar, Name } from "./parts.tsx";
import type { Message, Person } from "./types.ts";

const REPEAT = 3_000; // how often the other is told that one types
const IDLE = 2_500;
const BELIEVED = 6_000; // a "stopped" may get lost

interface Page {
  data: Message[];
  has_more: boolean;
}

export function Thread({ person, onBack, onChanged }: { person: Person; onBack: () => void; onChanged: () => void }) {
  const { me, echo, connections, attempt, recount } = useDesk();
  const [messages, setMessages] = useState<Message[]>([]);
  const [more, setMore] = useState(false);
  const [typing, setTyping] = useState(false);
  const [sought, setSought] = useState<string | null>(null);
  const path = `conversations/${person.id}`;
  const own = `user.${me.id}`;

  // Nothing comes twice, whichever way it comes.
  const add = useCallback((...news: Message[]) => {
    setMessages((old) => [...new Map([...old, ...news].map((one) => [one.id, one])).values()].toSorted((one, other) => one.id - other.id));
  }, []);
  // In a window that nobody sees nothing is read.
  const read = useCallback(() => {
    if (document.visibilityState !== "visible") return;
    void attempt(async () => {
      const { message_ids: ids } = await post<{ message_ids: number[] }>(`${path}/read`);
      if (ids.length === 0) return;
      onChanged();
      recount();
    });
  }, [attempt, path, onChanged, recount]);

  useEffect(() => {
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [read]);

  useEffect(() => {
    void attempt(async () => {
      const page = await get<Page>(`${path}/messages`);
      // A page that does not reach down to the older ones that are shown would leave a gap: those are asked for again.
      const first = page.data[0]?.id ?? 0;
      setMessages((old) => (old.some(({ id }) => id === first) ? old : old.filter(({ id }) => id > first)));
      add(...page.data);
      setMore(page.has_more);
      read();
    });
    // Also after a lost connection: what was missed in between is in the history.
  }, [attempt, path, add, read, connections]);

  useEvent<Message>(echo, own, ".message.sent", (message) => {
    if (![message.sender_id, message.recipient_id].includes(person.id)) return;
    add(message);
    if (message.sender_id !== person.id) return;
    setTyping(false);
    read();
  });
  useEvent<{ message_ids: number[] }>(echo, own, ".messages.read", ({ message_ids: ids }) => {
    setMessages((old) => old.map((one) => (ids.includes(one.id) ? { ...one, is_read: true } : one)));
  });
  useEvent<{ user_id: number; typing: boolean }>(echo, own, ".user.typing", (data) => data.user_id === person.id && setTyping(data.typing));
  useEffect(() => {
    if (!typing) return;
    const timer = setTimeout(() => setTyping(false), BELIEVED);
    return () => clearTimeout(timer);
  }, [typing]);

  const earlier = () =>
    attempt(async () => {
      const page = await get<Page>(`${path}/messages?before=${messages[0]!.id}`);
      add(...page.data);
      setMore(page.has_more);
    });

  return (
    <section className="thread" aria-label={`Conversation with ${person.name}`}>
      <div className="bar">
        <button type="button" className="quiet back" onClick={onBack} aria-label="Back to all conversations">
          ←
        </button>
        <Avatar person={person} />
        <span className="whom">
          <b>
            <Name person={person} />
          </b>
          <small id="their-state">{typing ? "typing…" : person.role}</small>
        </span>
        <button type="button" className="quiet" aria-expanded={sought !== null} onClick={() => setSought(sought === null ? "" : null)}>
          Search
        </button>
      </div>
      {sought !== null && <Search path={path} sought={sought} onSought={setSought} />}
      <MessageList messages={messages} typing={typing} more={more} onEarlier={earlier} />
      <Composer
        person={person}
        onSent={(message) => {
          add(message);
          onChanged();
        }}
      />
    </section>
  );
}

function Search({ path, sought, onSought }: { path: string; sought: string; onSought: (text: string) => void }) {
  const { attempt } = useDesk();
  const [found, setFound] = useState<Message[]>([]);
  useEffect(() => {
    if (!sought) return setFound([]);
    return later(() => get<Page>(`${path}/messages?q=${encodeURIComponent(sought)}`), ({ data }) => setFound(data), attempt);
  }, [attempt, path, sought]);
  return (
    <div className="search">
      <input autoFocus type="search" placeholder="Search these messages" aria-label="Search these messages" value={sought} onChange={(event) => onSought(event.target.value)} />
      {sought && (
        <ul className="lines" id="found">
          {found.map((message) => (
            <li key={message.id}>
              <span>{message.content}</span>
              <small>{time(message.created_at)}</small>
            </li>
          ))}
          {found.length === 0 && <li>Nothing has these words in it.</li>}
        </ul>
      )}
    </div>
  );
}

function MessageList({ messages, typing, more, onEarlier }: { messages: Message[]; typing: boolean; more: boolean; onEarlier: () => void }) {
  const { me } = useDesk();
  const list = useRef<HTMLDivElement>(null);
  const last = messages.at(-1);
  const toEnd = () => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  };
  useLayoutEffect(toEnd, [last?.id, typing]);
  return (
    <div className="scroll" ref={list} onLoadCapture={toEnd}>
      {more && (
        <button type="button" className="quiet" onClick={onEarlier}>
          Earlier messages
        </button>
      )}
      <ol id="messages">
        {messages.map((message) => (
          <li key={message.id} className={message.sender_id === me.id ? "mine" : "theirs"}>
            {message.content && <p>{message.content}</p>}
            {message.attachments.map((file) => (
              <a key={file.id} className="file" href={file.url} target="_blank" rel="noreferrer">
                {file.type.startsWith("image/") ? <img src={file.url} alt={file.name} /> : `↓ ${file.name}`}
              </a>
            ))}
            <small>
              {time(message.created_at)}
              {message.sender_id === me.id && message === last && <span className="receipt">{message.is_read ? " · Read" : " · Sent"}</span>}
            </small>
          </li>
        ))}
      </ol>
      {messages.length === 0 && <p className="quiet-text center">Nothing said yet.</p>}
      {typing && (
        <p className="typing" id="typing">
          <i /> <i /> <i />
          <span className="hidden">typing</span>
        </p>
      )}
    </div>
  );
}

function Composer({ person, onSent }: { person: Person; onSent: (message: Message) => void }) {
  const { attempt } = useDesk();
  const [text, setText] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const picker = useRef<HTMLInputElement>(null);
  const told = useRef(0);
  const idle = useRef<ReturnType<typeof setTimeout>>(undefined);

  const tell = (typing: boolean) => void post("messages/typing", { recipient_id: person.id, typing }).catch(() => {});
  function touched(value: string) {
    setText(value);
    clearTimeout(idle.current);
    idle.current = setTimeout(stopped, IDLE);
    if (Date.now() - told.current < REPEAT) return;
    told.current = Date.now();
    tell(true);
  }
  function stopped() {
    if (told.current) tell(false);
    told.current = 0;
  }
  useEffect(() => () => clearTimeout(idle.current), []);

  async function send(event: FormEvent) {
    event.preventDefault();
    const content = text.trim();
    if (!content && files.length === 0) return;
    clearTimeout(idle.current);
    told.current = 0; // the message itself says that its author has stopped
    setText("");
    const taken = await attempt(async () => onSent(await post<Message>("messages", body(content))));
    if (taken) setFiles([]);
    else setText((now) => now || content);
  }
  function body(content: string) {
    if (files.length === 0) return { recipient_id: person.id, content, message_type: "text" };
    const form = new FormData();
    form.set("recipient_id", String(person.id));
    form.set("content", content);
    form.set("message_type", files.every(({ type }) => type.startsWith("image/")) ? "image" : "file");
    for (const file of files) form.append("attachments", file);
    return form;
  }

  return (
    <form className="composer" onSubmit={(event) => void send(event)}>
      {files.length > 0 && (
        <p className="chosen">
          {files.map(({ name }) => name).join(", ")}
          <button type="button" className="quiet" onClick={() => setFiles([])}>
            Remove
          </button>
        </p>
      )}
      <button type="button" className="quiet attach" aria-label="Attach files" onClick={() => picker.current?.click()}>
        +
      </button>
      <input
        ref={picker}
        hidden
        type="file"
        multiple
        accept="image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain"
        aria-label="Files"
        onChange={(event) => {
          setFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <textarea
        id="text"
        rows={1}
        maxLength={4000}
        aria-label="Message"
        placeholder={`Write to ${person.name}`}
        value={text}
        onChange={(event) => touched(event.target.value)}
        onKeyDown={(event) => {
          // Not the Enter that ends the composition of, say, a Japanese word.
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
      <button className="primary">Send</button>
    </form>
  );
}
