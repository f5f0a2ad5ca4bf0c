// The tutorial's reader, in a real Chromium: driven by tests/docs/test_tutorial.py. Prints what was seen, as JSON.
//
//   node tests/docs/tutorial.mjs say|rule http://127.0.0.1:8000
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../interop/", import.meta.url))("playwright-core");
const [part, base] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []), // as root, Chromium has none
    ...["gpu", "quic", "background-networking", "component-update", "sync"].map((part) => `--disable-${part}`),
    "--no-first-run",
  ],
});

async function open(path) {
  const page = await browser.newPage();
  page.setDefaultTimeout(8_000);
  const subscribed = new Promise((resolve) =>
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => payload.includes("subscription_succeeded") && resolve()),
    ),
  );
  await page.goto(base + path);
  return { page, subscribed };
}

const notes = (page) => page.locator("#notes li").allTextContents();

async function status(page) {
  await page.locator("#status", { hasNotText: "connecting" }).waitFor();
  return page.locator("#status").textContent();
}

async function write(page, text) {
  await page.locator("input").fill(text);
  await page.getByRole("button").click();
}

// The first part of the page: a note written from elsewhere appears.
async function say() {
  const { page, subscribed } = await open("/");
  await subscribed;
  await fetch(`${base}/notes?text=hello`, { method: "POST" });
  await page.locator("#notes li").waitFor();
  return { notes: await notes(page) };
}

// The second: two tabs of Ann's, and Ben, who may not listen. What Ann's first tab hears it hears in order: had its own
// note come back, it would be there before that of the second tab.
async function rule() {
  const tabs = await Promise.all(["/?user=ann", "/?user=ann", "/?user=ben&notebook=ann"].map(open));
  const [first, second, ben] = tabs.map(({ page }) => page);
  const seen = { status: await Promise.all([first, second, ben].map(status)) };
  await write(first, "from the first tab");
  await second.getByText("from the first tab").waitFor();
  await write(second, "from the second tab");
  await first.getByText("from the second tab").waitFor();
  return { ...seen, first: await notes(first), second: await notes(second), ben: await notes(ben) };
}

try {
  console.log(JSON.stringify(await { say, rule }[part]()));
} catch (error) {
  console.error(error.stack);
  process.exitCode = 1;
} finally {
  await browser.close();
}
