// Somebody with the page of the rooms open, in the words of the page.
import { Window } from "../../interop/windows.mjs";

export class Person extends Window {
  constructor(page, name) {
    super(page, name);
    this.connections = 0;
    page.on("websocket", () => this.connections++);
  }

  static async signedIn(context, name, options) {
    const person = await this.open(context, name, options);
    await person.signIn();
    return person;
  }

  async signIn() {
    await this.page.getByRole("button", { name: this.name, exact: true }).click();
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.connected();
  }

  connected() {
    return this.page.locator(".connection[data-status=connected]").waitFor({ state: "attached" });
  }

  roomButton(room) {
    return this.page.getByRole("navigation").getByRole("button", { name: room });
  }

  async enter(room) {
    await this.roomButton(room).click();
    await this.page.getByRole("heading", { name: room, level: 2 }).waitFor();
  }

  // What the list of rooms says of one: a number, or nothing.
  badge(room) {
    return this.roomButton(room).locator(".unread");
  }

  hasUnread(room, count) {
    return this.badge(room).getByText(String(count), { exact: true }).waitFor();
  }

  hasRead(room) {
    return this.badge(room).waitFor({ state: "detached" });
  }

  // What stands under one's own last message.
  receipt(text) {
    return this.page.locator(".receipt").getByText(text, { exact: true }).waitFor();
  }

  // Puts the window away, or takes it out again: to pages of Chromium without a screen all windows are visible.
  turnsTo(visibilityState) {
    return this.page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange"));
    }, visibilityState);
  }

  get text() {
    return this.page.getByLabel("Message", { exact: true });
  }

  async write(text) {
    await this.text.fill(text);
    await this.text.press("Enter");
    await this.shows(text);
  }

  shows(text) {
    return this.page.locator(".message .text").getByText(text, { exact: true }).waitFor();
  }

  texts() {
    return this.page.locator(".message .text").allTextContents();
  }

  share(name, mimeType, buffer) {
    return this.page.getByLabel("File to share").setInputFiles({ name, mimeType, buffer });
  }

  // How somebody is shown among the people of the room that is open.
  async sees(name, online) {
    const row = this.page.locator(`.members li[data-online=${online}]`).filter({ has: this.page.getByText(name, { exact: true }) });
    await row.waitFor({ state: "attached" });
    return row.locator(".who span").textContent();
  }

  // Which role somebody has, as a word or as a choice.
  role(name) {
    return this.memberRow(name).locator(".role").evaluate((one) => one.value ?? one.textContent);
  }

  memberRow(name) {
    return this.page.locator(".members li", { hasText: name });
  }

  here() {
    return this.page.locator(".here").textContent();
  }

  messagesOnTheWire() {
    return this.heard("new-message").map(({ message }) => message);
  }

  activities() {
    return this.page.locator(".activities li").evaluateAll((all) => all.map((one) => one.firstChild.textContent));
  }
}
