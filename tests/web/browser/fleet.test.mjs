// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, open } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const group = (page, name) => page.getByRole("region", { name, exact: true });
const sum = (page, name, what) => group(page, name).locator(".sums > div", { hasText: what }).locator("dd");

test("fifty hosts by queue: rates are added up, depths are not", async (t) => {
  const page = await open(t, await startHost(t, "--fleet", "50"));
  await page.getByRole("heading", { level: 1, name: "50 hosts" }).waitFor();
  await eventually(() => page.locator("tbody tr").count(), 50);
  assert.equal(await sum(page, "orders", "Acknowledged").textContent(), "1,669/s");
  assert.equal(await sum(page, "orders", "Wait").textContent(), "12");
  assert.equal(await sum(page, "orders", "Dead").textContent(), "5");
  await page.getByLabel("Search hosts").fill("mails-1");
  await eventually(() => page.locator("tbody tr").count(), 3);
});

test("hosts that vanished and mixed versions are marked", async (t) => {
  const fleet = await startHost(t, "--fleet", "6", "--scene", "calm");
  const page = await open(t, fleet);
  await page.locator(".headline", { hasText: "All is well: 6 hosts" }).waitFor();
  await fleet.call("vanish", { host: "k3" });
  await fleet.patch({ host: { version: "1.1.0" } }, "k4");
  await page.locator("tr", { hasText: "orders-3" }).filter({ hasText: /vanished last seen \d\d:\d\d/ }).filter({ hasText: "connection refused" }).waitFor();
  await page.locator(".headline", { hasText: "orders: 1 of 2 hosts does not answer since" }).waitFor();
  await group(page, "invoices").getByText("mixed versions", { exact: true }).waitFor();
});

test("to a host's pages, to its letters, and back", async (t) => {
  const fleet = await startHost(t, "--fleet", "6");
  const page = await open(t, fleet);
  await page.getByRole("link", { name: "invoices-1" }).click();
  await page.getByText("invoices-1 · 1.2.0").waitFor();
  await page.getByRole("link", { name: "← Fleet" }).click();
  await page.locator(".headlines > div", { hasText: "mails: 5 dead letters." }).getByRole("button", { name: "Show them" }).click();
  await page.getByRole("button", { name: "Show the dead letters" }).click();
  await page.getByRole("button", { name: "Requeue 3: no such customer #" }).click();
  await page.getByRole("status").filter({ hasText: "3 messages are back in the queue." }).waitFor();
  const { requests } = await fleet.call("state");
  assert.ok(requests.includes("POST /api/v1/hosts/k2/dead-letters/requeue"));
});

test("a group is paused and resumed as a whole; the others go on", async (t) => {
  const fleet = await startHost(t, "--fleet", "6", "--scene", "calm");
  const page = await open(t, fleet);
  await page.getByRole("button", { name: "Pause all of orders" }).click();
  await page.getByRole("dialog", { name: "Pause 2 hosts of orders?" }).getByRole("button", { name: "Pause" }).click();
  await page.getByRole("status").filter({ hasText: "2 hosts paused." }).waitFor();
  await eventually(() => page.locator("tr", { hasText: "paused" }).count(), 2);
  await eventually(() => group(page, "orders").locator("tr", { hasText: "paused" }).count(), 2);
  await page.getByRole("button", { name: "Resume 2 of orders" }).click();
  await page.getByRole("status").filter({ hasText: "2 hosts resumed." }).waitFor();
  await eventually(() => page.locator("tr", { hasText: "paused" }).count(), 0);
});

test("a dashboard that does not answer is no fleet that has gone", async (t) => {
  const fleet = await startHost(t, "--fleet", "3");
  const page = await open(t, fleet);
  await eventually(() => page.locator("tbody tr").count(), 3);
  await fleet.call("down", { down: true });
  await page.locator(".headline", { hasText: "The dashboard does not answer since" }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 3);
});
