// The guide's src/lib/echo.ts (option 2) and MessageInbox.tsx, as they stand there but for the host and the port; and
// for `cluster`, without which today's pusher-js does not begin. Driven by test_guide.py.
import { createRequire } from "node:module";
import { report, reportConnection, serve } from "../../interop/line_protocol.mjs";
import Echo from "../../interop/node_modules/laravel-echo/dist/echo.js";

const Pusher = createRequire(new URL("../../interop/line_protocol.mjs", import.meta.url))("pusher-js");

const window = (globalThis.window = { location: {} });
const localStorage = { getItem: (name) => kept[name] };
const kept = {};
let echo;

serve({
  connect({ url, hostname, port, token }) {
    process.env.NEXT_PUBLIC_API_URL = url;
    window.location.hostname = hostname;
    kept.api_token = token;

    window.Pusher = Pusher;
    globalThis.Pusher = Pusher;

    echo = new Echo({
      broadcaster: "pusher",
      key: "local",
      cluster: "",
      wsHost: window.location.hostname,
      wsPort: port,
      forceTLS: false,
      disableStats: true,
      authEndpoint: `${process.env.NEXT_PUBLIC_API_URL}/broadcasting/auth`,
      auth: {
        headers: {
          Authorization: `Bearer ${localStorage.getItem("api_token")}`,
        },
      },
    });
    reportConnection(echo.connector.pusher);
  },

  select({ id }) {
    // Join private conversation channel
    const channel = echo.private(`conversation.${id}`);

    // Listen for new messages
    channel.listen(".message.sent", (data) => report("event", { event: "message.sent", data }));

    // Listen for typing indicator
    channel.listen(".user.typing", (data) => report("event", { event: "user.typing", data }));

    channel.subscribed(() => report("subscribed", { id }));
    channel.error(({ status }) => report("refused", { id, status }));
  },

  // Cleanup on unmount or conversation change
  leave({ id }) {
    echo.leave(`conversation.${id}`);
    report("left", { channels: Object.keys(echo.connector.channels) });
  },
});
