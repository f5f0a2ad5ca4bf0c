// Ann and Ben with the snippets of docs/how-to/laravel-echo.md. Prints what each was shown, as JSON.
//
//   node laravel_echo.mjs http://127.0.0.1:8000       beside live.mjs, listen.mjs, send.mjs and presence.mjs
import { connect } from "./live.mjs";
import { listen } from "./listen.mjs";
import { watch } from "./presence.mjs";
import { post } from "./send.mjs";

globalThis.location = new URL(process.argv[2]);
setTimeout(() => process.exit(2), 15_000).unref();

async function join(token) {
  const shown = [];
  const waiting = [];
  const show = (what) => {
    shown.push(what);
    for (const look of waiting) look();
  };
  const until = (what) =>
    new Promise((resolve) => {
      const look = () => shown.some((seen) => JSON.stringify(seen) === JSON.stringify(what)) && resolve();
      waiting.push(look);
      look();
    });
  const echo = connect(token);
  const channel = listen(echo, show);
  await new Promise((resolve, reject) => channel.subscribed(resolve).error(reject));
  watch(echo, show);
  return { echo, shown, until, typing: () => post(echo, token, "/conversations/1/typing") };
}

const ann = await join("ann");
await ann.until(["Ann"]);
const ben = await join("ben");
await ben.until(["Ann", "Ben"]);
await ann.until("Ben came");

// What Ann hears comes in order: had her own event come back, it would be there before Ben's.
await ann.typing();
await ben.until("Ann is typing");
await ben.typing();
await ann.until("Ben is typing");
ben.echo.disconnect();
await ann.until("Ben left");

console.log(JSON.stringify({ ann: ann.shown, ben: ben.shown }));
process.exit(0);
