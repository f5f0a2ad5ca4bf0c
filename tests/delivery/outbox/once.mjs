// A pusher-js client with the snippet of docs/how-to/outbox.md. Prints what was handled until the fence, as JSON.
//
//   node once.mjs PORT KEY       beside snippet.mjs
import Pusher from "pusher-js";

import { once } from "./snippet.mjs";

setTimeout(() => process.exit(2), 15_000).unref();

const [port, key] = process.argv.slice(2);
const options = { cluster: "", wsHost: "127.0.0.1", wsPort: Number(port), forceTLS: false, enabledTransports: ["ws"] };
const client = new Pusher(key, { ...options, disableStats: true });
const channel = client.subscribe("orders");
const came = [];
const handled = [];
channel.bind("order.placed", (payload) => came.push(payload.id));
channel.bind("order.placed", once((payload) => handled.push(payload.id)));
channel.bind("fence", () => {
  console.log(JSON.stringify({ came, handled }));
  client.disconnect();
});
channel.bind("pusher:subscription_succeeded", () => console.log("ready"));
