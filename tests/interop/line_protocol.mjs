// How a client script talks to Python: one JSON object per line, commands in on stdin, reports out on stdout.
import { createInterface } from "node:readline";

export function report(type, fields = {}) {
  process.stdout.write(JSON.stringify({ type, ...fields }) + "\n");
}

// Answers each line with the command of that name. When stdin closes the process ends, so that
// a test run which dies leaves no client behind.
export function serve(commands) {
  const lines = createInterface({ input: process.stdin });
  lines.on("close", () => process.exit(0));
  lines.on("line", (line) => {
    const { command, ...args } = JSON.parse(line);
    try {
      commands[command](args);
    } catch (error) {
      report("error", { command, message: String(error?.message ?? error) });
    }
  });
}

// What pusher-js and Echo (which sits on it) have in common.
export function pusherOptions({ host, port, authEndpoint, userAuthEndpoint, headers = {} }) {
  return {
    cluster: "",
    wsHost: host,
    wsPort: port,
    forceTLS: false,
    enabledTransports: ["ws"],
    channelAuthorization: { transport: "ajax", endpoint: authEndpoint, headers },
    userAuthentication: { transport: "ajax", endpoint: userAuthEndpoint, headers },
  };
}

export function reportConnection(pusher) {
  pusher.connection.bind("connected", () => report("connected", { socket_id: pusher.connection.socket_id }));
  pusher.connection.bind("disconnected", () => report("disconnected"));
  pusher.connection.bind("state_change", (change) => report("state", change));
  pusher.connection.bind("error", ({ error, type }) => {
    const { code = null, message = null } = error?.data ?? {};
    report("error", { code, message: message ?? type ?? String(error) });
  });
}
