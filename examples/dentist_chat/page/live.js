// The connection: pusher-js, to soketi or to the server in the application's process.
import Pusher from "pusher-js";

const STATES = { connected: "connected", connecting: "connecting", initialized: "connecting" };

// `options` come from the application: they say where, and with which key.
export function connect({ broadcaster, key, ...options }, csrfToken) {
  const headers = { "X-CSRF-TOKEN": csrfToken };
  return new Pusher(key, {
    ...options,
    channelAuthorization: { transport: "ajax", endpoint: "/broadcasting/auth", headers },
  });
}

export function onStatus(pusher, tell) {
  pusher.connection.bind("state_change", ({ current }) => tell(STATES[current] ?? "disconnected"));
}
