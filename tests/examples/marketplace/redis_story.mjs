// The same page over Redis and laravel-echo-server, driven by test_browser.py.
import { DESKTOP, PHONE, browser, tell } from "../../interop/windows.mjs";
import { Person } from "./person.mjs";

await tell(async () => {
  const seen = {};
  const ada = await Person.open(await browser.newContext(DESKTOP), "ada");
  const ben = await Person.open(await browser.newContext(PHONE), "ben", { colorScheme: "dark" });
  await ada.signIn("ada@envisage.test");
  await ben.signIn("ben@envisage.test");
  for (const person of [ada, ben]) {
    await person.live();
    await person.openMessages();
  }
  await ada.row("Ben").locator(".dot.online").waitFor();
  await ben.row("Ada").locator(".dot.online").waitFor();
  await ada.open("Ben");
  await ben.open("Ada");
  seen.online = await ben.page.locator("#their-state").textContent();
  await ben.page.locator("#text").pressSequentially("Hi");
  await ada.page.locator("#typing").waitFor();
  await ben.page.locator("#text").press("Enter");
  await ada.shows("Hi");
  await ada.write("Hello Ben");
  await ben.shows("Hello Ben");
  await ada.page.locator("#messages li", { hasText: "Hello Ben" }).locator(".receipt").waitFor();
  seen.broadcaster = await ada.page.evaluate(() => window.echo.options.broadcaster);
  seen.written = { ada: (await ada.messages()).slice(-2), ben: (await ben.messages()).slice(-2) };
  const told = (person) => person.frames.filter((frame) => frame.includes('"message.sent"')).length;
  seen.onTheWire = { ada: told(ada), ben: told(ben) };
  await ben.shoot("dark-phone");

  // Nobody can end a connection of laravel-echo-server's; another tab leaves by itself.
  const tab = await Person.open(ben.page.context(), "ben's other tab");
  await tab.live();
  await ben.page.getByRole("button", { name: "Sign out" }).click();
  await tab.page.getByLabel("Email").waitFor();
  seen.signedOut = await tab.page.getByRole("alert").count();
  return seen;
});
