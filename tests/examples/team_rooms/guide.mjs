// The guide's own examples in real windows of Chromium, driven by test_guide_browser.py: over a service, which stops and
// starts again when the story says so on its standard output.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { WIDE, base, browser } from "../../interop/windows.mjs";
import { Person } from "./people.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const example = fileURLToPath(new URL("../../../examples/team_rooms/", import.meta.url));
const { build } = await import(createRequire(`${example}package.json`).resolve("vite"));

// Bundles guide.ts with the page's own lib/websocket.ts, as the application's Vite would.
async function bundle(environ = {}) {
  Object.assign(process.env, { VITE_PUSHER_APP_KEY: "", VITE_PUSHER_APP_CLUSTER: "", ...environ });
  const result = await build({
    root: here,
    envDir: here,
    configFile: false,
    logLevel: "error",
    resolve: { alias: { "@": `${example}page` } },
    build: { write: false, modulePreload: false, rollupOptions: { input: `${here}guide.ts` } },
  });
  return result.output.find(({ type }) => type === "chunk").code;
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Asks the test to stop or start soketi, and waits until it has.
async function soketi(what) {
  console.log(JSON.stringify({ soketi: what }));
  await answers.next();
}

// A page with the guide's examples, and all that they print.
async function examplePage(context, code, path) {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const lines = [];
  let look = () => {};
  page.on("console", async (line) => {
    const [first, second] = line.args();
    const value = await second?.evaluate((one) => (one instanceof Error ? one.message : one));
    lines.push([line.type(), await first?.jsonValue(), value]);
    look();
  });
  await page.route("**/guide.js", (route) => route.fulfill({ contentType: "text/javascript", body: code }));
  await page.goto(new URL(path, base).href);
  await page.addScriptTag({ url: "/guide.js", type: "module" });
  const of = (text) => lines.filter(([, first]) => first === text).map(([type, , value]) => ({ type, value }));
  // Waits until a line of this text was printed that fits.
  const printed = (text, fits = () => true) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${text} was not printed: ${JSON.stringify(lines)}`)), 15_000);
      look = () => {
        const found = of(text).find(({ value }) => fits(value));
        if (!found) return;
        clearTimeout(late);
        resolve(found);
      };
      look();
    });
  const becomes = async (wanted) => {
    await page.waitForFunction((status) => window.runs.status() === status, wanted, { timeout: 20_000, polling: 200 });
    return (await printed("Connection status:", (status) => status === wanted)).value;
  };
  return { page, of, printed, becomes };
}

const seen = {};
try {
  const ann = await Person.signedIn(await browser.newContext(WIDE), "Ann");
  await ann.enter("Harbor project");
  const guide = await examplePage(await browser.newContext(), await bundle(), "/");
  seen.atFirst = await guide.page.evaluate(() => window.runs.status());
  seen.connected = await guide.becomes("connected");
  await ann.write("Hello from the page");
  seen.message = (await guide.printed("New message:")).value;

  // The service stops, and starts again: everybody comes back by themselves and misses nothing.
  await soketi("stop");
  await ann.page.locator(".connection:not([data-status=connected])").waitFor({ state: "attached" });
  await guide.printed("WebSocket disconnected");
  seen.away = await guide.becomes("disconnected");
  seen.error = await guide.printed("WebSocket error:");
  await ann.text.fill("Written while it was down");
  await ann.text.press("Enter");
  await ann.shows("Written while it was down");
  await soketi("start");
  await ann.connected();
  seen.back = await guide.becomes("connected");
  await ann.write("And after it");
  await guide.printed("New message:", ({ message }) => message === "And after it");
  seen.heard = guide.of("New message:").map(({ value }) => value.message);

  // Afterwards nothing is heard any more.
  await guide.page.evaluate(() => window.runs.cleanup());
  await ann.write("Nobody listens");
  seen.afterCleanup = guide.of("New message:").length;

  // Built with the guide's variables, it connects to Pusher: nothing leaves this machine, the window answers itself.
  const away = await browser.newContext();
  const asked = [];
  await away.routeWebSocket(/pusher\.com/, (socket) => {
    asked.push(socket.url());
    const data = JSON.stringify({ socket_id: "1.2", activity_timeout: 120 });
    socket.send(JSON.stringify({ event: "pusher:connection_established", data }));
  });
  await away.route("**/blank", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  const code = await bundle({ VITE_PUSHER_APP_KEY: "key-of-the-guide", VITE_PUSHER_APP_CLUSTER: "ap4" });
  const built = await examplePage(away, code, "/blank");
  seen.built = { status: await built.becomes("connected"), url: asked[0] };
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await browser.close();
  process.exit();
}
