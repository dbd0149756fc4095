// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { faults, open, openLetters } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

// What is on a page when it is complete.
const pages = [
  ["overview", "figure svg text"],
  ["in-hand", "tbody tr"],
  ["retries", "table"],
  ["dead-letters", ".ask"],
  ["dead-letters/letter-101", "pre.body"],
  ["configuration", "tbody tr"],
  ["log", ".log p"],
];

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds no fault with any page, ${colorScheme}`, async (t) => {
    const host = await startHost(t);
    const page = await open(t, host, "", { colorScheme });
    for (const [name, complete] of pages) {
      await page.goto(`${host.url}#/${name}`);
      await page.locator(complete).first().waitFor();
      assert.deepEqual(await faults(page), [], name);
    }
  });

  test(`nor with lists, forms and dialogs, ${colorScheme}`, async (t) => {
    const page = await openLetters(t, await startHost(t), { colorScheme });
    await page.getByLabel("Select order-102").check();
    assert.deepEqual(await faults(page), [], "list");
    await page.getByRole("button", { name: "Delete 1 selected…" }).click();
    assert.deepEqual(await faults(page), [], "confirmation");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await faults(page), [], "pause");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await faults(page), [], "help");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "no such customer 4801" }).click();
    await page.getByRole("button", { name: "Edit and requeue" }).click();
    assert.deepEqual(await faults(page), [], "editor");
  });

  test(`nor with a schedule, an outage, a fleet and a token's question, ${colorScheme}`, async (t) => {
    const kinds = [
      [["--schedule"], "#/schedules", "tbody tr"],
      [["--schedule"], "", "figure svg text"],
      [["--scene", "outage"], "", "figure svg text"],
      [["--fleet", "6"], "", "tbody tr"],
      [["--token", "secret"], "", "dialog"],
    ];
    for (const [options, hash, complete] of kinds) {
      const page = await open(t, await startHost(t, ...options), hash, { colorScheme });
      await page.locator(complete).first().waitFor();
      assert.deepEqual(await faults(page), [], options.join(" "));
    }
  });
}

test("landmarks and one heading of the page", async (t) => {
  const page = await open(t, await startHost(t));
  await page.locator("figure svg text").first().waitFor();
  for (const role of ["banner", "navigation", "main"]) assert.equal(await page.getByRole(role).count(), 1, role);
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
});

test("changes are announced", async (t) => {
  const host = await startHost(t, "--scene", "calm");
  const page = await open(t, host);
  const spoken = page.locator("[aria-live=polite]");
  await spoken.filter({ hasText: "All is well: 98.2/s" }).waitFor({ state: "attached" });
  // Numbers move all the time: that would be a chatter without end.
  await host.patch({ rates: { acknowledged: 150 } });
  await page.locator(".headline", { hasText: "All is well: 150/s" }).waitFor();
  await spoken.filter({ hasText: "All is well: 98.2/s" }).waitFor({ state: "attached" });
  await host.patch({ live: false, remarks: ["the dispatcher stands still"] });
  await spoken.filter({ hasText: "This host is stuck." }).waitFor({ state: "attached" });
});
