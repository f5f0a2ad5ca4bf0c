// Being in one's rooms: online in all of them, and counting what is written in those that are not open.
import { useCallback, useEffect, useRef, useState } from "react";

import { notify } from "@/notifications";
import type { Person, Room } from "@/lib/api";
import type { NewMessage } from "@/lib/events";
import { joinPresence, listenToMessages } from "@/lib/websocket";

interface Props {
  room: Room;
  onMessage: (roomName: string, message: NewMessage) => void;
}

/** Shows nothing. One for each room: what changes in one leaves the presence in the others alone. */
export function Attendance({ room: { id, name, is_private: isPrivate }, onMessage }: Props) {
  useEffect(() => {
    const stops = [
      joinPresence(id),
      listenToMessages(id, (message) => onMessage(name, message), { isPrivate }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [id, name, isPrivate, onMessage]);
  return null;
}

export function useUnread(openId: number | null, me: Person) {
  const [unread, setUnread] = useState<ReadonlyMap<number, number>>(new Map());
  const openNow = useRef(openId);
  useEffect(() => {
    openNow.current = openId;
    if (openId !== null) setUnread((counts) => new Map(counts).set(openId, 0));
  }, [openId]);
  const hear = useCallback(
    (roomName: string, message: NewMessage) => {
      if (message.sender_name === me.name) return;
      notify(roomName, message);
      const { room_id: room, type } = message;
      if (type === "system" || openNow.current === room) return;
      setUnread((counts) => new Map(counts).set(room, (counts.get(room) ?? 0) + 1));
    },
    [me.name],
  );
  return { unread, hear };
}
