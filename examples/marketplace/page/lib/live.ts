// Hooks: the connection, the list of conversations, and who is there.
import { useCallback, useEffect, useState } from "react";
import type { Account, Conversation, LiveOptions, Person } from "../types";
import { api, apiToken, sessionEnded, tokenHolds } from "./api";
import { type LiveEcho, comeBack, connectEcho, onRefused } from "./echo";

export type Status = "connected" | "disconnected" | "connecting" | "reconnecting" | "failed" | "off";

const UNAUTHORIZED = 401;
const LEAVING = 100;

// One Echo for as long as somebody is signed in.
export function useEcho(live: LiveOptions | null, me: Account | null): { echo: LiveEcho | null; status: Status } {
  const [echo, setEcho] = useState<LiveEcho | null>(null);
  const [status, setStatus] = useState<Status>("connecting");
  useEffect(() => {
    const token = apiToken();
    if (!live || !me || !token) return;
    let current: LiveEcho | null = null;
    let over = false;
    connectEcho(live, token).then((made) => {
      if (over) return made.disconnect();
      current = made;
      made.connector.onConnectionChange(setStatus);
      comeBack(made, async () => !over && (await tokenHolds()) && !over);
      onRefused(made, (code) => code === UNAUTHORIZED && sessionEnded());
      setStatus(live.broadcaster === "null" ? "off" : made.connectionStatus());
      setEcho(made);
    });
    return () => {
      over = true;
      // when the other hooks have left their channels: pusher-js says so a moment later
      setTimeout(() => current?.disconnect(), LEAVING);
      window.echo = undefined;
      setEcho(null);
      setStatus("connecting");
    };
  }, [live, me?.id]);
  return { echo, status };
}

export function useConversations(echo: LiveEcho | null, me: Account | null, status: Status) {
  const [conversations, setConversations] = useState<Conversation[] | null>(null);
  const reload = useCallback(async () => {
    try {
      setConversations(await api.get<Conversation[]>("/api/conversations"));
    } catch {
      // what is shown stays, and the next event or connection asks again
    }
  }, []);
  useEffect(() => {
    // also after a lost connection: what was said meanwhile is not sent again
    if (me) void reload();
    else setConversations(null);
  }, [me?.id, status, reload]);
  useEffect(() => {
    if (!echo || !me) return;
    echo
      .private(`user.${me.id}`)
      .listen(".conversation.updated", reload)
      .error(({ status: code }: { status?: number }) => code === UNAUTHORIZED && sessionEnded());
    return () => echo.leave(`user.${me.id}`);
  }, [echo, me?.id, reload]);
  return { conversations, reload };
}

const WATCHED = 30;

// In which conversations the other one has a page open.
export function useOnline(echo: LiveEcho | null, me: Account | null, conversations: Conversation[] | null): Set<number> {
  const [online, setOnline] = useState(new Set<number>());
  const ids = (conversations ?? []).slice(0, WATCHED).map(({ id }) => id).sort((a, b) => a - b).join();
  useEffect(() => {
    if (!echo || !me || !ids) return;
    const numbers = ids.split(",").map(Number);
    const mark = (id: number, there: boolean) =>
      setOnline((before) => {
        const after = new Set(before);
        if (there) after.add(id);
        else after.delete(id);
        return after;
      });
    for (const id of numbers) {
      echo
        .join(`online.${id}`)
        .here((people: Person[]) => mark(id, people.some((person) => person.id !== me.id)))
        .joining((person: Person) => person.id !== me.id && mark(id, true))
        .leaving((person: Person) => person.id !== me.id && mark(id, false));
    }
    return () => {
      for (const id of numbers) echo.leave(`online.${id}`);
      setOnline(new Set());
    };
  }, [echo, ids, me?.id]);
  return online;
}
