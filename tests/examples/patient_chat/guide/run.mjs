// Runs the guide's snippets as they stand, with a real socket.io-client 4: what they need from around is given, and
// what they print is reported. Driven by test_guide.py.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { report, serve } from "../../../interop/line_protocol.mjs";

const require = createRequire(new URL("../../../interop/socketio4/package.json", import.meta.url));
const { io } = require("socket.io-client");

let made;

serve({
  // The snippets named, as one script; `words` are what the guide has in place of ids, token and host.
  async run({ snippets, words, token }) {
    const texts = await Promise.all(snippets.map((name) => readFile(new URL(`${name}.js`, import.meta.url), "utf8")));
    let script = texts.join("\n");
    for (const [word, value] of Object.entries(words)) script = script.replaceAll(word, value);
    const around = {
      io,
      console: {
        log: (text, value) => report("printed", { text, value }),
        error: (text, value) => report("printed", { text, value }),
      },
      localStorage: { getItem: (key) => (key === "jwt_token" ? token : null) },
      displayMessage: (message) => report("displayed", { message }),
    };
    const end = `
      return { socket, ...(typeof sendMessage === "undefined" ? {} : { sendMessage, handleTyping }) };`;
    made = new Function(...Object.keys(around), script + end)(...Object.values(around));
    made.socket.on("connect", () => report("connected"));
    made.socket.on("connect_error", (error) => report("refused", { message: error.message }));
    made.socket.onAny((event, ...args) => report("event", { event, args }));
  },
  call({ name, args }) {
    made[name](...args);
  },
  emit({ event, args }) {
    made.socket.emit(event, ...args);
  },
});
