import type { Person } from "./Chat";
import { Avatar, Icon, SAID } from "./parts";
import type { Availability, Conversation, Me } from "./types";
import type { Connection, Presence } from "./useChat";

const CONNECTION: Record<Connection, string> = {
  connecting: "Connecting…",
  connected: "Connected",
  disconnected: "Not connected, trying again…",
};

interface Props {
  me: Me;
  connection: Connection;
  people: Person[];
  conversations: Conversation[];
  found: Conversation[] | null;
  query: string;
  loaded: boolean;
  openId: string | null;
  typing: ReadonlySet<string>;
  presence: Presence;
  onQuery(query: string): void;
  onOpen(userId: string): void;
  onStatus(status: Availability): void;
  onSignOut(): void;
}

export function Sidebar(props: Props) {
  const { me, connection, found, query, loaded, people } = props;
  const shown = found === null ? people : people.filter(({ _id }) => found.some((one) => one.otherUser._id === _id));
  return (
    <section className="side" aria-label="Conversations">
      <header>
        <Avatar name={me.fullname} isOnline={connection === "connected"} status={me.status} />
        <div className="who">
          <h1>{me.fullname}</h1>
          <p className="connection" data-connection={connection} role="status">
            {CONNECTION[connection]}
          </p>
        </div>
        <button className="icon" title="Sign out" onClick={props.onSignOut}>
          <Icon name="leave" label="Sign out" />
        </button>
      </header>
      <div className="tools">
        <label className="search">
          <Icon name="search" label="Search conversations" />
          <input
            type="search"
            placeholder="Search"
            value={query}
            maxLength={100}
            onChange={(event) => props.onQuery(event.target.value)}
          />
        </label>
        <label className="status">
          <span className="hidden">Your status</span>
          <select value={me.status} onChange={(event) => props.onStatus(event.target.value as Availability)}>
            {Object.entries(SAID).map(([status, word]) => (
              <option key={status} value={status}>
                {word}
              </option>
            ))}
          </select>
        </label>
      </div>
      <ul className="people">
        {shown.map((person) => (
          <Row key={person._id} person={person} {...props} />
        ))}
      </ul>
      {loaded && shown.length === 0 && (
        <p className="empty">
          {query ? `Nothing found for “${query.trim()}”.` : me.role === "patient" ? NO_DOCTOR : NO_PATIENT}
        </p>
      )}
    </section>
  );
}

const NO_DOCTOR = "Nobody treats you here yet. As soon as your practice has entered your doctor, you can write.";
const NO_PATIENT = "You have no patients here yet. As soon as your practice has entered one, you can write.";

function Row({ person, me, conversations, found, openId, typing, presence, onOpen }: Props & { person: Person }) {
  const { _id, fullname } = person;
  const fits = ({ otherUser }: Conversation) => otherUser._id === _id;
  const conversation = conversations.find(fits) ?? found?.find(fits);
  const types = typing.has(_id);
  return (
    <li className={types ? "types" : undefined}>
      <button aria-current={openId === _id} onClick={() => onOpen(_id)}>
        <Avatar name={fullname} {...presence[_id]} />
        <span className="who">
          <b>{fullname}</b>
          <span className="preview" dir="auto">
            {types ? "typing…" : preview(conversation, me)}
          </span>
        </span>
        {conversation && conversation.unreadCount > 0 && (
          <span className="unread">
            {conversation.unreadCount}
            <span className="hidden"> unread</span>
          </span>
        )}
      </button>
    </li>
  );
}

function preview(conversation: Conversation | undefined, me: Me): string {
  if (!conversation) return "Nothing said yet";
  const { sender, content, messageType } = conversation.lastMessage;
  const said = content || (messageType === "image" ? "Image" : "File");
  return `${sender === me._id ? "You: " : ""}${said}`;
}
