// What patients and doctors would see and do in real windows of Chromium, driven by test_browser.py.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { DESKTOP, PHONE, Window, base, browser, shootTogether, tell } from "../../interop/windows.mjs";

const example = new URL("../../../examples/patient_chat/", import.meta.url);

const HOSTILE = `<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>`;
const QUESTION = "Dr. Doe, may I swim again next week?";
const ANSWER = "Yes, gently, and no diving for now.";
// Where a page from elsewhere is served: the FRONTEND_URL of the chat.
const frontend = new URL(process.argv[4]);

// Somebody with the page of the chat open.
class Person extends Window {
  // Socket.IO's frames: the event and its one argument.
  heard(event) {
    const frames = this.frames.filter((frame) => frame.startsWith("42[")).map((frame) => JSON.parse(frame.slice(2)));
    return frames.filter(([name]) => name === event).map(([, argument]) => argument);
  }

  contents(event) {
    return this.heard(event).map(({ message }) => message.content);
  }

  async fill(email) {
    await this.page.getByLabel("Email address").fill(email);
    await this.page.getByLabel("Password").fill("patient-chat-demo");
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  // As one of the demo's people.
  async choose(email) {
    await this.page.locator(".demo button", { hasText: email }).click();
    await this.connected();
  }

  connected() {
    return this.page.locator(".connection[data-connection=connected]").waitFor();
  }

  row(name) {
    return this.page.locator(".people li", { hasText: name });
  }

  open(name) {
    return this.row(name).getByRole("button").click();
  }

  state(text) {
    return this.page.locator(".state", { hasText: text }).waitFor();
  }

  async write(text) {
    await this.page.getByLabel("Message", { exact: true }).fill(text);
    await this.page.getByLabel("Message", { exact: true }).press("Enter");
    await this.shows(text);
  }

  shows(text) {
    return this.page.locator(".bubble p").getByText(text, { exact: true }).waitFor();
  }

  ticks(text, status) {
    return this.page.locator(".mine", { hasText: text }).locator(`.ticks[data-status=${status}]`).waitFor();
  }

  messages() {
    return this.page.locator(".bubble p").allTextContents();
  }

  // Another one's token, for what has no page.
  token() {
    return this.page.evaluate(() => sessionStorage.getItem("jwt_token"));
  }

  attach(name, mimeType, buffer) {
    return this.page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer });
  }
}

// A phone that can lose its network: connections break, and new ones hang until it is found again.
async function phoneContext() {
  const context = await browser.newContext(PHONE);
  const open = new Set();
  let network = Promise.resolve();
  let find;
  await context.routeWebSocket(/\/socket\.io\//, async (socket) => {
    await network;
    open.add([socket, socket.connectToServer()]);
  });
  async function lose() {
    network = new Promise((resolve) => (find = resolve));
    for (const [page, server] of open) await Promise.all([page.close({ code: 1011 }), server.close()]);
    open.clear();
  }
  return { context, lose, find: () => find() };
}

// The guide's hook as it stands there, but for the host, in a page that FRONTEND_URL lets in.
async function hookPage(token) {
  const hook = (await readFile(new URL("guide/use_chat.js", import.meta.url), "utf8")).replace(
    "http://localhost:3000",
    base,
  );
  const shown = `
    import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    ${hook}
    function Shown() {
      window.chat = useChat(${JSON.stringify(token)});
      const { socket, messages, isTyping } = window.chat;
      const contents = messages.map(({ content }) => content).join("|");
      return createElement("p", { "data-typing": isTyping, "data-connected": socket !== null }, contents);
    }
    createRoot(document.getElementById("root")).render(createElement(Shown));`;
  const require = createRequire(new URL("package.json", example));
  const { build } = await import(require.resolve("vite"));
  const entry = "virtual:hook";
  const { output } = await build({
    root: example.pathname,
    configFile: false,
    logLevel: "error",
    plugins: [
      {
        name: "hook",
        resolveId: (id) => (id === entry ? new URL("hook.js", example).pathname : null),
        load: (id) => (id.endsWith("/hook.js") ? shown : null),
      },
    ],
    build: { write: false, minify: false, rollupOptions: { input: entry } },
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(8_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  const server = createServer(({ url }, answer) => {
    const isScript = url === "/hook.js";
    answer.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    answer.end(isScript ? output[0].code : `<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/hook.js"></script>`);
  });
  server.listen(Number(frontend.port), frontend.hostname);
  server.unref();
  await page.goto(frontend.href);
  return { page, complaints, shown: page.locator("p") };
}

await tell(async () => {
  const seen = {};
  const desk = await browser.newContext(DESKTOP);

  // Signing in: with a form, or as one of the demo's people.
  const doe = await Person.open(desk, "Dr. Doe", { colorScheme: "dark" });
  await doe.fill("doe@example.com");
  await doe.connected();
  const ana = await Person.open(desk, "Ana");
  await ana.page.locator(".demo button").first().waitFor();
  await ana.shoot("sign-in");
  await ana.choose("ana@example.com");
  await ana.row("Dr. John Doe").locator(".unread, .preview").first().waitFor();

  // Who is there.
  await ana.open("Dr. John Doe");
  await ana.state("Available");
  await doe.row("Ana Lima").locator(".avatar[data-presence=available]").waitFor();
  await doe.page.getByLabel("Your status").selectOption("busy");
  await ana.state("Busy");
  seen.states = { busy: await ana.page.locator(".state").textContent() };

  // A message for somebody who looks elsewhere: a notice, a number in the list and in the title.
  await ana.write(QUESTION);
  await ana.ticks(QUESTION, "delivered");
  await doe.page.locator(".toast", { hasText: QUESTION }).waitFor();
  await doe.row("Ana Lima").locator(".unread").waitFor();
  await doe.page.waitForFunction(() => document.title.startsWith("("));
  seen.notified = {
    toast: await doe.page.locator(".toast").textContent(),
    title: await doe.page.title(),
    preview: await doe.row("Ana Lima").locator(".preview").textContent(),
  };

  // The notice opens the conversation, and Ana sees that it was read.
  await doe.page.locator(".toast").click();
  await doe.shows(QUESTION);
  await ana.ticks(QUESTION, "read");
  await doe.row("Ana Lima").locator(".unread").waitFor({ state: "detached" });
  seen.read = { title: await doe.page.title() };

  // Typing shows, and ends with a pause.
  await doe.page.getByLabel("Message", { exact: true }).pressSequentially("Yes, gently, and no");
  await ana.page.locator(".typing").waitFor();
  seen.typing = {
    header: await ana.page.locator(".state").textContent(),
    list: await ana.row("Dr. John Doe").locator(".preview").textContent(),
    forHimself: await doe.page.locator(".typing").isVisible(),
  };
  const pictures = [await ana.shoot("ana"), await doe.shoot("doe")];
  await ana.page.locator(".typing").waitFor({ state: "hidden" });
  seen.pausedTyping = await ana.page.locator(".state").textContent();
  await doe.write(ANSWER);
  await ana.shows(ANSWER);
  await shootTogether(pictures, "two-windows");

  // Markup stays text.
  await ana.write(HOSTILE);
  await doe.shows(HOSTILE);
  seen.hostile = { there: await doe.messages(), elements: await doe.page.locator(".bubble p *").count() };

  // Attachments: an image is shown, a document can be saved, anything else is refused.
  await ana.attach("knee.png", "image/png", await ana.page.screenshot({ clip: { x: 0, y: 0, width: 240, height: 120 } }));
  await doe.page.locator(".bubble img").waitFor();
  await doe.page.waitForFunction(() => document.querySelector(".bubble img").naturalWidth > 0);
  await doe.attach("letter.pdf", "application/pdf", Buffer.from("%PDF-1.7\n"));
  await ana.page.locator(".document").waitFor();
  const saving = ana.page.waitForEvent("download");
  await ana.page.locator(".document").click();
  seen.saved = (await saving).suggestedFilename();
  await ana.shoot("attachments");
  seen.picture = await doe.page.locator(".bubble img").getAttribute("alt");

  // A second tab of Ana's is another connection: it hears what the first one sends, and is the same person.
  const secondAna = await Person.open(desk, "Ana");
  await secondAna.choose("ana@example.com");
  await secondAna.open("Dr. John Doe");
  await secondAna.shows(ANSWER);
  await ana.write("Thank you!");
  await secondAna.shows("Thank you!");
  await secondAna.page.close();
  seen.onTheWire = { ana: ana.contents("new_message"), doe: doe.contents("new_message") };
  seen.confirmed = secondAna.contents("message_sent");

  // Ana reloads, and is still Ana with all that was said.
  await ana.page.reload();
  await ana.connected();
  await ana.open("Dr. John Doe");
  await ana.ticks(QUESTION, "read");
  seen.reloaded = (await ana.messages()).slice(-5);

  // Search: in names and in what was said.
  await ana.page.getByPlaceholder("Search").fill("check-up");
  await ana.row("Dr. John Doe").waitFor({ state: "detached" });
  seen.found = await ana.page.locator(".people b").allTextContents();
  await ana.page.getByPlaceholder("Search").fill("nothing like this");
  await ana.page.locator(".empty").filter({ hasText: "Nothing found" }).waitFor();
  await ana.page.getByPlaceholder("Search").fill("");
  await ana.row("Dr. John Doe").waitFor();

  // Ben's phone loses its connection, and catches up.
  const phone = await phoneContext();
  const ben = await Person.open(phone.context, "Ben");
  await ben.choose("ben@example.com");
  await ben.shoot("phone-list");
  await phone.lose();
  await ben.page.locator(".connection:not([data-connection=connected])").waitFor();
  await doe.row("Ben Okoye").locator(".avatar[data-presence=offline]").waitFor();
  await doe.open("Ben Okoye");
  await doe.write("With breakfast is fine.");
  seen.whileAway = await doe.page.locator(".mine .ticks").last().getAttribute("data-status");
  phone.find();
  await ben.connected();
  await ben.row("Dr. John Doe").locator(".unread", { hasText: "1" }).waitFor();
  await doe.ticks("With breakfast is fine.", "delivered");
  seen.caughtUp = { title: await ben.page.title(), preview: await ben.row("Dr. John Doe").locator(".preview").textContent() };
  await ben.open("Dr. John Doe");
  await ben.write("Good, thank you!");
  seen.phone = {
    list: await ben.page.locator(".people").isVisible(),
    wide: await ben.page.evaluate(() => document.documentElement.scrollWidth),
  };
  await ben.shoot("phone");

  // The guide's React hook, in a page from elsewhere.
  const hook = await hookPage(await ben.token());
  await hook.page.locator("p[data-connected=true]").waitFor({ state: "attached" });
  await hook.page.evaluate((id) => window.chat.sendMessage(id, "sent by the guide's hook"), await doeId(ben));
  await doe.shows("sent by the guide's hook");
  await doe.page.getByLabel("Message", { exact: true }).pressSequentially("Heard");
  await hook.page.locator("p[data-typing=true]").waitFor({ state: "attached" });
  await hook.page.locator("p[data-typing=false]").waitFor({ state: "attached" });
  await doe.write("Heard.");
  await hook.page.locator("p", { hasText: "Heard." }).waitFor();
  seen.hook = { messages: await hook.shown.textContent(), complaints: hook.complaints };

  // Ben has two tabs: with one closed he is still there, with both he is not.
  await ben.page.close();
  await doe.state("Available");
  seen.oneTabLeft = await doe.page.locator(".state").textContent();
  await hook.page.close();
  await doe.state("Offline");

  // Signing out ends the connection too.
  await ana.page.getByRole("button", { name: "Sign out" }).click();
  await ana.page.getByRole("button", { name: "Sign in" }).waitFor();
  await doe.row("Ana Lima").locator(".avatar[data-presence=offline]").waitFor();

  // A new patient, whom nobody treats yet.
  await ana.page.getByRole("button", { name: "I am a new patient" }).click();
  await ana.page.getByLabel("Full name").fill("Dana Novak");
  await ana.page.getByLabel("Email address").fill("dana@example.com");
  await ana.page.getByLabel("Password").fill("a long password");
  await ana.page.getByRole("button", { name: "Register" }).click();
  await ana.connected();
  await ana.page.locator(".empty").waitFor();
  seen.registered = {
    name: await ana.page.locator(".side h1").textContent(),
    empty: await ana.page.locator(".empty").textContent(),
  };
  await ana.shoot("empty");
  return seen;
});

function doeId(person) {
  return person.page.evaluate(async () => {
    const headers = { Authorization: `Bearer ${sessionStorage.getItem("jwt_token")}` };
    return (await (await fetch("/chat/contacts", { headers })).json()).data[0]._id;
  });
}
