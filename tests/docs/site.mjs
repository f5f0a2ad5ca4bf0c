// A reader of the site, in a real Chromium: driven by tests/docs/test_site.py. Prints what was seen, as JSON.
//
//   node tests/docs/site.mjs http://127.0.0.1:8000 index.html how-to/flask.html …
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../interop/", import.meta.url))("playwright-core");
const [base, ...pages] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []), // as root, Chromium has none
    ...["gpu", "quic", "background-networking", "component-update", "sync"].map((part) => `--disable-${part}`),
    "--no-first-run",
  ],
});

const seen = { foreign: [], failed: [], tooWide: [], found: 0, schemes: [] };

async function reader(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  page.on("request", (request) => new URL(request.url()).origin === base || seen.foreign.push(request.url()));
  page.on("response", (response) => response.ok() || response.status() === 304 || seen.failed.push(response.url()));
  page.on("pageerror", (error) => seen.failed.push(`${page.url()}: ${error}`));
  return page;
}

const phone = await reader({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
for (const path of pages) {
  await phone.goto(`${base}/${path}`);
  if (await phone.evaluate(() => document.documentElement.scrollWidth > innerWidth)) seen.tooWide.push(path);
}
const scheme = (page) => page.locator("body").getAttribute("data-md-color-scheme");
seen.schemes.push(await scheme(phone));

const desk = await reader({ viewport: { width: 1360, height: 900 }, colorScheme: "light" });
await desk.goto(`${base}/index.html`);
seen.schemes.push(await scheme(desk));
await desk.locator(".md-search__input").fill("assert_broadcast");
await desk.locator(".md-search-result__item").first().waitFor();
seen.found = await desk.locator(".md-search-result__item").count();

await browser.close();
console.log(JSON.stringify(seen));
