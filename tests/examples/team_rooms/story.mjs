// What people would see and do in real windows of Chromium, driven by test_browser.py.
import { DESKTOP, PHONE, WIDE, browser, shootTogether, tell } from "../../interop/windows.mjs";
import { Person } from "./people.mjs";

const HOSTILE = `<img src="x" onerror="document.title = 'stolen'"> & <b>so on</b>`;

// A phone that can lose its network: connections break, and new ones hang until it is found again. Its owner does not
// look at the page, and has allowed notifications.
async function phoneContext() {
  const context = await browser.newContext({ ...PHONE, permissions: ["notifications"] });
  await context.addInitScript(() => {
    document.hasFocus = () => false;
    window.notified = [];
    window.Notification = class {
      static permission = "granted";
      constructor(title, { body }) {
        window.notified.push([title, body]);
      }
    };
  });
  const open = new Set();
  let network = Promise.resolve();
  let find;
  await context.routeWebSocket(/\/ws\/app\//, async (socket) => {
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
  const [annsDesk, bensDesk] = [await browser.newContext(WIDE), await browser.newContext(WIDE)];
  const ann = await Person.open(annsDesk, "Ann");
  await ann.page.getByText("The password of all is").waitFor();
  await ann.shoot("sign-in");
  await ann.signIn();
  await ann.shoot("rooms");
  await ann.enter("Harbor project");
  await ann.shows("Lovely. Let us show it to the city on Thursday.");
  await ann.sees("Ann", true);
  seen.before = { here: await ann.here(), ben: await ann.sees("Ben", false), role: await ann.role("Ben") };

  // Ben comes, in two tabs. What he reads in one is read in the other, and Ann sees that he has.
  const ben = await Person.signedIn(bensDesk, "Ben", { colorScheme: "dark" });
  await ann.page.getByText("Ben is here", { exact: true }).waitFor();
  const bensOther = await Person.open(bensDesk, "Ben");
  await bensOther.connected();
  for (const tab of [ben, bensOther]) await tab.hasUnread("Harbor project", 1);
  seen.atFirst = { title: await bensOther.page.title(), receipts: await ann.page.locator(".receipt").count() };
  await bensOther.shoot("unread");
  await ben.enter("Harbor project");
  seen.came = { status: await ann.sees("Ben", true), here: await ann.here() };
  await ann.receipt("Seen by Ben");
  for (const tab of [ben, bensOther]) await tab.hasRead("Harbor project");
  seen.elsewhere = await bensOther.badge("Lunch").textContent();
  await bensOther.enter("Harbor project");
  seen.twoTabs = await ann.here();

  // A conversation, with typing.
  await ann.write("Hello Ben, is the ramp steep?");
  await ben.shows("Hello Ben, is the ramp steep?");
  await bensOther.shows("Hello Ben, is the ramp steep?");
  await ann.receipt("Seen by Ben");
  await ben.text.pressSequentially("Six per cent");
  await ann.page.getByText("Ben is typing…").waitFor();
  // what Ann did last may still come in, that she types
  seen.typingForHimself = (await ben.page.locator(".typing").textContent()).includes("Ben");
  await shootTogether([await ann.shoot("ann"), await ben.shoot("ben")], "two-windows");
  await ben.text.press("Enter");
  await ann.shows("Six per cent");
  seen.typingAfter = await ann.page.locator(".typing").textContent();
  await bensOther.shows("Six per cent");
  seen.otherTab = await bensOther.page.locator(".message.mine .text", { hasText: "Six per cent" }).count();
  await ben.write(HOSTILE);
  await ann.shows(HOSTILE);
  await bensOther.shows(HOSTILE);
  seen.read = [await ann.texts(), await ben.texts(), await bensOther.texts()].map((texts) => texts.slice(-3));
  seen.elementsInTexts = await ann.page.locator(".message .text *").count();

  // A reaction, which both see.
  const ramp = (person) => person.page.locator(".message", { hasText: "is the ramp steep?" });
  await ramp(ben).hover();
  await ramp(ben).getByLabel("React", { exact: true }).click();
  await ramp(ben).getByLabel("React with 👍").click();
  await ramp(ann).getByRole("button", { name: "👍 by Ben", exact: true }).click();
  const both = [ann, ben].map((person) => ramp(person).getByRole("button", { name: "👍 by Ben, Ann" }).textContent());
  seen.reaction = await Promise.all(both);
  // below the last message, too, the choice is in sight, and Escape closes it
  const last = ben.page.locator(".message").last();
  await last.hover();
  await last.getByLabel("React", { exact: true }).click();
  seen.choice = await last.locator(".choice").evaluate((one) => {
    const [choice, box] = [one, one.closest(".messages")].map((each) => each.getBoundingClientRect());
    return { inSight: choice.bottom <= box.bottom, focused: one.contains(document.activeElement) };
  });
  await ben.page.keyboard.press("Escape");
  await last.getByLabel("React", { exact: true }).waitFor({ state: "attached" });

  // Files: a picture with a preview, a text to download, and what is not allowed.
  await ben.share("quay.png", "image/png", await ben.page.screenshot({ clip: { x: 0, y: 0, width: 400, height: 300 } }));
  const image = ann.page.getByRole("img", { name: "quay.png" });
  await image.waitFor();
  await image.evaluate((one) => one.decode());
  seen.picture = {
    size: await image.evaluate((one) => [one.naturalWidth, one.naturalHeight]),
    system: await ann.page.locator(".system", { hasText: "Ben uploaded quay.png" }).count(),
  };
  await ben.share("survey.txt", "text/plain", Buffer.from("All is well."));
  const link = ann.page.getByRole("link", { name: "survey.txt" });
  await link.waitFor();
  const [download] = await Promise.all([ann.page.waitForEvent("download"), link.click()]);
  seen.download = { name: download.suggestedFilename(), text: await textOf(download) };
  await ben.share("tool.exe", "image/png", Buffer.from([0x4d, 0x5a, 0x90, 0, 3]));
  seen.refused = await ben.page.getByRole("alert").textContent();
  seen.activities = (await ann.activities()).slice(0, 5);
  seen.onTheWire = { ann: ann.messagesOnTheWire(), ben: ben.messagesOnTheWire() };

  // One tab less is not gone; the last one is.
  await bensOther.page.close();
  await ann.page.getByRole("button", { name: "Search" }).click();
  await ann.page.getByLabel("Search in the messages").fill("STEEP");
  await ann.page.locator(".found .text").first().waitFor();
  seen.found = await ann.page.locator(".found .text").allTextContents();
  await ann.shoot("search");
  await ann.page.getByRole("button", { name: "Close the search" }).click();
  seen.oneTabLess = await ann.here();

  // A long history comes page by page.
  await ann.enter("Lunch");
  await ann.shows("Number 40");
  seen.history = { at_first: await ann.page.locator(".message").count() };
  while (!(await ann.page.getByText("The noodle place").count())) {
    const before = await ann.page.locator(".message").count();
    await ann.page.waitForFunction((known) => {
      document.querySelector(".messages").scrollTop = 0;
      return document.querySelectorAll(".message").length > known;
    }, before);
  }
  seen.history.all = await ann.page.locator(".message").count();

  // What comes in below is not read before one scrolls down to it.
  await ben.enter("Lunch");
  await ben.write("Soup again?");
  await ann.hasUnread("Lunch", 1);
  seen.receiptsTooEarly = await ben.page.locator(".receipt").count();
  await ann.page.locator(".messages").evaluate((box) => (box.scrollTop = box.scrollHeight));
  await ben.receipt("Seen by Ann");
  await ann.hasRead("Lunch");
  await ben.enter("Harbor project");

  // Elsewhere, what is written in the harbor is counted.
  await ben.write("Are you still there, Ann?");
  await ann.roomButton("Harbor project").locator(".unread", { hasText: "1" }).waitFor();
  seen.unread = await ann.page.title();

  // Cleo's phone: joins a room, loses its connection, catches up, is notified.
  const phone = await phoneContext();
  const cleo = await Person.signedIn(phone.context, "Cleo");
  await cleo.page.getByRole("button", { name: "Join Lunch" }).click();
  await cleo.shows("Number 40");
  seen.joined = (await waitForActivity(ann, "Cleo joined the room"))[0];
  await ann.sees("Cleo", true);
  await cleo.page.getByRole("button", { name: "Back to the rooms" }).click();
  await cleo.shoot("phone-list");
  await cleo.enter("Harbor project");
  await cleo.shows("Are you still there, Ann?");
  await cleo.sees("Cleo", true);
  await cleo.page.getByRole("img", { name: "quay.png" }).evaluate((one) => one.decode());
  seen.phone = await fits(cleo);
  await cleo.shoot("phone");
  await cleo.page.getByRole("button", { name: "People and activity" }).click();
  seen.phonePeople = await fits(cleo);
  await cleo.shoot("phone-people");
  await cleo.page.getByRole("button", { name: "Back to the messages" }).click();
  await ann.enter("Harbor project");
  await ann.sees("Cleo", true);
  await phone.lose();
  await cleo.page.locator(".lost").waitFor();
  seen.lost = { page: await cleo.page.locator(".lost").textContent(), ann: await ann.sees("Cleo", false) };
  await cleo.shoot("phone-lost");
  await ann.write("Cleo, we lost you");
  // after a while it says that it is offline, and one may try again
  const retry = cleo.page.getByRole("button", { name: "Try again" });
  await retry.waitFor({ timeout: 12_000 });
  seen.offline = await cleo.page.locator(".lost").evaluate((one) => one.firstChild.textContent);
  await retry.click();
  await cleo.page.locator(".connection[data-status=connecting]").waitFor({ state: "attached" });
  phone.find();
  await cleo.shows("Cleo, we lost you");
  seen.back = { lost: await cleo.page.locator(".lost").count(), status: await ann.sees("Cleo", true) };
  await ann.write("Welcome back");
  await cleo.shows("Welcome back");
  seen.notified = await cleo.page.evaluate(() => window.notified.at(-1));
  seen.once = (await cleo.texts()).filter((text) => text === "Cleo, we lost you").length;

  await cleo.write("On my way");
  await cleo.receipt("Seen by Ann, Ben");
  await cleo.shoot("phone-seen");

  // Dan reads along as a guest.
  const dan = await Person.signedIn(await browser.newContext(DESKTOP), "Dan");
  await dan.enter("Harbor project");
  await dan.shows("Welcome back");
  seen.guest = { composer: await dan.text.count(), says: await dan.page.locator(".read-only").textContent() };

  // While he has put the window away he reads nothing.
  await dan.turnsTo("hidden");
  await ann.write("Dan, do you follow?");
  await dan.shows("Dan, do you follow?");
  await dan.hasUnread("Harbor project", 1);
  await ann.receipt("Seen by Ben, Cleo");
  seen.hidden = await dan.page.title();
  await dan.turnsTo("visible");
  await ann.receipt("Seen by Ben, Cleo, Dan");
  await dan.hasRead("Harbor project");
  await ann.shoot("seen");

  // Ann makes a room and invites Ben; it is heard on its private channel.
  await ann.page.getByRole("button", { name: "New room" }).click();
  await ann.page.getByLabel("Name").fill("Surprise");
  await ann.page.getByLabel("Anyone may join").uncheck();
  await ann.page.getByRole("button", { name: "Create" }).click();
  await ann.page.getByText("Nobody has written here yet. Say hello!").waitFor();
  const bensComings = () => ann.heard("user-status-changed").filter(({ user_id: user, room_id: room }) => user === 2 && room < 3);
  const before = bensComings().length;
  await ann.page.getByLabel("Email of whom to add").fill("ben@example.org");
  await ann.page.getByRole("button", { name: "Add", exact: true }).click();
  // he sees it at once, wherever he is, and is there
  await ann.sees("Ben", true);
  seen.invited = await ben.page.getByText("Ann made you a member of Surprise.").textContent();
  await ben.shoot("invited");
  await ben.enter("Surprise");
  await ann.write("A cake for Cleo");
  await ben.shows("A cake for Cleo");
  seen.otherRooms = bensComings().length - before;
  seen.privately = ben.frames.map((frame) => JSON.parse(frame)).findLast(({ event }) => event === "new-message").channel;

  // Ann lets Dan write, and sends him away later: his page follows.
  await ann.enter("Harbor project");
  await ann.page.getByLabel("Role of Dan").selectOption("member");
  await dan.write("May I?");
  await ann.shows("May I?");
  seen.promoted = await dan.page.locator(".news").textContent();
  await ann.shoot("people");
  ann.page.once("dialog", (dialog) => dialog.accept());
  await ann.page.getByLabel("Send Dan away").click();
  await dan.page.getByText("Choose a room.").waitFor();
  seen.sentAway = { news: await dan.page.locator(".news").textContent(), rooms: await dan.page.locator(".lists b").allTextContents() };
  await ann.enter("Surprise");

  // Who signs out in one tab is gone for the others.
  await ben.page.getByRole("button", { name: "Sign out" }).click();
  await ben.page.getByRole("heading", { name: "Team rooms" }).waitFor();
  seen.gone = await ann.sees("Ben", false);
  seen.connections = ann.connections;
  seen.reads = [ann, ben].map((person) => [...new Set(person.heard("messages-read").map(({ user_name: name }) => name))].sort());
  return seen;
});

async function textOf(download) {
  const parts = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function waitForActivity(person, text) {
  await person.page.locator(".activities li", { hasText: text }).waitFor();
  return person.activities();
}

function fits({ page }) {
  return page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}
