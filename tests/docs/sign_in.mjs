// A page with the snippet of docs/how-to/sign-in-users.md, which gets `echo` and `location`. Prints what happened to it.
//
//   node sign_in.mjs http://127.0.0.1:8000       beside snippet.js
import { readFileSync } from "node:fs";
import Echo from "laravel-echo";
import Pusher from "pusher-js";

const base = new URL(process.argv[2]);
setTimeout(() => process.exit(2), 15_000).unref();

const echo = new Echo({
  broadcaster: "pusher",
  Pusher,
  key: "app-key",
  cluster: "",
  wsHost: base.hostname,
  wsPort: base.port,
  forceTLS: false,
  enabledTransports: ["ws"],
  userAuthentication: { endpoint: `${base.origin}/broadcasting/user-auth`, headers: {} },
});
const { pusher } = echo.connector;

const reloaded = new Promise((resolve) => {
  new Function("echo", "location", readFileSync(new URL("snippet.js", import.meta.url)))(echo, { reload: resolve });
});
// "disconnected" is for good; a client that comes back would be "connecting".
const ended = new Promise((resolve) => {
  pusher.connection.bind("state_change", ({ previous, current }) => previous === "connected" && resolve(current));
});
await pusher.user.signinDonePromise;
await new Promise((resolve) => pusher.user.serverToUserChannel.bind("pusher:subscription_succeeded", resolve));
const user = pusher.user.user_data;
await fetch(`${base.origin}/password`, { method: "POST" });
await reloaded;
console.log(JSON.stringify({ user, reloaded: true, ended: await ended }));
process.exit(0);
