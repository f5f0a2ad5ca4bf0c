import Echo from "laravel-echo";
import Pusher from "pusher-js";
import type { LiveOptions } from "../types";
import { echoOptions } from "./options";

export type LiveEcho = Echo<"pusher">;

declare global {
  interface Window {
    Pusher: typeof Pusher;
    // for the browser's console: echo.private("conversation.1").listen(".message.sent", console.log)
    echo?: LiveEcho;
  }
}

window.Pusher = Pusher;

// One connection for the whole page: each channel is a subscription on it.
export async function connectEcho(live: LiveOptions, token: string): Promise<LiveEcho> {
  const options: Record<string, unknown> = echoOptions(live, import.meta.env, token, window.location.hostname);
  if (options.broadcaster === "socket.io") {
    // of the line that laravel-echo-server speaks; only who needs it loads it
    options.client = (await import("socket.io-client")).default;
    options.transports = ["websocket", "polling"];
  }
  // its types have one broadcaster each; what all of them can do is what this page uses
  window.echo = new Echo<"pusher">(options as unknown as Echo<"pusher">["options"]);
  // says whose connection it is: when he signs out, it is ended (Reverb knows that by the presence channels)
  if (options.broadcaster === "pusher") window.echo.connector.signin();
  return window.echo;
}

const BETWEEN_TRIES = 10_000;

// Whoever signs out somewhere loses all connections, and pusher-js leaves them so. A page whose token still holds
// connects again: at once, but not over and over.
export function comeBack(echo: LiveEcho, tokenHolds: () => Promise<boolean>): void {
  const { pusher } = echo.connector as { pusher?: Pusher };
  let tried = 0;
  async function again() {
    tried = Date.now();
    if (await tokenHolds()) pusher?.connect();
  }
  pusher?.connection.bind("disconnected", () => setTimeout(again, Math.max(0, tried + BETWEEN_TRIES - Date.now())));
}

// laravel-echo-server says on the socket, and not on the channel, that a subscription was refused.
export function onRefused(echo: LiveEcho, refused: (status: number) => void): void {
  const { socket } = echo.connector as unknown as { socket?: { on: (event: string, told: (...told: unknown[]) => void) => void } };
  socket?.on("subscription_error", (_channel, status) => refused(Number(status)));
}
