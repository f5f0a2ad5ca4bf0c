// What is unread, as the server counts it, with what was heard since; and telling the server what was read here.
import { useCallback, useEffect, useReducer, useRef, useState } from "react";

import { notify } from "@/notifications";
import { ApiError, api, type Person, type Room, type Standing } from "@/lib/api";
import type { NewMessage } from "@/lib/events";

const PAUSE = 1_000;
const PAUSE_AFTER_FAILURE = 10_000;

// Ids of messages, by room.
type Heard = ReadonlyMap<number, ReadonlySet<number>>;

function remember(heard: Heard, change: NewMessage | readonly Room[]): Heard {
  const now = new Map(heard);
  if ("id" in change) return now.set(change.room_id, new Set(heard.get(change.room_id)).add(change.id));
  // what the server has counted need not be known any more
  for (const { id, last_message_id: counted } of change)
    now.set(id, new Set([...(heard.get(id) ?? [])].filter((message) => message > counted)));
  return now;
}

/** The room as the server has it now; answers may come late, and what is known to be read is not unread again. */
export function newest(before: Room | undefined, now: Room): Room {
  if (!before?.role || !now.role) return now;
  const { last_read_id, unread_count, last_message_id } = before;
  const isLate = last_read_id > now.last_read_id || last_message_id > now.last_message_id;
  return isLate ? { ...now, last_read_id, unread_count, last_message_id } : now;
}

interface Options {
  rooms: readonly Room[];
  me: Person;
  onStanding: (room: number, standing: Standing) => void;
  report: (error: unknown) => void;
}

export function useReading({ rooms, me, onStanding, report }: Options) {
  const [heard, note] = useReducer(remember, new Map() as Heard);
  const [shown, setShown] = useState<ReadonlyMap<number, number>>(new Map());
  const resting = useRef(new Set<number>());
  const [, lookAgain] = useReducer((times: number) => times + 1, 0);

  useEffect(() => note(rooms), [rooms]);

  const hear = useCallback(
    (roomName: string, message: NewMessage) => {
      if (message.sender_name === me.name) return;
      notify(roomName, message);
      if (message.type !== "system") note(message);
    },
    [me.name],
  );
  const markShown = useCallback(
    (room: number, message: number) =>
      setShown((before) => (message > (before.get(room) ?? 0) ? new Map(before).set(room, message) : before)),
    [],
  );

  // Tells the server at once, and then once a second for each room at most. With each render: it looks whether there is
  // something to tell, and mostly there is not.
  useEffect(() => {
    for (const room of rooms) {
      const last = shown.get(room.id) ?? 0;
      if (last <= room.last_read_id || resting.current.has(room.id)) continue;
      resting.current.add(room.id);
      const rest = (pause: number) =>
        window.setTimeout(() => {
          resting.current.delete(room.id);
          lookAgain();
        }, pause);
      api.markRead(room.id, last).then(
        (standing) => {
          onStanding(room.id, standing);
          rest(PAUSE);
        },
        (error: unknown) => {
          // it can wait, unless one is signed out
          if (error instanceof ApiError && error.status === 401) report(error);
          rest(PAUSE_AFTER_FAILURE);
        },
      );
    }
  });

  const unreadIn = (room: Room) => {
    const last = Math.max(room.last_read_id, shown.get(room.id) ?? 0);
    const counted = last >= room.last_message_id ? 0 : room.unread_count;
    const since = [...(heard.get(room.id) ?? [])].filter((id) => id > Math.max(last, room.last_message_id));
    return counted + since.length;
  };
  return { unreadIn, hear, markShown };
}
