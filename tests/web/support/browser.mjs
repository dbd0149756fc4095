// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";

const require = createRequire(`${process.env.WEB_TOOLS}/`);
const { chromium } = require("playwright-core");

// Tests wait for what must happen, not for the machine: this only ends one that would wait for ever.
const deadlineMs = 60_000;

let browser;
after(() => browser?.close());

/**
 * Opens a page of a host in a browser of its own. When the test ends, it must have been free of errors: of scripts, and of
 * the content security policy, which the browser reports as errors, too.
 */
export async function open(t, { url }, hash = "", { width = 1280, height = 900, ...context } = {}) {
  browser ??= await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  const opened = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce", timezoneId: "Europe/Berlin", ...context });
  const page = await opened.newPage();
  page.setDefaultTimeout(deadlineMs);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.stack));
  // Answers such as 404 and 401 are said there, too; how the page takes them is what tests look at.
  page.on("console", (line) => line.type() === "error" && !/Failed to load resource/.test(line.text()) && errors.push(line.text()));
  t.after(async () => {
    await opened.close();
    assert.deepEqual(errors, []);
  });
  await page.goto(url + hash);
  return page;
}

/** Waits until what `read` gives equals `expected`. */
export async function eventually(read, expected) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await read();
    try {
      assert.deepEqual(value, expected);
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The dead letters' page, with a snapshot on it. */
export async function openLetters(t, host, options) {
  const page = await open(t, host, "#/dead-letters", options);
  await page.getByRole("button", { name: "Show the dead letters" }).click();
  await page.locator("table.letters").waitFor();
  return page;
}

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds fault with on the page as it is now: a line for each element. */
export async function faults(page) {
  // By the debugger's protocol: as a script element, the page's policy would refuse it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => `${impact} ${id}: ${node.html} ${node.failureSummary}`));
}
