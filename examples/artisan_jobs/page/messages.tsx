// Messages between two people, as they come.
import { useCallback, useEffect, useState } from "react";
import { get, later } from "./api.ts";
import { useDesk } from "./desk.tsx";
import { useEvent } from "./echo.ts";
import { when } from "./format.ts";
import { Avatar, Empty, Name } from "./parts.tsx";
import { Thread } from "./thread.tsx";
import type { Conversation, Message, Person } from "./types.ts";

export function MessagesComponent({ partner, onOpen }: { partner: number | null; onOpen: (id: number | null) => void }) {
  const { me, echo, connections, attempt } = useDesk();
  const [conversations, setConversations] = useState<Conversation[] | null>(null);
  const [people, setPeople] = useState<Person[]>([]);
  const [sought, setSought] = useState("");
  const load = useCallback(() => {
    void attempt(async () => setConversations((await get<{ data: Conversation[] }>("conversations")).data));
  }, [attempt]);
  useEffect(load, [load, connections]);
  useEffect(() => {
    const ask = () => get<{ data: Person[] }>(`people?q=${encodeURIComponent(sought)}`);
    return later(ask, ({ data }) => setPeople(data), attempt);
  }, [attempt, sought]);
  useEvent<Message>(echo, `user.${me.id}`, ".message.sent", load);

  const known = conversations?.map(({ person }) => person) ?? [];
  const person = [...known, ...people].find(({ id }) => id === partner);
  const others = people.filter(({ id }) => !known.some((one) => one.id === id));
  const shown = conversations?.filter(({ person: { name } }) => name.toLowerCase().includes(sought.toLowerCase()));

  return (
    <main className={`messages${person ? " open" : ""}`}>
      <aside aria-label="Conversations">
        <input type="search" placeholder="Search people" aria-label="Search people" value={sought} onChange={(event) => setSought(event.target.value)} />
        <ul id="conversations">
          {shown?.map(({ person, last_message: last, unread }) => (
            <Row key={person.id} person={person} current={person.id === partner} onOpen={onOpen}>
              <span className="preview">
                {last && `${last.sender_id === me.id ? "You: " : ""}${last.content || last.attachments[0]?.name || ""}`}
              </span>
              {last && <time dateTime={last.created_at}>{when(last.created_at)}</time>}
              {unread > 0 && <span className="count">{unread}</span>}
            </Row>
          ))}
          {others.map((person) => (
            <Row key={person.id} person={person} current={person.id === partner} onOpen={onOpen}>
              <span className="preview">{person.role}</span>
            </Row>
          ))}
        </ul>
      </aside>
      {person ? (
        <Thread key={person.id} person={person} onBack={() => onOpen(null)} onChanged={load} />
      ) : (
        <div className="thread none">
          <Empty title="No conversation is open">Choose somebody to write to.</Empty>
        </div>
      )}
    </main>
  );
}

function Row({ person, current, onOpen, children }: { person: Person; current: boolean; onOpen: (id: number) => void; children: React.ReactNode }) {
  return (
    <li>
      <button type="button" aria-current={current} onClick={() => onOpen(person.id)}>
        <Avatar person={person} />
        <b>
          <Name person={person} />
        </b>
        {children}
      </button>
    </li>
  );
}
