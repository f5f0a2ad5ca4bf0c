// What people would see and do in real windows of Chromium, driven by test_browser.py.
import { PHONE, WIDE, Window, base, browser, shootTogether, tell } from "../../interop/windows.mjs";

const HOSTILE = `<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>`;
const DESK = { viewport: { width: 900, height: 720 }, deviceScaleFactor: 2 };

// Somebody with the page open.
class Person extends Window {
  async signIn() {
    const email = `${this.name.toLowerCase()}@mysharpjob.test`;
    await this.page.getByLabel("Email").fill(email);
    await this.page.getByLabel("Password").fill("sharp-tools-9");
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.connected();
  }

  connected() {
    return this.page.locator(".status[data-status=connected]").waitFor();
  }

  go(view) {
    return this.page.getByRole("navigation").getByRole("button", { name: view }).click();
  }

  async openJob(title) {
    await this.go("Jobs");
    await this.page.locator("#jobs .job", { hasText: title }).click();
    await this.page.getByRole("heading", { name: title }).waitFor();
  }

  press(name) {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  // Waits for a toast, and returns all that it says.
  async toast(title, description = "") {
    const toast = this.page.locator(".toast", { hasText: title }).filter({ hasText: description }).first();
    await toast.waitFor();
    return toast.locator("strong, p").allTextContents();
  }

  async dismissToasts() {
    const toasts = this.page.getByLabel("Dismiss");
    // one may go by itself meanwhile
    while (await toasts.count()) await toasts.first().click({ timeout: 500 }).catch(() => {});
  }

  async writeTo(name) {
    await this.go("Messages");
    await this.page.locator("#conversations button", { hasText: name }).click();
    await this.page.locator("#text").waitFor();
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

  // Says things to the API, as fast as it takes them.
  post(path, count, bodyOf) {
    const bodies = Array.from({ length: count }, (_, number) => bodyOf(number));
    return this.page.evaluate(
      async ([address, all]) => {
        const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
        const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
        for (const body of all) await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
      },
      [`/api/${path}`, bodies],
    );
  }

  // Whether the window is in front of others.
  look(state) {
    return this.page.evaluate((now) => {
      Object.defineProperty(document, "visibilityState", { value: now, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  }

  text(selector) {
    return this.page.locator(selector).textContent();
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

// A desk whose sounds are counted.
async function listeningContext() {
  const context = await browser.newContext(DESK);
  await context.addInitScript(() => {
    globalThis.sounds = 0;
    const { start } = AudioScheduledSourceNode.prototype;
    AudioScheduledSourceNode.prototype.start = function (...when) {
      globalThis.sounds += 1;
      return start.apply(this, when);
    };
  });
  return context;
}

// What somebody would photograph.
async function photograph() {
  const page = await browser.newPage({ viewport: { width: 240, height: 150 } });
  await page.setContent(`<body style="margin:0;height:100vh;background:linear-gradient(160deg,#7fb3c8,#dfeaf0 60%,#c9b8a3)">`);
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

await tell(async () => {
  const seen = {};
  const amaka = await Person.open(await browser.newContext(DESK), "Amaka");
  await amaka.page.getByRole("button", { name: "Amaka Obi" }).waitFor();
  await amaka.shoot("sign-in");
  await amaka.signIn();
  const chidi = await Person.open(await listeningContext(), "Chidi", { colorScheme: "dark" });
  await chidi.signIn();

  // A job is given away: both hear of it, and see each other at it.
  await chidi.openJob("Rewire the shop");
  await chidi.page.getByLabel("Your application").fill("Next week, with a certificate.");
  await chidi.press("Apply");
  await chidi.page.locator("#applications").waitFor();
  await amaka.openJob("Fix plumbing");
  await amaka.page.locator("#applications", { hasText: "with all parts" }).waitFor();
  await amaka.press("Accept");
  seen.accepted = await chidi.toast("Fix plumbing");
  await chidi.openJob("Fix plumbing");
  await amaka.page.locator("#here", { hasText: "Chidi" }).waitFor();
  const others = (person) => person.page.locator("#here").evaluate((here) => here.lastChild.textContent);
  seen.here = { amaka: await others(amaka), chidi: await others(chidi) };

  // Milestones and progress.
  await amaka.page.getByLabel("A new milestone").fill("New seals");
  await amaka.press("Add");
  await chidi.page.locator("#milestones", { hasText: "New seals" }).waitFor();
  await chidi.press("Start work");
  await chidi.page.getByLabel("New seals").click();
  await amaka.page.locator("#milestones input:checked").waitFor();
  await chidi.page.getByLabel("Percent").fill("60");
  await chidi.page.getByLabel("What is done").fill("The sink is dry");
  await chidi.press("Tell");
  await amaka.page.locator("#progress", { hasText: "The sink is dry" }).waitFor();
  await amaka.page.locator("#activity", { hasText: "60 %: The sink is dry" }).waitFor();
  seen.activity = await amaka.page.locator("#activity li > span").allTextContents();
  seen.jobEvents = amaka.heard("job.updated").map(({ update_type: type, status }) => [type, status]);
  await amaka.shoot("job");

  // Money: paid, done, released.
  await amaka.press("Pay ₦15,000 into escrow");
  seen.paid = await chidi.toast("Payment Received");
  await chidi.press("Work is done");
  seen.completed = await amaka.toast("Job Completed");
  await amaka.press("Release ₦15,000");
  seen.released = await chidi.toast("Payment Released");
  await chidi.go("Notices");
  await chidi.page.locator("#notifications .new").nth(1).waitFor();
  seen.notices = await chidi.page.locator("#notifications strong").allTextContents();
  await chidi.shoot("notices");
  await chidi.press("Mark all read");
  await chidi.page.locator("#notifications .new").first().waitFor({ state: "detached" });

  // Messages: typing, reading, and no echo.
  await chidi.writeTo("Amaka");
  await amaka.writeTo("Chidi");
  await amaka.page.locator("#text").pressSequentially("Thank you");
  await chidi.page.locator("#typing").waitFor();
  seen.typing = { state: await chidi.text("#their-state"), forHerself: await amaka.page.locator("#typing").isVisible() };
  await chidi.page.evaluate(() => (globalThis.sounds = 0));
  await amaka.write("Thank you, not a drop since.");
  await chidi.shows("Thank you, not a drop since.");
  seen.sounds = await chidi.page.evaluate(() => globalThis.sounds);
  await amaka.page.locator(".receipt", { hasText: "Read" }).waitFor();
  seen.receipt = await amaka.text(".receipt");
  await chidi.write(HOSTILE);
  await amaka.shows(HOSTILE);
  await amaka.page.getByLabel("Files", { exact: true }).setInputFiles({ name: "sink.png", mimeType: "image/png", buffer: await photograph() });
  await amaka.page.locator("#text").fill("This is how it looks now");
  await amaka.press("Send");
  await chidi.shows("This is how it looks now");
  seen.picture = await chidi.page.locator("#messages img").evaluate((image) => image.decode().then(() => image.naturalWidth));
  seen.written = { amaka: await amaka.messages(), chidi: await chidi.messages() };
  const contents = (person) => person.heard("message.sent").map(({ content }) => content);
  seen.onTheWire = { amaka: contents(amaka), chidi: contents(chidi) };
  seen.elementsInMessages = await amaka.page.locator("#messages p *").count();
  await amaka.page.getByRole("button", { name: "Search", exact: true }).click();
  await amaka.page.getByLabel("Search these messages").fill("day and night");
  await amaka.page.locator("#found span").first().waitFor();
  seen.found = await amaka.page.locator("#found span").allTextContents();
  await amaka.page.getByRole("button", { name: "Search", exact: true }).click();
  await amaka.dismissToasts();
  await chidi.dismissToasts();
  await shootTogether([await amaka.shoot("amaka"), await chidi.shoot("chidi")], "two-windows");

  // Who reloads is still there.
  await chidi.page.reload();
  await chidi.connected();
  seen.reloaded = await chidi.text(".my-name");

  // Ngozi's phone loses its connection, and catches up; she asks to be verified, and Tunde says yes.
  const phone = await phoneContext();
  const ngozi = await Person.open(phone.context, "Ngozi");
  await ngozi.signIn();
  await ngozi.page.locator("#jobs .job").first().waitFor();
  await ngozi.shoot("phone-jobs");
  await phone.lose();
  await ngozi.page.locator(".status:not([data-status=connected])").waitFor();
  await amaka.writeTo("Ngozi");
  await amaka.write("How is the wall?");
  phone.find();
  await ngozi.connected();
  await ngozi.page.getByRole("button", { name: /^Messages/ }).locator(".count").waitFor();
  seen.caughtUp = await ngozi.page.title();
  await ngozi.writeTo("Amaka");
  await ngozi.shows("How is the wall?");
  await ngozi.write("Dry, and white on one side.");
  seen.phone = {
    list: await ngozi.page.locator("#conversations").isVisible(),
    width: await ngozi.page.evaluate(() => document.documentElement.scrollWidth),
  };
  await ngozi.shoot("phone");

  // More is said meanwhile than one page of the history has: nothing is missing between what was shown and what comes.
  await phone.lose();
  await ngozi.page.locator(".status:not([data-status=connected])").waitFor();
  await amaka.post("messages", 31, (number) => ({ recipient_id: 4, content: `number ${number}` }));
  phone.find();
  await ngozi.shows("number 30");
  await ngozi.press("Earlier messages");
  await ngozi.shows("number 0");
  await ngozi.shows("The first side is scraped.");
  seen.withoutGap = (await ngozi.messages()).filter((text) => text.startsWith("number"));

  // In a window that nobody sees, nothing is read.
  await ngozi.look("hidden");
  await amaka.write("Are you there?");
  await ngozi.shows("Are you there?");
  seen.unseen = await amaka.text(".receipt");
  await ngozi.look("visible");
  await amaka.page.locator(".receipt", { hasText: "Read" }).waitFor();

  const tunde = await Person.open(await browser.newContext(WIDE), "Tunde");
  await tunde.signIn();
  await tunde.go("Admin");
  await tunde.page.getByRole("heading", { name: "Nothing to decide" }).waitFor();
  await ngozi.go("Notices");
  await ngozi.press("Ask to be verified");
  seen.notice = await tunde.toast("To decide");
  await tunde.shoot("administration");
  await tunde.press("Approve");
  seen.approved = await ngozi.toast("Verification Approved");
  await ngozi.page.locator(".verify").waitFor({ state: "detached" });

  await chidi.openJob("Fix plumbing");
  await chidi.page.locator("#here").waitFor();
  await chidi.press("Sign out");
  await chidi.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  seen.signedOut = (await chidi.page.request.get(new URL("/api/me", base).href)).status();
  return seen;
});
