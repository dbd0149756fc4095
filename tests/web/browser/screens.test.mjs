// SPDX-License-Identifier: MIT
// Every page at the width of a phone, a tablet and a screen, light and dark: nothing to scroll sideways. What it looks like is
// left in build/web-shots; with KEEP_SHOTS=1 some of it goes to docs/images.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { open } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const shots = `${root}build/web-shots/`;
mkdirSync(shots, { recursive: true });
const maxBytes = 150_000;

const widths = [[360, 780], [768, 1024], [1440, 900]];
const letters = "Show the dead letters";
// Name, options of the host, address, what is there when the page is complete, what to press before.
const pages = [
  ["overview", [], "", "figure svg text"],
  ["outage", ["--scene", "outage"], "", "figure svg text"],
  ["in-hand", [], "#/in-hand", "tbody tr"],
  ["retries", [], "#/retries", "table"],
  ["dead-letters", [], "#/dead-letters", "table.letters", letters],
  ["letter", [], "#/dead-letters/letter-101", "pre.body"],
  ["configuration", [], "#/configuration", "tbody tr"],
  ["log", [], "#/log", ".log p"],
  ["schedule", ["--schedule"], "", "figure svg text"],
  ["schedules", ["--schedule"], "#/schedules", "tbody tr"],
  ["fleet", ["--fleet", "9"], "", "tbody tr"],
];
const kept = ["overview-1440-light", "outage-1440-dark", "dead-letters-1440-light", "dead-letters-360-dark", "fleet-1440-light"];

for (const [name, options, hash, complete, button] of pages) {
  test(`${name} fits phones, tablets and screens, light and dark`, async (t) => {
    const host = await startHost(t, ...options);
    for (const colorScheme of ["light", "dark"]) {
      for (const [width, height] of widths) {
        const page = await open(t, host, hash, { width, height, colorScheme });
        if (button) await page.getByRole("button", { name: button }).click();
        await page.locator(complete).first().waitFor();
        const shot = `${name}-${width}-${colorScheme}`;
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(tooWide <= 0, `${shot} is ${tooWide} px too wide`);
        await keep(page, shot);
        await page.close();
      }
    }
  });
}

async function keep(page, shot) {
  const file = `${shots}${shot}.png`;
  await page.screenshot({ path: file });
  if (!process.env.KEEP_SHOTS || !kept.includes(shot)) return;
  assert.ok(statSync(file).size <= maxBytes, `${shot}.png is too large for the repository`);
  mkdirSync(`${root}docs/images`, { recursive: true });
  copyFileSync(file, `${root}docs/images/page-${shot}.png`);
}

test("long names and texts without spaces do not push the page apart", async (t) => {
  const host = await startHost(t);
  const long = "x".repeat(400);
  await host.patch({ queue: { name: long, endpoint: long }, service: { name: long }, paused: { reason: long, by: "api", since: -9, until: null } });
  await host.call("letters", { add: [{ number: 1, error: long, message: long }] });
  await host.call("failure", { outcome: "retry", reason: "error", error: long, attempt: 1, message: long });
  await host.call("line", { level: "INFO", module: long, text: long });
  for (const [name, , hash, complete, button] of pages.filter(([, options]) => !options.length)) {
    const page = await open(t, host, hash, { width: 360, height: 780 });
    if (button) await page.getByRole("button", { name: button }).click();
    await page.locator(complete).first().waitFor();
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(tooWide <= 0, `${name} is ${tooWide} px too wide`);
    await page.close();
  }
});
