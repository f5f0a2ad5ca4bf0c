// A real Laravel Echo on socket.io-client 2, driven by tests/interop/clients.py.
import Echo from "laravel-echo";
import io from "socket.io-client";
import { report, serve } from "./line_protocol.mjs";

let echo;
const channels = new Map(); // by full wire name, as reports name them

const kinds = {
  public: { prefix: "", open: (name) => echo.channel(name) },
  private: { prefix: "private-", open: (name) => echo.private(name) },
  presence: { prefix: "presence-", open: (name) => echo.join(name) },
};

function reportPresence(channel, presence) {
  presence
    .here((members) => report("here", { channel, members }))
    .joining((info) => report("joining", { channel, info }))
    .leaving((info) => report("leaving", { channel, info }));
}

serve({
  connect({ url, headers }) {
    echo = new Echo({ broadcaster: "socket.io", client: io, host: url, auth: { headers }, transports: ["websocket"] });
    const { socket } = echo.connector;
    socket.on("connect", () => report("connected", { socket_id: echo.socketId() }));
    socket.on("disconnect", () => report("disconnected"));
    socket.on("connect_error", (error) => report("disconnected", { message: String(error) }));
    // Echo itself does not tell of it here, nor of a subscription that succeeded.
    socket.on("subscription_error", (channel, status) => report("subscription_error", { channel, status }));
  },
  // `name` is what an app writes, without prefix: Echo adds it.
  open({ kind, name }) {
    const full = kinds[kind].prefix + name;
    const channel = kinds[kind].open(name);
    channels.set(full, channel);
    if (kind === "presence") reportPresence(full, channel);
    report("opened", { channel: full });
  },
  listen({ channel, event }) {
    channels.get(channel).listen(event, (data) => report("event", { channel, event, data }));
    report("listening", { channel, event });
  },
  // Whatever its name: Echo can do this with pusher-js only.
  listen_to_all() {
    const { socket } = echo.connector;
    const onevent = socket.onevent;
    socket.onevent = function (packet) {
      const [event, channel, data] = packet.data;
      report("event", { channel, event, data });
      return onevent.call(this, packet);
    };
    report("listening", {});
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
