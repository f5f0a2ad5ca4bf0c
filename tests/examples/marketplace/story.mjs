// What a buyer and a seller see and do, driven by test_browser.py.
import { DESKTOP, PHONE, WIDE, browser, shootTogether, tell } from "../../interop/windows.mjs";
import { Person, losablePhone } from "./person.mjs";

const HOSTILE = `<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>`;

await tell(async () => {
  const seen = {};
  const ada = await Person.open(await browser.newContext(DESKTOP), "ada");
  await ada.page.locator(".accounts").waitFor();
  await ada.shoot("sign-in");
  await ada.signIn("ada@envisage.test", "wrong");
  seen.wrongPassword = await ada.page.locator("#notice").textContent();
  await ada.signIn("ada@envisage.test");
  await ada.live();
  await ada.page.locator("#unread").waitFor();
  seen.unreadAtFirst = await ada.page.locator("#unread").textContent();
  await ada.page.locator(".cards li").nth(5).waitFor();
  await ada.shoot("browse");

  const ben = await Person.open(await browser.newContext(DESKTOP), "ben", { colorScheme: "dark" });
  await ben.signIn("ben@envisage.test");
  await ben.live();

  // Who is there: each sees the other come.
  await ada.openMessages();
  await ada.row("Ben").locator(".dot.online").waitFor();
  await ben.openMessages();
  await ben.row("Ada").locator(".dot.online").waitFor();
  await ben.open("Ada");
  seen.online = await ben.page.locator("#their-state").textContent();

  // Ada has nothing open: the list tells of the message, and the title.
  await ben.write("Saturday at ten?");
  await ada.row("Ben").locator(".badge", { hasText: "2" }).waitFor();
  seen.notified = {
    title: await ada.page.title(),
    preview: await ada.row("Ben").locator(".preview").textContent(),
    header: await ada.page.locator("#unread").textContent(),
  };

  // She opens it, and Ben sees that she has read.
  await ada.open("Ben");
  await ben.page.locator("#messages li", { hasText: "Saturday at ten?" }).locator(".receipt").waitFor();
  seen.receipts = await ben.page.locator(".receipt").allTextContents();
  await ada.row("Ben").locator(".badge").waitFor({ state: "detached" });

  await ada.write("Ten is fine. Bring a van.");
  await ben.shows("Ten is fine. Bring a van.");

  // Typing: one request in two seconds, however many keys.
  let typed = 0;
  ben.page.on("request", (request) => (typed += request.url().endsWith("/typing") ? 1 : 0));
  await ben.page.locator("#text").pressSequentially("I have one, do not worry.", { delay: 100 });
  await ada.page.locator("#typing").waitFor();
  seen.typing = {
    below: await ada.page.locator("#typing").textContent(),
    header: await ada.page.locator("#their-state").textContent(),
    forHimself: await ben.page.locator("#typing").count(),
    requests: typed,
    onTheWire: ada.heard("user.typing"),
  };
  await shootTogether([await ada.shoot("ada"), await ben.shoot("ben")], "two-windows");
  await ben.page.locator("#text").press("Enter");
  await ada.shows("I have one, do not worry.");
  seen.typingAfterTheMessage = await ada.page.locator("#typing").count();

  await ben.write(HOSTILE);
  await ada.shows(HOSTILE);
  seen.written = { ada: await ada.messages(), ben: await ben.messages() };
  seen.onTheWire = { ada: ada.contents(), ben: ben.contents() };
  seen.elementsInMessages = await ada.page.locator("#messages .bubble p *").count();

  // The guide's snippet, in Ada's console.
  await ada.page.evaluate(() => {
    window.heardInTheConsole = [];
    window.echo.private("conversation.1").listen(".message.sent", (e) => window.heardInTheConsole.push(e.content));
  });
  await ben.write("See you!");
  await ada.page.waitForFunction(() => window.heardInTheConsole.length > 0);
  seen.console = await ada.page.evaluate(() => window.heardInTheConsole);

  // Another window of Ben's hears what he sends, and reloading forgets nothing.
  const second = await Person.open(ben.page.context(), "ben-again");
  await second.page.goto(new URL("/#/messages/1", second.page.url()).href);
  await second.shows("See you!");
  await ben.write("By the way, is it heavy?");
  await second.shows("By the way, is it heavy?");
  seen.secondWindow = await second.page.locator("#messages li", { hasText: "is it heavy" }).getAttribute("class");
  await second.page.close();
  await ben.page.reload();
  await ben.shows("By the way, is it heavy?");
  seen.reloaded = (await ben.messages()).length;

  // Cleo's phone asks about something else: a conversation that is new to Ada.
  const phone = await losablePhone();
  const cleo = await Person.open(phone.context, "cleo");
  await cleo.signIn("cleo@envisage.test");
  await cleo.live();
  await cleo.page.getByRole("searchbox").fill("lamp");
  await cleo.page.getByRole("button", { name: "Search", exact: true }).click();
  await cleo.page.locator(".cards li").nth(1).waitFor({ state: "detached" });
  await cleo.page.getByRole("button", { name: "Ask the seller" }).click();
  await cleo.page.locator("dialog textarea").fill("Does the lamp come with a bulb?");
  await cleo.page.getByRole("button", { name: "Send" }).click();
  await cleo.shows("Does the lamp come with a bulb?");
  await ada.row("Brass desk lamp").locator(".badge").waitFor();
  seen.newConversation = await ada.row("Brass desk lamp").locator(".preview").textContent();
  seen.phone = {
    list: await cleo.page.locator(".conversations").isVisible(),
    overflow: await cleo.page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
  };
  await cleo.shoot("phone");

  // The phone loses its connection, and catches up with what was said meanwhile.
  await phone.lose();
  await cleo.page.locator("#status:not([data-status=connected])").waitFor();
  seen.lost = await cleo.page.locator("#status").textContent();
  await ada.open("Brass desk lamp");
  await ada.write("With two bulbs.");
  phone.find();
  await cleo.live();
  await cleo.shows("With two bulbs.");
  seen.status = await cleo.page.locator("#status").textContent();
  seen.caughtUp = await cleo.messages();
  await ada.open("Ben");
  await cleo.page.getByRole("button", { name: "All conversations" }).click();
  await cleo.row("Ada").first().waitFor();
  await cleo.shoot("phone-list");
  // the dark one hears nothing of others
  seen.benHearsOfCleo = ben.frames.filter((frame) => frame.includes("bulb")).length;

  // An administrator sees figures, and nobody else does.
  const root = await Person.open(await browser.newContext(WIDE), "root", { path: "/laravel-websockets" });
  await root.signIn("admin@envisage.test");
  await root.page.locator("#channels tbody tr").first().waitFor();
  seen.dashboard = {
    connections: await root.page.locator("#connections b").textContent(),
    channels: await root.page.locator("#channels td:first-child").allTextContents(),
    events: await root.page.locator("#events td:first-child").allTextContents(),
  };
  await root.shoot("dashboard");
  await ben.page.goto(new URL("/laravel-websockets", ben.page.url()).href);
  seen.dashboardForBen = await ben.page.locator(".notice").textContent();

  // Ben signs out, and his token is no more: neither in another tab nor where somebody has a copy of it.
  await ben.page.goto(new URL("/#/messages/1", ben.page.url()).href);
  await ben.shows("See you!");
  const tab = await Person.open(ben.page.context(), "ben's other tab");
  const copy = await Person.open(await browser.newContext(DESKTOP), "ben's copy");
  const token = await ben.page.evaluate(() => localStorage.getItem("api_token"));
  await copy.page.evaluate((value) => localStorage.setItem("api_token", value), token);
  await copy.page.reload();
  const elsewhere = await Person.open(await browser.newContext(DESKTOP), "ben elsewhere", { path: "/#/messages/1" });
  await elsewhere.signIn("ben@envisage.test");
  await elsewhere.shows("See you!");
  for (const window of [tab, copy, elsewhere]) await window.known();
  const returned = elsewhere.page.waitForEvent("websocket");
  await ben.page.getByRole("button", { name: "Sign out" }).click();
  for (const window of [ben, tab, copy]) await window.page.getByLabel("Email").waitFor();
  seen.kept = await ben.page.evaluate(() => localStorage.getItem("api_token"));
  seen.signedOut = {
    ben: await ben.page.getByRole("alert").allTextContents(),
    tab: await tab.page.getByRole("alert").allTextContents(),
    copy: await copy.page.getByRole("alert").allTextContents(),
  };

  // Where he has signed in by itself, his page connects again, and hears of what comes.
  await returned;
  await elsewhere.live();
  await ada.write("Are you still there?");
  await elsewhere.shows("Are you still there?");
  seen.connections = { tab: tab.sockets, copy: copy.sockets, elsewhere: elsewhere.sockets };

  // When he signs out there too, Ada sees it.
  await ada.row("Ben").locator(".dot.online").waitFor();
  await elsewhere.page.getByRole("button", { name: "Sign out" }).click();
  await ada.row("Ben").locator(".dot:not(.online)").waitFor();
  seen.benLeft = await ada.page.locator("#their-state").textContent();

  seen.sockets = ada.sockets;

  // Dev comes back with a token that has expired.
  const dev = await Person.open(await browser.newContext(PHONE), "dev");
  await dev.page.evaluate((token) => localStorage.setItem("api_token", token), process.argv[4]);
  await dev.page.reload();
  seen.expired = await dev.page.locator("#notice").textContent();
  seen.expiredKept = await dev.page.evaluate(() => localStorage.getItem("api_token"));
  await dev.signIn("dev@envisage.test");
  await dev.live();
  await dev.openMessages();
  await dev.open("Cleo");
  await dev.shows("Here is photograph 40.");
  seen.pages = [(await dev.messages()).length];
  await dev.page.getByRole("button", { name: "Earlier messages" }).click();
  await dev.page.getByRole("button", { name: "Earlier messages" }).waitFor({ state: "detached" });
  seen.pages.push((await dev.messages()).length);
  [seen.first] = await dev.messages();
  await dev.shoot("earlier");
  return seen;
});
