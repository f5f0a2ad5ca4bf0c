// What Maya, a patient, and Dr. Ruiz see and do in real windows of Chromium, driven by test_browser.py.
import { PHONE, WIDE, Window, base, browser, shootTogether, tell } from "../../interop/windows.mjs";

const HOSTILE = `<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>`;
const PASSWORD = "open-wide";
// Something to attach: a drawing of a tooth, with the place where it hurts.
async function drawing() {
  const page = await browser.newPage({ viewport: { width: 320, height: 200 } });
  await page.setContent(
    `<body style="margin:0;background:#dceeec"><svg viewBox="0 0 32 20" width="320" height="200">
     <path fill="#fff" d="M16 4c2-2 8-2 8 4 0 5-2 10-4 10s-2-6-4-6-2 6-4 6-4-5-4-10c0-6 6-6 8-4z"/>
     <circle cx="20" cy="6.5" r="2" fill="none" stroke="#c2410c" stroke-width=".6"/></svg>`,
  );
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

// Somebody in front of the application.
class Person extends Window {
  constructor(page, name) {
    super(page, name);
    page.on("websocket", (socket) => (this.socket = socket));
  }

  async signIn(email, password = PASSWORD) {
    await this.page.getByLabel("Email address").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
  }

  connected() {
    return this.page.locator("#status[data-status=connected]").waitFor();
  }

  row(id) {
    return this.page.locator(`#consultations li[data-id="${id}"]`);
  }

  async opens(id) {
    await this.row(id).locator("a").click();
    await this.page.waitForURL(`**/chat/conversation/${id}`);
  }

  async write(text) {
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
    await this.shows(text);
  }

  shows(text) {
    return this.page.locator("#messages p").getByText(text, { exact: true }).waitFor();
  }

  messages() {
    return this.page.locator("#messages p").allTextContents();
  }

  notice(text) {
    return this.page.locator("#notices li", { hasText: text });
  }

  // Who else has the conversation on show open: beside the name, and as a dot in the list.
  here() {
    return this.page.locator("#here", { hasText: "here now" });
  }

  dot(id) {
    return this.page.locator(`#consultations li.here[data-id="${id}"]`);
  }

  dots() {
    return this.page.locator("#consultations li.here").count();
  }

  // Resolves once the server has let this window into a channel.
  joined(channel) {
    return this.told((frame) => frame.channel === channel && frame.event.endsWith("subscription_succeeded"));
  }

  // Resolves once the server knows whose connection this is.
  known() {
    return this.told((frame) => frame.event === "pusher:signin_success");
  }

  async told(isIt) {
    if (this.frames.some((frame) => isIt(JSON.parse(frame)))) return;
    await this.socket.waitForEvent("framereceived", ({ payload }) => isIt(JSON.parse(payload)));
  }

  // What the WebSocket told of who came to a presence channel and went.
  comings(channel) {
    const frames = this.frames.map((frame) => JSON.parse(frame)).filter((frame) => frame.channel === channel);
    return frames.map(({ event }) => event.split(":")[1]).filter((event) => event.startsWith("member_"));
  }

  wire() {
    return this.heard("message.sent").map(({ content }) => content);
  }
}

// A phone that can lose its network: connections break, and new ones hang until it is found again.
async function phoneContext() {
  const context = await browser.newContext(PHONE);
  const open = new Set();
  let network = Promise.resolve();
  let find;
  await context.routeWebSocket(/\/app\//, async (socket) => {
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

// Each person has a browser of their own: a session is a browser's.
async function person(name, email, options, more) {
  return enter(await browser.newContext(options), name, email, more);
}

async function enter(context, name, email, more) {
  const window = await Person.open(context, name, more);
  await window.signIn(email);
  await window.connected();
  return window;
}

await tell(async () => {
  const seen = {};
  // Nobody gets in without signing in, and a wrong password says only that.
  const stranger = await Person.open(await browser.newContext(WIDE), "stranger", { path: "/chat/conversation/1" });
  seen.stranger = new URL(stranger.page.url()).pathname;
  await stranger.shoot("sign-in");
  seen.accounts = await stranger.page.locator(".accounts li b").allTextContents();
  await stranger.page.close();

  const maya = await person("maya", "maya@ask-dentist.example", WIDE);
  const ruiz = await person("ruiz", "ruiz@ask-dentist.example", WIDE, { colorScheme: "dark" });
  seen.lists = {
    maya: await maya.page.locator("#consultations b").allTextContents(),
    ruiz: await ruiz.page.locator("#consultations b").allTextContents(),
  };
  seen.empty = await maya.page.locator("#nothing").textContent();
  await maya.shoot("dashboard");

  // Maya writes while Dr. Ruiz is elsewhere in the application: she is notified, and her list counts.
  await ruiz.joined("presence-consultation.1.1");
  await maya.opens(1);
  await maya.write("It is worse today. May I come by?");
  await ruiz.notice("Maya Lindqvist").waitFor();
  await ruiz.row(1).locator(".unread", { hasText: "1" }).waitFor();
  // and it shows that Maya has the conversation open, and Dr. Ruiz has not
  await ruiz.dot(1).waitFor();
  seen.alone = { ruiz: await ruiz.dots(), maya: await maya.dots(), header: await maya.page.locator("#here").textContent() };
  seen.notified = {
    notice: await ruiz.notice("Maya Lindqvist").locator("a > *").allTextContents(),
    title: await ruiz.page.title(),
    receipt: await maya.page.locator("#messages li.mine .receipt").last().textContent(),
  };

  // She follows the notification, and Maya sees that it was read.
  await ruiz.notice("Maya Lindqvist").locator("a").click();
  await ruiz.shows("It is worse today. May I come by?");
  await maya.page.locator("#messages li.mine .receipt", { hasText: "Read" }).last().waitFor();
  await maya.page.locator("#messages li.mine:last-child .receipt[data-read=true]").waitFor();
  seen.read = {
    receipt: await maya.page.locator("#messages li.mine .receipt").last().textContent(),
    unread: await ruiz.row(1).locator(".unread").textContent(),
    address: new URL(ruiz.page.url()).pathname,
  };

  // Now each sees that the other is there, in this conversation and no other.
  for (const window of [maya, ruiz]) await window.here().waitFor();
  seen.here = {
    maya: await maya.page.locator("#consultations .now").allTextContents(),
    ruiz: await ruiz.page.locator("#consultations .now").allTextContents(),
    told: maya.heard("pusher_internal:member_added").at(-1),
  };
  // A second tab of Maya's comes and goes, and she is there all the time.
  const tab = await Person.open(maya.page.context(), "maya's tab", { path: "/chat/conversation/1" });
  await tab.connected();
  await tab.joined("presence-consultation.1.1");
  await tab.here().waitFor();
  await tab.page.close();

  // Typing shows, and ends when she pauses.
  await ruiz.page.locator("#text").pressSequentially("Of course, ");
  // looked at in one moment: she pauses soon
  const typing = await maya.page.waitForFunction(() => {
    const text = (selector) => document.querySelector(selector).textContent;
    const shown = !document.getElementById("typing").hidden;
    return shown && { header: text("#subject"), list: text('#consultations li[data-id="1"] .preview') };
  });
  seen.typing = { ...(await typing.jsonValue()), forHerself: await ruiz.page.locator("#typing").isVisible() };
  await ruiz.write("Of course, at four. I have a plan for you.");
  await maya.shows("Of course, at four. I have a plan for you.");
  await maya.page.locator("#typing").waitFor({ state: "hidden" });

  // An image is shown.
  await maya.page.locator("#file").setInputFiles({ name: "tooth.png", mimeType: "image/png", buffer: await drawing() });
  await maya.page.locator("#attached", { hasText: "tooth.png" }).waitFor();
  await maya.page.locator("#text").fill("This is where it hurts.");
  await maya.page.getByRole("button", { name: "Send" }).click();
  await ruiz.page.locator("#messages img[alt='tooth.png']").waitFor();
  seen.attachment = await ruiz.page
    .locator("#messages img[alt='tooth.png']")
    .evaluate((image) => image.decode().then(() => image.naturalWidth));

  // A treatment plan: submitted, notified, accepted, notified.
  await ruiz.page.getByRole("button", { name: "Submit a plan" }).click();
  await ruiz.page.getByLabel("What is to be done").fill("Removal of the lower left wisdom tooth, local anesthesia.");
  await ruiz.page.getByRole("button", { name: "Submit", exact: true }).click();
  await maya.notice("submitted a treatment plan").waitFor();
  await shootTogether([await maya.shoot("maya"), await ruiz.shoot("ruiz")], "two-windows");
  await maya.page.getByRole("button", { name: "Accept" }).click();
  await ruiz.notice("accepted your treatment plan").waitFor();
  seen.plan = {
    maya: await maya.page.locator("#plans li").getAttribute("data-status"),
    ruiz: await ruiz.page.locator("#plans li").getAttribute("data-status"),
    acceptable: await ruiz.page.getByRole("button", { name: "Accept" }).count(),
  };

  // Markup stays text.
  await maya.write(HOSTILE);
  await ruiz.shows(HOSTILE);
  await ruiz.write("Thank you, see you at four.");
  await maya.shows("Thank you, see you at four.");
  seen.written = { maya: (await maya.messages()).slice(-6), ruiz: (await ruiz.messages()).slice(-6) };
  seen.onTheWire = { maya: maya.wire(), ruiz: ruiz.wire() };
  seen.elementsInMessages = await ruiz.page.locator("#messages p *").count();

  // A phone: one thing at a time.
  const phone = await phoneContext();
  const tom = await enter(phone.context, "tom", "tom@ask-dentist.example");
  await tom.shoot("phone-list");
  await tom.opens(2);
  await tom.write("When may I come?");
  await ruiz.dot(2).waitFor();
  seen.phone = {
    list: await tom.page.locator("#consultations").isVisible(),
    wider: await tom.page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
  };
  await tom.shoot("phone");
  await tom.page.getByRole("link", { name: "Back to the consultations" }).click();
  seen.phone.back = await tom.page.locator("#consultations").isVisible();
  await ruiz.dot(2).waitFor({ state: "detached" });
  await ruiz.row(2).locator(".unread").waitFor();

  // The phone loses its network, says so, and catches up when it is found.
  await phone.lose();
  await tom.page.locator("#status[data-status=disconnected], #status[data-status=connecting]").waitFor();
  // with a conversation open, the list is out of sight, and the status with it: the header says so then
  await tom.opens(2);
  seen.phone.offline = /^(Offline|Connecting)/.test(await tom.page.locator("#subject").textContent());
  await tom.page.getByRole("link", { name: "Back to the consultations" }).click();
  seen.tabs = ruiz.comings("presence-consultation.1.1");
  await ruiz.opens(2);
  await maya.here().waitFor({ state: "detached" });
  await ruiz.write("Tomorrow at nine, Tom.");
  seen.phone.dots = await tom.dots();
  phone.find();
  await tom.connected();
  await tom.row(2).locator(".unread", { hasText: "1" }).waitFor();
  seen.caughtUp = { title: await tom.page.title(), preview: await tom.row(2).locator(".preview").textContent() };

  // What he has missed is also that Dr. Ruiz is there. He joins her, and she sees when he is lost and when he is back.
  await tom.dot(2).waitFor();
  await tom.shoot("phone-list-here");
  await tom.opens(2);
  for (const window of [tom, ruiz]) await window.here().waitFor();
  await tom.shoot("phone-here");
  await phone.lose();
  for (const window of [tom, ruiz]) await window.here().waitFor({ state: "detached" });
  phone.find();
  for (const window of [tom, ruiz]) await window.here().waitFor();
  await ruiz.page.setViewportSize(PHONE.viewport);
  await ruiz.page.locator("#notices").evaluate((list) => list.replaceChildren()); // they are on top of the header
  await ruiz.shoot("phone-doctor");
  seen.phone.widerDoctor = await ruiz.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

  // Maya reloads, and everything is still there; then she signs out, and is out, in her other tab too.
  await maya.page.reload();
  await maya.connected();
  await maya.shows("Thank you, see you at four.");
  const other = await Person.open(maya.page.context(), "maya's other tab", { path: "/chat/conversation/1" });
  const elsewhere = await person("maya elsewhere", "maya@ask-dentist.example", WIDE);
  await other.connected();
  for (const window of [other, elsewhere]) await window.known();
  const returned = elsewhere.page.waitForEvent("websocket");
  elsewhere.frames = [];
  await maya.page.getByRole("button", { name: "Sign out" }).click();
  await maya.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await ruiz.dot(1).waitFor({ state: "detached" });
  await maya.page.goto(new URL("/chat", base).href);
  seen.signedOut = new URL(maya.page.url()).pathname;

  // Where she had signed in by itself, her page connects again and hears of what comes.
  await returned;
  await elsewhere.known();
  await elsewhere.joined("private-user.1");
  await ruiz.page.goto(new URL("/chat/conversation/1", base).href);
  await ruiz.write("Take care, Maya.");
  await elsewhere.notice("Take care, Maya.").waitFor();
  seen.elsewhere = {
    status: await elsewhere.page.locator("#status").textContent(),
    trouble: await elsewhere.page.locator("#trouble").isVisible(),
    connections: elsewhere.heard("pusher:connection_established").length,
  };
  // and whoever is signed out has tried nothing of the kind
  seen.otherTab = {
    address: new URL(other.page.url()).pathname,
    alerts: await other.page.getByRole("alert").count(),
    connections: other.heard("pusher:connection_established").length,
  };

  // Tom's session ends while his phone has no network: found again, it has nothing to listen to.
  await phone.lose();
  const status = await tom.page.evaluate(async () => {
    const headers = { "X-CSRF-TOKEN": document.querySelector("meta[name=csrf-token]").content };
    return (await fetch("/api/v2/logout", { method: "POST", headers })).status;
  });
  phone.find();
  await tom.page.getByRole("heading", { name: "Sign in" }).waitFor();
  seen.ended = { status, address: new URL(tom.page.url()).pathname };

  const admin = await person("admin", "admin@ask-dentist.example", WIDE);
  seen.admin = {
    list: await admin.page.locator("#consultations b").allTextContents(),
    text: await admin.page.locator("#nothing").textContent(),
    links: await admin.page.locator("#consultations a[href]").count(),
    told: admin.frames.filter((frame) => frame.includes("presence-")),
  };
  await admin.shoot("admin");
  return seen;
});
