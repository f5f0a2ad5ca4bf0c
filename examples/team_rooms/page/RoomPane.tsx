import { useCallback, useEffect, useState } from "react";

import { Composer } from "@/Composer";
import { ConnectionLost } from "@/Connection";
import { MessageItem, MessageList } from "@/MessageList";
import { Invite, People } from "@/People";
import { Empty, IconButton, timeOf } from "@/parts";
import { api, type Activity, type Message, type Person, type Room } from "@/lib/api";
import { useRoom } from "@/useRoom";

interface Props {
  room: Room;
  me: Person;
  report: (error: unknown) => void;
  /** A message of somebody else was shown, and all before it may be taken for read. */
  onShown: (room: number, message: number) => void;
  onBack: () => void;
  onLeave: () => void;
}

export function RoomPane({ room, me, report, onShown, onBack, onLeave }: Props) {
  const all = useRoom(room, report);
  const [isSearching, setSearching] = useState(false);
  const [showsPeople, setShowsPeople] = useState(false);
  const here = all.members.filter((member) => member.is_online).length;
  const typing = all.typing.filter((name) => name !== me.name);
  const shown = useCallback((message: number) => onShown(room.id, message), [onShown, room.id]);

  return (
    <section className="room" data-people={showsPeople} aria-label={room.name}>
      <div className="talk">
        <header>
          <IconButton icon="back" label="Back to the rooms" className="phone-only" onClick={onBack} />
          <div className="who">
            <h2>{room.name}</h2>
            <p className="here">
              {all.members.length > 0 && `${here} of ${all.members.length} here`}
              {room.is_open ? "" : " · by invitation"}
            </p>
          </div>
          <IconButton
            icon="search"
            label="Search"
            aria-pressed={isSearching}
            onClick={() => setSearching((shown) => !shown)}
          />
          <IconButton
            icon="info"
            label="People and activity"
            className="narrow-only"
            aria-pressed={showsPeople}
            onClick={() => setShowsPeople((shown) => !shown)}
          />
        </header>
        <ConnectionLost />
        <p className="notice" role="status">
          {all.notice}
        </p>
        {isSearching ? (
          <Search room={room} me={me} report={report} onClose={() => setSearching(false)} />
        ) : (
          <MessageList
            messages={all.messages}
            me={me}
            members={all.members}
            more={all.more}
            loaded={all.loaded}
            onShown={shown}
            onMore={() => all.loadOlder().catch(report)}
            onReact={
              room.role === "guest" ? undefined : (id, emoji, isOn) => void all.react(id, emoji, isOn).catch(report)
            }
          />
        )}
        <p className="typing" aria-live="polite">
          {typing.length > 0 && `${typing.join(", ")} ${typing.length > 1 ? "are" : "is"} typing…`}
        </p>
        {room.role === "guest" ? (
          <p className="read-only">As a guest you read along.</p>
        ) : (
          <Composer
            roomName={room.name}
            onSend={all.send}
            onUpload={all.upload}
            onTyping={() => void api.typing(room.id).catch(report)}
            report={report}
          />
        )}
      </div>
      <aside className="people" aria-label="People and activity">
        <IconButton
          icon="close"
          label="Back to the messages"
          className="narrow-only"
          onClick={() => setShowsPeople(false)}
        />
        <h3>People</h3>
        <People
          members={all.members}
          me={me}
          onRole={(member, role) => void all.changeRole(member, role).catch(report)}
          onSendAway={(member) => void all.sendAway(member).catch(report)}
        />
        {(room.role === "owner" || room.role === "moderator") && (
          <Invite onInvite={(email) => all.invite(email).catch(report)} />
        )}
        <h3>Activity</h3>
        <ActivityFeed activities={all.activities} />
        <button type="button" className="small leave" onClick={() => window.confirm(leaving(room)) && onLeave()}>
          Leave the room
        </button>
      </aside>
    </section>
  );
}

function ActivityFeed({ activities }: { activities: readonly Activity[] }) {
  if (activities.length === 0) return <Empty>Nothing has happened yet.</Empty>;
  return (
    <ol className="activities" reversed>
      {activities.toReversed().map((activity) => (
        <li key={`${activity.timestamp} ${activity.description}`} data-action={activity.action}>
          {activity.description}
          <time dateTime={activity.timestamp}>{timeOf(activity.timestamp)}</time>
        </li>
      ))}
    </ol>
  );
}

const leaving = (room: Room) =>
  `Leave ${room.name}?${room.is_open ? "" : " You come back only if somebody adds you again."}`;

interface SearchProps {
  room: Room;
  me: Person;
  report: (error: unknown) => void;
  onClose: () => void;
}

function Search({ room, me, report, onClose }: SearchProps) {
  const [words, setWords] = useState("");
  const [found, setFound] = useState<Message[] | null>(null);
  useEffect(() => {
    if (!words.trim()) return setFound(null);
    let isStale = false;
    const timer = window.setTimeout(() => {
      api.messages(room.id, { q: words }).then((page) => isStale || setFound(page.messages.toReversed()), report);
    }, 250);
    return () => {
      isStale = true;
      window.clearTimeout(timer);
    };
  }, [words, room.id, report]);
  return (
    <div className="messages">
      <div className="search">
        <input
          type="search"
          autoFocus
          placeholder={`Search in ${room.name}`}
          aria-label="Search in the messages"
          value={words}
          onChange={(e) => setWords(e.target.value)}
        />
        <IconButton icon="close" label="Close the search" onClick={onClose} />
      </div>
      {found?.length === 0 && <Empty>No message has these words.</Empty>}
      <ol className="found">
        {found?.map((message) => (
          <MessageItem key={message.id} message={message} me={me} />
        ))}
      </ol>
    </div>
  );
}
