// What people would see and do in real windows of Chromium, driven by tests/demo/test_browser.py.
import { DESKTOP, PHONE, Window, browser, shootTogether, tell } from "../interop/windows.mjs";

const HOSTILE = `<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>`;

// Somebody with the page of the chat open.
class Person extends Window {
  messagesOnTheWire() {
    return this.heard("message.sent").map(({ content }) => content);
  }

  async choose() {
    await this.page.getByRole("button", { name: this.name, exact: true }).click();
    await this.connected();
  }

  connected() {
    return this.page.locator("#status[data-status=connected]").waitFor();
  }

  row(name) {
    return this.page.locator("#conversations li", { hasText: name });
  }

  // The list says whether somebody is there.
  async sees(name, { online }) {
    await this.row(name).locator(online ? ".avatar.online" : ".avatar:not(.online)").waitFor();
    return this.page.locator("#here").textContent();
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

await tell(async () => {
  const seen = {};
  // Two windows of one browser: what it keeps for a site as a whole, they share.
  const desk = await browser.newContext(DESKTOP);
  const ann = await Person.open(desk, "Ann");
  await ann.page.locator("#people button").first().waitFor();
  await ann.shoot("choose");
  await ann.choose();
  const ben = await Person.open(desk, "Ben", { colorScheme: "dark" });
  await ben.choose();
  seen.here = { ann: await ann.sees("Ben", { online: true }), ben: await ben.sees("Ann", { online: true }) };

  // A conversation. Whatever Ann is sent comes before Ben's answer: the order on a channel holds.
  await ann.write("Hi Ben! Is the new gallery open on Sunday?");
  await ben.shows("Hi Ben! Is the new gallery open on Sunday?");
  await ben.write("It is, from ten to six. They have the photographs you liked.");
  await ann.shows("It is, from ten to six. They have the photographs you liked.");

  // Typing shows, and ends when Ben pauses.
  await ben.page.locator("#text").pressSequentially("Shall we go together?");
  await ann.page.locator("#typing").waitFor();
  seen.typing = {
    header: await ann.page.locator("#their-state").textContent(),
    list: await ann.row("Ben").locator(".preview").textContent(),
    forHimself: await ben.page.locator("#typing").isVisible(),
  };
  await shootTogether([await ann.shoot("ann"), await ben.shoot("ben")], "two-windows");
  await ann.page.locator("#typing").waitFor({ state: "hidden" });
  seen.pausedTyping = await ann.page.locator("#their-state").textContent();

  await ann.write(HOSTILE);
  await ben.shows(HOSTILE);
  await ben.write("Very funny. Shall we go?");
  await ann.shows("Very funny. Shall we go?");
  seen.written = { ann: await ann.messages(), ben: await ben.messages() };
  seen.onTheWire = { ann: ann.messagesOnTheWire(), ben: ben.messagesOnTheWire() };
  seen.elementsInMessages = await ben.page.locator("#messages p *").count();

  // A second window of Ann's is another client: it hears what the first one sends.
  const secondAnn = await Person.open(desk, "Ann");
  await secondAnn.choose();
  await ann.write("Ten is fine");
  await secondAnn.shows("Ten is fine");
  seen.secondWindow = await secondAnn.page.locator("#messages li", { hasText: "Ten is fine" }).getAttribute("class");
  await secondAnn.page.close();

  // Ben reloads, and is still Ben with all that was said.
  await ben.page.reload();
  await ben.connected();
  await ben.shows("Ten is fine");
  seen.reloaded = { name: await ben.page.locator("#my-name").textContent(), messages: await ben.messages() };

  // Cleo's phone loses its connection, and catches up.
  const phone = await phoneContext();
  const cleo = await Person.open(phone.context, "Cleo");
  await cleo.choose();
  await cleo.sees("Ann", { online: true });
  await phone.lose();
  await cleo.page.locator("#status:not([data-status=connected])").waitFor();
  seen.lost = { online: await cleo.page.locator(".online").count() };
  await ann.row("Cleo").click();
  await ann.write("Cleo, come with us on Sunday");
  phone.find();
  await cleo.connected();
  await cleo.row("Ann").locator(".unread", { hasText: "1" }).waitFor();
  seen.caughtUp = { title: await cleo.page.title(), preview: await cleo.row("Ann").locator(".preview").textContent() };
  await cleo.sees("Ann", { online: true });
  await cleo.shoot("phone-list");
  await cleo.row("Ann").click();
  await cleo.write("With pleasure!");
  seen.phone = { list: await cleo.page.locator("#conversations").isVisible(), title: await cleo.page.title() };
  await cleo.shoot("phone");

  // Ben closes his window, Cleo becomes someone else.
  await ben.page.close();
  seen.withoutBen = await ann.sees("Ben", { online: false });
  await cleo.page.locator("#back").click();
  await cleo.page.getByRole("button", { name: "Be someone else" }).click();
  await cleo.page.getByRole("heading", { name: "Who are you?" }).waitFor();
  seen.alone = await ann.sees("Cleo", { online: false });
  return seen;
});
