// The connection: pusher-js, to soketi or to the server in the application's process.
import Pusher from "pusher-js";

const BETWEEN_TRIES = 10_000;
const STATES = { connected: "connected", connecting: "connecting", initialized: "connecting" };

// `options` come from the application: they say where, and with which key.
export function connect({ broadcaster, key, ...options }, csrfToken) {
  const headers = { "X-CSRF-TOKEN": csrfToken };
  const pusher = new Pusher(key, {
    ...options,
    channelAuthorization: { transport: "ajax", endpoint: "/broadcasting/auth", headers },
    userAuthentication: { transport: "ajax", endpoint: "/broadcasting/user-auth", headers },
  });
  // Says whose connection it is: when he signs out, it is ended. Reverb knows that by the presence channels.
  if (broadcaster === "pusher") pusher.signin();
  return pusher;
}

// Whoever signs out somewhere loses all connections, and pusher-js leaves them so. A page that is signed in still
// connects again: at once, but not over and over.
export function comeBack(pusher, isSignedIn) {
  let tried = 0;
  async function again() {
    tried = Date.now();
    if (await isSignedIn()) pusher.connect();
  }
  pusher.connection.bind("disconnected", () => setTimeout(again, Math.max(0, tried + BETWEEN_TRIES - Date.now())));
}

export function onStatus(pusher, tell) {
  pusher.connection.bind("state_change", ({ current }) => tell(STATES[current] ?? "disconnected"));
}
