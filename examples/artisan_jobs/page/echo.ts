// Laravel Echo on pusher-js, connected as the server says: its key, host and port are those of PUSHER_*.
import Echo from "laravel-echo";
import Pusher from "pusher-js";
import { useEffect, useRef } from "react";
import { sendSocketIdOf } from "./api.ts";

export type Live = Echo<"pusher">;

export function connect(settings: Record<string, unknown>): Live {
  const echo = new Echo({
    ...settings,
    broadcaster: "pusher",
    Pusher,
    authEndpoint: "/broadcasting/auth",
    // The session's cookie says who asks. A page of another origin sends `Authorization: Bearer …` here.
    auth: { headers: { Accept: "application/json" } },
    userAuthentication: { headers: {} },
  } as never) as Live;
  sendSocketIdOf(() => echo.socketId());
  return echo;
}

// Listens while a component is shown; always calls the handler of the last rendering.
export function useEvent<T>(echo: Live, channelName: string, event: string, handler: (data: T) => void): void {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const channel = echo.private(channelName);
    const listener = (data: T) => latest.current(data);
    channel.listen(event, listener);
    // Not `echo.leave(…)`: others listen on the same channel.
    return () => {
      channel.stopListening(event, listener);
    };
  }, [echo, channelName, event]);
}
