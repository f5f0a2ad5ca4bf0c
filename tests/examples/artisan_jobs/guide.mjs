// The guide's snippets, in its words, driven by test_guide.py: Laravel Echo, and the WebSocket of the browser's console.
import { createRequire } from "node:module";
import { report, serve } from "../../interop/line_protocol.mjs";

const modules = new URL("../../interop/node_modules/", import.meta.url);
const require = createRequire(modules);
const { default: Echo } = await import(new URL("laravel-echo/dist/echo.js", modules));
const Pusher = require("pusher-js");
const WebSocket = require("ws");

// "Configure Pusher"
globalThis.window = globalThis;
window.Pusher = Pusher;

let echo;
let channel;
let socket;

serve({
  // "Initialize Laravel Echo": nothing but the address is another.
  initialize({ host, port, address, yourAuthToken }) {
    echo = new Echo({
      broadcaster: "pusher",
      key: "mysharpjob-key",
      wsHost: host,
      wsPort: port,
      wssPort: port,
      forceTLS: false,
      encrypted: false,
      disableStats: true,
      enabledTransports: ["ws", "wss"],
      cluster: "mt1",
      authEndpoint: `${address}/broadcasting/auth`,
      auth: {
        headers: {
          Authorization: `Bearer ${yourAuthToken}`,
          Accept: "application/json",
        },
      },
    });
    const { connection } = echo.connector.pusher;
    connection.bind("connected", () => report("connected", { socket_id: echo.socketId() }));
  },

  // "Listen to Messages", "to Job Updates", "to Notifications"
  listen({ userId }) {
    channel = echo.private(`user.${userId}`);
    channel.listen(".message.sent", (data) => report("event", { event: "message.sent", data }));
    channel.listen(".job.updated", (data) => report("event", { event: "job.updated", data }));
    channel.listen(".notification.sent", (data) => report("event", { event: "notification.sent", data }));
    channel.subscribed(() => report("subscribed", { channel: channel.name }));
    channel.error(({ status }) => report("refused", { channel: channel.name, status }));
  },

  // "Cleanup on unmount"
  clean_up({ userId }) {
    channel.stopListening(".message.sent");
    echo.leave(`user.${userId}`);
    report("left");
  },

  // "Test with Browser Console"
  connect_raw({ host, port, query = "?protocol=7&client=js" }) {
    socket = new WebSocket(`ws://${host}:${port}/app/mysharpjob-key${query}`);
    socket.onopen = () => report("open");
    socket.onmessage = (event) => report("message", JSON.parse(event.data));
    socket.onerror = ({ message }) => report("error", { message });
  },
  subscribe_raw({ channel, auth }) {
    socket.send(JSON.stringify({ event: "pusher:subscribe", data: { channel, auth } }));
  },
});
