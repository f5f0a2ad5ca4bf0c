import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { Attendance } from "@/Attendance";
import { ConnectionStatus } from "@/Connection";
import { NewRoom } from "@/NewRoom";
import { RoomPane } from "@/RoomPane";
import { useNotificationPermission } from "@/notifications";
import { Avatar, Empty, Icon, IconButton } from "@/parts";
import { newest, useReading } from "@/reading";
import { api, type Person, type Room, type Standing } from "@/lib/api";
import type { MembershipChanged } from "@/lib/events";
import {
  listenToMemberships,
  onConnectionConnected,
  onConnectionDisconnected,
  onConnectionError,
} from "@/lib/websocket";

const NEWS_LASTS = 6_000;
// When all rooms are heard again, one question will do.
const SOON = 100;
const MOST_SHOWN = 99;

interface Props {
  me: Person;
  report: (error: unknown) => void;
  onSignOut: () => void;
}

export function Workspace({ me, report, onSignOut }: Props) {
  const [rooms, setRooms] = useState<Room[] | null>(null);
  const [openId, setOpenId] = useState<number | null>(null);
  const [news, setNews] = useState("");

  const load = useCallback(async () => {
    const answer = await api.rooms();
    setRooms((before) => {
      const now = answer.map((room) => newest(before?.find(({ id }) => id === room.id), room));
      // the same list stays the same: who listens need not begin anew
      return JSON.stringify(before) === JSON.stringify(now) ? before : now;
    });
  }, []);
  const timer = useRef<number>(undefined);
  const loadSoon = useCallback(() => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void load().catch(report), SOON);
  }, [load, report]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useEffect(() => void load().catch(report), [load, report]);
  useEffect(() => {
    // a monitoring service would be told here; and who was away may be in other rooms by now
    const stops = [
      onConnectionConnected(() => void load().catch(report)),
      onConnectionError((error) => console.info("WebSocket:", error.message)),
      onConnectionDisconnected(() => console.info("WebSocket: disconnected")),
    ];
    return () => stops.forEach((stop) => stop());
  }, [load, report]);
  useEffect(() => {
    let timer: number | undefined;
    const stop = listenToMemberships(me.id, (changed) => {
      void load().catch(report);
      if (changed.changed_by === me.name) return; // in another window
      setNews(newsOf(changed));
      window.clearTimeout(timer);
      timer = window.setTimeout(setNews, NEWS_LASTS, "");
    });
    return () => {
      window.clearTimeout(timer);
      stop();
    };
  }, [load, report, me.id, me.name]);

  const mine = useMemo(() => rooms?.filter((room) => room.role) ?? [], [rooms]);
  const others = rooms?.filter((room) => !room.role) ?? [];
  const open = mine.find((room) => room.id === openId);
  const onStanding = useCallback(
    (id: number, standing: Standing) =>
      setRooms((all) => all && all.map((room) => (room.id === id ? { ...room, ...standing } : room))),
    [],
  );
  const { unreadIn, hear, markShown } = useReading({ rooms: mine, me, onStanding, report });
  const total = mine.reduce((sum, room) => sum + unreadIn(room), 0);
  useEffect(() => {
    document.title = `${total ? `(${total}) ` : ""}${open ? `${open.name} · ` : ""}Team rooms`;
  }, [total, open]);

  async function join(room: Room) {
    await api.join(room.id);
    await load();
    setOpenId(room.id);
  }
  async function leave(room: Room) {
    await api.leave(room.id);
    setOpenId(null);
    await load();
  }

  return (
    <main className="workspace" data-open={open ? "room" : "list"}>
      {mine.map((room) => (
        <Attendance key={room.id} room={room} me={me} onMessage={hear} onStale={loadSoon} />
      ))}
      <p className="news" role="status">
        {news}
      </p>
      <nav className="side" aria-label="Rooms">
        <header>
          <Avatar name={me.name} />
          <div className="who">
            <h1>{me.name}</h1>
            <ConnectionStatus />
          </div>
          <NotificationButton />
          <IconButton icon="out" label="Sign out" onClick={onSignOut} />
        </header>
        <div className="lists">
          <h2>Your rooms</h2>
          {rooms && mine.length === 0 && <Empty>You are in no room yet. Join one below, or make your own.</Empty>}
          <ul>
            {mine.map((room) => (
              <li key={room.id}>
                <button
                  type="button"
                  aria-current={room.id === openId ? "page" : undefined}
                  onClick={() => setOpenId(room.id)}
                >
                  <Icon name={room.is_open ? "room" : "lock"} />
                  <span className="who">
                    <b>{room.name}</b>
                    <span>{room.description}</span>
                  </span>
                  <UnreadCount count={unreadIn(room)} />
                </button>
              </li>
            ))}
          </ul>
          {others.length > 0 && <h2>Open rooms</h2>}
          <ul>
            {others.map((room) => (
              <li key={room.id} className="joinable">
                <Icon name="room" />
                <span className="who">
                  <b>{room.name}</b>
                  <span>{room.description}</span>
                </span>
                <button
                  type="button"
                  className="small"
                  aria-label={`Join ${room.name}`}
                  onClick={() => void join(room).catch(report)}
                >
                  Join
                </button>
              </li>
            ))}
          </ul>
        </div>
        <NewRoom
          report={report}
          onMade={(id) =>
            void load()
              .then(() => setOpenId(id))
              .catch(report)
          }
        />
      </nav>
      {open ? (
        <RoomPane
          key={open.id}
          room={open}
          me={me}
          report={report}
          onShown={markShown}
          onBack={() => setOpenId(null)}
          onLeave={() => void leave(open).catch(report)}
        />
      ) : (
        <section className="nothing">
          <Icon name="room" />
          <p>Choose a room.</p>
        </section>
      )}
    </main>
  );
}

function newsOf({ room_name: room, role, changed_by: by }: MembershipChanged): string {
  if (!role) return `${by} removed you from ${room}.`;
  return `${by} made you ${role === "owner" ? "an" : "a"} ${role} of ${room}.`;
}

function UnreadCount({ count }: { count: number }) {
  if (!count) return null;
  return (
    <span className="unread" aria-label={`${count} unread`}>
      {count > MOST_SHOWN ? `${MOST_SHOWN}+` : count}
    </span>
  );
}

function NotificationButton() {
  const [permission, ask] = useNotificationPermission();
  if (permission !== "default") return null;
  return <IconButton icon="bell" label="Notify me of messages" onClick={ask} />;
}
