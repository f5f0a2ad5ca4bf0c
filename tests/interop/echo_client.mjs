// A real Laravel Echo on pusher-js, driven by tests/interop/clients.py.
import Echo from "laravel-echo";
import Pusher from "pusher-js";
import { pusherOptions, report, reportConnection, serve } from "./line_protocol.mjs";

let echo;
const channels = new Map(); // by full wire name, as reports name them

const kinds = {
  public: { prefix: "", open: (name) => echo.channel(name) },
  private: { prefix: "private-", open: (name) => echo.private(name) },
  encrypted: { prefix: "private-encrypted-", open: (name) => echo.encryptedPrivate(name) },
  presence: { prefix: "presence-", open: (name) => echo.join(name) },
};

function reportPresence(channel, presence) {
  presence
    .here((members) => report("here", { channel, members }))
    .joining((info) => report("joining", { channel, info }))
    .leaving((info) => report("leaving", { channel, info }));
}

serve({
  connect({ key, ...options }) {
    echo = new Echo({ broadcaster: "pusher", key, Pusher, ...pusherOptions(options) });
    reportConnection(echo.connector.pusher);
  },
  // `name` is what an app writes, without prefix: Echo adds it.
  open({ kind, name }) {
    const full = kinds[kind].prefix + name;
    const channel = kinds[kind].open(name);
    channels.set(full, channel);
    channel.subscribed(() => report("subscribed", { channel: full }));
    channel.error(({ status = null, error }) => report("subscription_error", { channel: full, status, error }));
    if (kind === "presence") reportPresence(full, channel);
  },
  listen({ channel, event }) {
    channels.get(channel).listen(event, (data) => report("event", { channel, event, data }));
    report("listening", { channel, event });
  },
  listen_for_notifications({ channel, event }) {
    channels.get(channel).notification((data) => report("event", { channel, event, data }));
    report("listening", { channel, event });
  },
  listen_for_whisper({ channel, event }) {
    channels.get(channel).listenForWhisper(event, (data) => report("whisper", { channel, event, data }));
    report("listening", { channel, event });
  },
  whisper({ channel, event, data }) {
    channels.get(channel).whisper(event, data);
    report("whispered", { channel, event });
  },
  leave({ channel }) {
    echo.leaveChannel(channel);
    channels.delete(channel);
    report("left", { channel });
  },
  disconnect() {
    echo.disconnect();
  },
});
