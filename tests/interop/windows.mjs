// Windows of Chromium, for stories of what people see and do in them. A story is a module that is run as
//
//   node story.mjs http://127.0.0.1:8000 build/screenshots/chat
//
// walks through its application once and prints what was seen as one JSON object (tests/interop/stories.py runs it).
// Every wait is bounded, none is a sleep.
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("playwright-core");

export const [base, screenshots] = process.argv.slice(2);
export const DESKTOP = { viewport: { width: 720, height: 640 }, deviceScaleFactor: 2 };
export const WIDE = { viewport: { width: 1180, height: 760 }, deviceScaleFactor: 2 };
export const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []), // as root, Chromium has none
    ...["gpu", "quic", "background-networking", "component-update", "sync"].map((part) => `--disable-${part}`),
    "--no-first-run",
  ],
});

const complaints = []; // of the pages: errors, and whatever their security policy kept from running
const windows = [];

// One window, and what its WebSocket brought it. Applications derive their own, with the words of their pages.
export class Window {
  static async open(context, name, { colorScheme = "light", path = "/" } = {}) {
    const page = await context.newPage();
    page.setDefaultTimeout(8_000);
    await page.emulateMedia({ colorScheme });
    const window = new this(page, name);
    await page.goto(new URL(path, base).href);
    return window;
  }

  constructor(page, name) {
    this.page = page;
    this.name = name;
    this.frames = []; // as they came, texts
    windows.push(this);
    page.on("pageerror", (error) => complaints.push(`${name}: ${error}`));
    page.on("console", (line) => line.type() === "error" && complaints.push(`${name}: ${line.text()}`));
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => this.frames.push(String(payload))));
  }

  // What the Pusher protocol brought of one event: its payloads, in order.
  heard(event) {
    const frames = this.frames.map((frame) => JSON.parse(frame)).filter((frame) => frame.event === event);
    return frames.map(({ data }) => JSON.parse(data));
  }

  shoot(name) {
    return this.page.screenshot({ path: `${screenshots}/${name}.png`, animations: "disabled" });
  }
}

// Several windows in one picture, as they would stand on a desk.
export async function shootTogether(pictures, name) {
  const page = await browser.newPage({ viewport: { width: 1240, height: 600 } });
  const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString("base64")}">`);
  await page.setContent(
    `<style>body { margin: 0; height: 600px; display: flex; gap: 30px; justify-content: center; align-items: center;
     background: linear-gradient(120deg, #c9d6ea, #dcd3ec) }
     img { max-width: 570px; max-height: 540px; border-radius: 12px; box-shadow: 0 18px 40px -12px rgb(20 30 60 / 45%) }
     </style>${images.join("")}`,
  );
  await page.screenshot({ path: `${screenshots}/${name}.png` });
  await page.close();
}

// Runs a story, prints what it returns, and takes pictures of the windows if it fails.
export async function tell(story) {
  try {
    console.log(JSON.stringify({ ...(await story()), complaints }));
  } catch (error) {
    console.error(error.stack, ...complaints);
    const open = windows.filter(({ page }) => !page.isClosed());
    await Promise.allSettled(open.map((window, number) => window.shoot(`failed-${number}-${window.name}`)));
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
