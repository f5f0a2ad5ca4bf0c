// A real socket.io-client 4, driven by tests/interop/socketio_servers.py.
import { io } from "socket.io-client";
import { report, serve } from "../line_protocol.mjs";

let socket;

serve({
  connect({ url, auth, transports }) {
    socket = io(url, { auth, transports, reconnection: false });
    socket.on("connect", () => report("connected", { socket_id: socket.id }));
    socket.on("disconnect", (reason) => report("disconnected", { reason }));
    socket.on("connect_error", (error) => report("disconnected", { reason: String(error) }));
    // All arguments, so that a test sees how many there are.
    socket.onAny((event, ...args) => report("event", { event, args }));
  },
  // Emits an event and reports how it is acknowledged.
  ask({ event, args }) {
    socket.timeout(4000).emit(event, ...args, (error, answer) => {
      if (error) report("error", { command: event, message: String(error) });
      else report("answer", { event, answer });
    });
  },
  disconnect() {
    socket.disconnect();
  },
});
