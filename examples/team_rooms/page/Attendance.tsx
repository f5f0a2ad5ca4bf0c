// Being in one's rooms: online in all of them, and hearing what changes the list of rooms.
import { useEffect } from "react";

import type { Person, Room } from "@/lib/api";
import type { NewMessage } from "@/lib/events";
import { joinPresence, listenToMessages, listenToReads, onSubscribed } from "@/lib/websocket";

interface Props {
  room: Room;
  me: Person;
  onMessage: (roomName: string, message: NewMessage) => void;
  /** Something may be unread that was not heard of, or be read by now. */
  onStale: () => void;
}

/** Shows nothing. One for each room: what changes in one leaves the presence in the others alone. */
export function Attendance({ room: { id, name, is_private: isPrivate }, me: { id: myId }, onMessage, onStale }: Props) {
  useEffect(() => {
    const stops = [
      joinPresence(id),
      listenToMessages(id, (message) => onMessage(name, message), { isPrivate }),
      // in another window, that is: this one hears nothing of what it says itself
      listenToReads(id, (read) => read.user_id === myId && onStale()),
      onSubscribed(id, onStale, { isPrivate }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [id, name, isPrivate, myId, onMessage, onStale]);
  return null;
}
