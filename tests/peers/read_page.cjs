// Opens a page in headless Chromium: node read_page.cjs NODE_MODULES CHROMIUM PAGE SHOTS_FOLDER
// Nothing may run, be fetched or complain; axe-core must find nothing, in light, dark and narrow. PAGE is a file, whose links
// all lead into itself, or a URL, whose links all lead to pages of the same server.
const path = require("node:path");
const assert = require("node:assert");
const [modules, chromium, page_path, shots] = process.argv.slice(2);
const wanted = (name) => require(path.join(modules, name));
const puppeteer = wanted("puppeteer-core");
const axe = wanted("axe-core");

(async () => {
  const browser = await puppeteer.launch({
    executablePath: chromium,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const trouble = [];
  try {
    const page = await browser.newPage();
    const served = page_path.startsWith("http://");
    const url = served ? page_path : "file://" + page_path;
    page.on("dialog", (dialog) => {
      trouble.push("dialog " + dialog.message());
      dialog.dismiss();
    });
    page.on("console", (said) => trouble.push("console " + said.text()));
    page.on("pageerror", (error) => trouble.push("error " + error));
    page.on("request", (request) => {
      if (request.url() !== url) trouble.push("request " + request.url());
    });
    const started = Date.now();
    await page.goto(url, { waitUntil: "load" });
    const loaded = Date.now() - started;
    const seen = await page.evaluate(() => ({
      acting: document.querySelectorAll("script,img,iframe,object,embed,form,link,base").length,
      handlers: [...document.querySelectorAll("*")].filter((e) =>
        [...e.attributes].some((a) => a.name.startsWith("on") || /javascript:/i.test(a.value)),
      ).length,
      dead: [...document.querySelectorAll("a")]
        .map((a) => a.getAttribute("href"))
        .filter((href) => !href.startsWith("#") || !document.getElementById(href.slice(1)))
        .filter((href) => href.startsWith("#") || location.protocol === "file:"),
      away: [...document.querySelectorAll("a")]
        .map((a) => a.getAttribute("href"))
        .filter((href) => !href.startsWith("#"))
        .map((href) => new URL(href, location.href).href),
      twice: [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, at, all) => all.indexOf(id) !== at),
      turning: /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/.test(document.documentElement.outerHTML),
      title: document.title,
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    }));
    assert.deepStrictEqual([seen.acting, seen.handlers, seen.dead, seen.twice, seen.turning], [0, 0, [], [], false]);
    for (const href of served ? new Set(seen.away) : []) {
      const answer = await fetch(href, { redirect: "error" });
      if (new URL(href).origin !== new URL(url).origin || answer.status !== 200) trouble.push(`link ${href} ${answer.status}`);
    }
    for (const [name, scheme, width] of [["light", "light", 1200], ["dark", "dark", 1200], ["narrow", "light", 380]]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => d.setAttribute("open", "")));
      await page.evaluate(axe.source);
      const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      for (const violation of result.violations) {
        trouble.push(`axe ${name} ${violation.id}: ${violation.nodes[0].html} ${violation.nodes[0].failureSummary}`);
      }
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (overflow > 0) trouble.push(`${name} is ${overflow} px too wide`);
      await page.screenshot({ path: path.join(shots, name + ".png"), fullPage: true });
    }
    await page.pdf({ path: path.join(shots, "print.pdf"), format: "A4" });
    assert.deepStrictEqual(trouble, []);
    console.log(`sound ${loaded} ms: ${seen.title}`);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
