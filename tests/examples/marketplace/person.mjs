// Somebody with the page of the marketplace open.
import { PHONE, Window, browser } from "../../interop/windows.mjs";

// A phone that can lose its network: connections break, and new ones hang until it is found again.
export async function losablePhone() {
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

export class Person extends Window {
  sockets = 0;

  constructor(page, name) {
    super(page, name);
    page.on("websocket", (socket) => {
      this.socket = socket;
      this.sockets += 1;
    });
  }

  // Resolves once the server knows whose connection this is.
  async known() {
    await this.live();
    const isIt = (frame) => frame.includes("pusher:signin_success");
    if (this.frames.some(isIt)) return;
    await this.socket.waitForEvent("framereceived", ({ payload }) => isIt(String(payload)));
  }

  async signIn(email, password = "envisage-demo") {
    await this.page.getByLabel("Email").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
  }

  live() {
    return this.page.locator("#status[data-status=connected]").waitFor();
  }

  async openMessages() {
    await this.page.getByRole("link", { name: /^Messages/ }).click();
  }

  row(text) {
    return this.page.locator(".conversations li", { hasText: text });
  }

  async open(text) {
    await this.row(text).getByRole("button").click();
    await this.page.locator("#text").waitFor();
  }

  async write(text) {
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
    await this.shows(text);
  }

  shows(text) {
    return this.page.locator("#messages .bubble p").getByText(text, { exact: true }).waitFor();
  }

  messages() {
    return this.page.locator("#messages .bubble p").allTextContents();
  }

  contents(event = "message.sent") {
    return this.heard(event).map(({ content }) => content);
  }
}
