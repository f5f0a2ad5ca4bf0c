// All that is known of the room that is open, kept up to date by what is heard.
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";

import { ApiError, api, type Activity, type Member, type Message, type Role, type Room, type RoomDetails } from "@/lib/api";
import type { MessageReaction } from "@/lib/events";
import {
  listenToActivities,
  listenToMessages,
  listenToReactions,
  listenToReads,
  listenToTyping,
  listenToUserStatus,
  onPresent,
  onSubscribed,
} from "@/lib/websocket";

const HEARTBEAT = 60_000;
const TYPING_LASTS = 4_000;
const NOTICE = " notice";
const NOTICE_LASTS = 4_000;
const MOST_PAGES = 20;

// Messages by id: whatever comes twice or out of order is there once, in its place.
type Known = ReadonlyMap<number, Message>;

type Change = Message[] | MessageReaction;

function merge(known: Known, change: Change): Known {
  const merged = new Map(known);
  if (Array.isArray(change)) {
    for (const message of change) merged.set(message.id, { ...merged.get(message.id), ...message });
  } else {
    const message = merged.get(change.message_id);
    if (message) merged.set(message.id, { ...message, reactions: change.reactions });
  }
  return merged;
}

// The event has no id; what a person did at one time is one thing.
function mergeActivities(known: readonly Activity[], activities: Activity[]): readonly Activity[] {
  const merged = new Map([...known, ...activities].map((one) => [`${one.timestamp} ${one.description}`, one]));
  return [...merged.values()].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
}

// An answer may be older than what was heard meanwhile, and nobody reads backwards.
const meet = (members: Member[]) => (before: Member[]) =>
  members.map((one) => {
    const known = before.find(({ user_id: user }) => user === one.user_id)?.last_read_id ?? 0;
    return { ...one, last_read_id: Math.max(one.last_read_id, known) };
  });

export function useRoom(room: Room, report: (error: unknown) => void) {
  const { id, is_private: isPrivate } = room;
  const [known, add] = useReducer(merge, new Map() as Known);
  const knownNow = useRef(known);
  knownNow.current = known;
  const [more, setMore] = useState(false);
  const [loaded, setLoaded] = useState(false);
  const [members, setMembers] = useState<Member[]>([]);
  const [activities, note] = useReducer(mergeActivities, [] as readonly Activity[]);
  const [typing, setTyping] = useState<readonly string[]>([]);
  const [notice, setNotice] = useState("");

  // Loads the newest messages, and older ones until they meet those that are known.
  const catchUp = useCallback(async () => {
    const isFirst = knownNow.current.size === 0;
    let before: number | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const { messages, more: older } = await api.messages(id, before ? { before } : {});
      const meets = messages.some((message) => knownNow.current.has(message.id));
      add(messages);
      if (isFirst) setMore(older);
      if (isFirst || meets || !older || messages.length === 0) break;
      before = messages[0].id;
    }
    note((await api.activities(id)).activities);
    setLoaded(true);
  }, [id]);

  const lookAround = useCallback(async () => setMembers(meet((await api.lookAround(id)).members)), [id]);

  const loadOlder = useCallback(async () => {
    const oldest = Math.min(...knownNow.current.keys());
    const { messages, more: older } = await api.messages(id, { before: oldest });
    add(messages);
    setMore(older);
  }, [id]);

  useEffect(() => {
    // 404: one was sent away, and the room is about to go from the list
    const failed = (error: unknown) => (error instanceof ApiError && error.status === 404) || report(error);
    const run = (work: () => Promise<unknown>) => () => void work().catch(failed);
    // what its event does not tell: the file
    const withUpload = async (message: Message) =>
      add([message.type === "text" ? message : await api.message(id, message.id)]);
    const timers = new Map<string, number>();
    const forget = (name: string) => {
      window.clearTimeout(timers.get(name));
      setTyping((names) => names.filter((one) => one !== name));
    };
    run(catchUp)();
    run(lookAround)();
    const heartbeat = window.setInterval(run(lookAround), HEARTBEAT);
    const stops = [
      onSubscribed(id, run(catchUp), { isPrivate }),
      onPresent(id, run(lookAround)),
      listenToMessages(
        id,
        (message) => {
          forget(message.sender_name);
          run(() => withUpload(message))();
        },
        { isPrivate },
      ),
      listenToActivities(id, (activity) => {
        note([activity]);
        if (MEMBERS_CHANGED.has(activity.action)) run(lookAround)();
      }, { isPrivate }),
      listenToReactions(id, add, { isPrivate }),
      listenToUserStatus(id, (status) => {
        setMembers((all) => all.map((one) => (one.user_id === status.user_id ? { ...one, is_online: status.is_online, last_seen: status.last_seen } : one)));
        setNotice(`${status.user_name} ${status.is_online ? "is here" : "has gone"}`);
        window.clearTimeout(timers.get(NOTICE));
        timers.set(NOTICE, window.setTimeout(setNotice, NOTICE_LASTS, ""));
      }),
      listenToReads(id, ({ user_id: user, message_id: message }) =>
        setMembers((all) => all.map((one) => (one.user_id === user ? { ...one, last_read_id: Math.max(one.last_read_id, message) } : one))),
      ),
      listenToTyping(id, ({ user_name: name }) => {
        forget(name);
        setTyping((names) => [...names, name]);
        timers.set(name, window.setTimeout(forget, TYPING_LASTS, name));
      }),
    ];
    return () => {
      window.clearInterval(heartbeat);
      timers.forEach((timer) => window.clearTimeout(timer));
      stops.forEach((stop) => stop());
    };
  }, [id, isPrivate, catchUp, lookAround, report]);

  const written = useCallback(({ messages, activity }: { messages: Message[]; activity: Activity }) => {
    add(messages);
    note([activity]);
  }, []);
  const send = useCallback(async (text: string) => written(await api.send(id, text)), [id, written]);
  const upload = useCallback(async (file: File) => written(await api.upload(id, file)), [id, written]);
  const react = useCallback(
    async (message: number, emoji: string, isOn: boolean) => add([await api.react(id, message, emoji, isOn)]),
    [id],
  );
  const changed = useCallback(
    async (room: RoomDetails) => {
      setMembers(meet(room.members));
      note((await api.activities(id)).activities);
    },
    [id],
  );
  const invite = useCallback(async (email: string) => changed(await api.add(id, email, "member")), [id, changed]);
  const changeRole = useCallback(
    async (user: number, role: Role) => changed(await api.changeRole(id, user, role)),
    [id, changed],
  );
  const sendAway = useCallback(async (user: number) => changed(await api.sendAway(id, user)), [id, changed]);

  const messages = useMemo(() => [...known.values()].sort((a, b) => a.id - b.id), [known]);
  return {
    ...{ messages, more, loaded, members, activities, typing, notice },
    ...{ loadOlder, send, upload, react, invite, changeRole, sendAway },
  };
}

const MEMBERS_CHANGED = new Set(["joined", "left", "added", "removed", "role_changed"]);
