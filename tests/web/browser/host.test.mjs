// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, open } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const headline = (page) => page.locator(".headline");
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("charts move with what happens", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  const chart = page.locator("figure", { hasText: "Messages a second" });
  const line = () => chart.locator("path.line").first().getAttribute("d");
  await chart.locator("path.line").first().waitFor();
  const before = await line();
  await host.call("points", { seconds: 3, acknowledged: 500 });
  await chart.getByRole("img", { name: "Messages a second: acknowledged 500" }).waitFor();
  assert.notEqual(await line(), before);
  await button(page, "1 h").click();
  await chart.getByRole("img", { name: /acknowledged \d/ }).waitFor();
  assert.notEqual(await line(), before);
});

test("the values under the pointer, in all charts at once", async (t) => {
  const page = await open(t, await startHost(t));
  await page.locator("figure path.line").first().waitFor();
  await page.locator(".plot").first().hover();
  await eventually(() => page.locator("figcaption .at", { hasText: /^\d\d:\d\d:\d\d$/ }).count(), 4);
});

test("an outage is said in a sentence, and its end too", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  await headline(page).filter({ hasText: "5 dead letters" }).waitFor();
  await host.patch({ ready: false, queue: { connection: { state: "lost", reason: "connection refused", since: -60 } } });
  await headline(page).filter({ hasText: /RabbitMQ cannot be reached since \d\d:\d\d: connection refused\. Messages wait in the queue; nothing is lost\./ }).waitFor();
  await eventually(() => page.title(), "✖ orders – Overview");
  await page.locator(".timeline li", { hasText: "RabbitMQ: Connection lost: connection refused" }).waitFor();
  await host.patch({ ready: true, queue: { connection: { state: "consuming", reason: "", since: -1 } } });
  await headline(page).filter({ hasText: "5 dead letters" }).waitFor();
});

test("a host that does not answer: since when, and what was last known", async (t) => {
  const host = await startHost(t, "--scene", "calm");
  const page = await open(t, host);
  await headline(page).filter({ hasText: "All is well" }).waitFor();
  await host.call("down", { down: true });
  await headline(page).filter({ hasText: /This host does not answer since \d\d:\d\d: no connection\./ }).waitFor();
  await page.locator("main.stale .figure", { hasText: "98.2/s" }).waitFor();
  await host.call("down", { down: false });
  await headline(page).filter({ hasText: "All is well" }).waitFor();
  await page.locator(".timeline li", { hasText: "The host answers again" }).waitFor();
});

test("a fault in one page leaves the others", async (t) => {
  const host = await startHost(t);
  await host.patch({ in_hand: { processing: 1 }, process: null });
  const page = await open(t, host);
  await page.getByText("This page has a fault of its own").waitFor();
  await page.getByRole("link", { name: "Log" }).click();
  await page.locator(".log p").first().waitFor();
});

test("nothing is asked while nobody looks", async (t) => {
  const page = await open(t, await startHost(t));
  await page.locator("figure path.line").first().waitFor();
  const show = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { get: () => value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await page.clock.install();
  let asked = 0;
  page.on("request", () => ++asked);
  await show(true);
  await page.waitForLoadState("networkidle");
  asked = 0;
  await page.clock.runFor(120_000);
  assert.equal(asked, 0);
  const again = page.waitForRequest(/api\/v1\/status/);
  await show(false);
  await again;
});

test("pause with a reason and for a time, then resume", async (t) => {
  const host = await startHost(t, "--scene", "calm");
  const page = await open(t, host);
  await button(page, "Pause").click();
  await page.getByLabel("How long").selectOption("for 10 minutes");
  await page.getByLabel("Why").fill("the database is moved");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await headline(page).filter({ hasText: /Paused since \d\d:\d\d until \d\d:\d\d by api: “the database is moved”/ }).waitFor();
  assert.equal((await host.status()).paused.reason, "the database is moved");
  await headline(page).getByRole("button", { name: "Resume" }).click();
  await headline(page).filter({ hasText: "All is well" }).waitFor();
  assert.equal((await host.status()).paused, null);
});

test("a refused action is told in the host's words", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  await button(page, "Pause").click();
  await host.patch({ capabilities: { read_only: true } });
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.locator(".notice").getByRole("alert").filter({ hasText: "this host is read-only (ADMIN_READ_ONLY)" }).waitFor();
  await page.getByRole("button", { name: "Dismiss this notice" }).click();
  await page.locator(".notice.gone").waitFor({ state: "attached" });
});

test("a read-only host shows all and offers nothing", async (t) => {
  const host = await startHost(t, "--read-only");
  const page = await open(t, host);
  await page.getByText("Read-only").waitFor();
  await button(page, "Show them").click();
  await page.locator("table.letters").waitFor();
  await page.getByRole("link", { name: "no such customer 4801" }).click();
  await page.locator("pre.body").waitFor();
  await page.getByRole("link", { name: "Log" }).click();
  await page.getByText("The host logs INFO and above.").waitFor();
  assert.equal(await page.getByRole("button", { name: /Requeue|Delete|Edit|Pause|Resume/ }).count(), 0);
});

test("the log follows, filters, and its level is changed", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/log");
  const lines = page.locator(".log p");
  await eventually(() => lines.count(), 6);
  await host.call("line", { level: "ERROR", module: "runtime", text: "something new" });
  await lines.filter({ hasText: "something new" }).waitFor();
  await page.getByLabel("Show", { exact: false }).first().selectOption("ERROR");
  await eventually(() => lines.count(), 2);
  await page.getByLabel("Search").fill("order-101");
  await eventually(() => lines.count(), 1);
  await page.getByLabel("The host logs").selectOption("DEBUG");
  await page.getByRole("status").filter({ hasText: "The host logs DEBUG and above now." }).waitFor();
  assert.equal((await host.status()).log_level, "DEBUG");
});

test("a host that starts anew has a new log", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/log");
  const lines = page.locator(".log p");
  await eventually(() => lines.count(), 6);
  await host.call("restart");
  await lines.filter({ hasText: "Started anew" }).waitFor();
  await eventually(() => lines.count(), 1);
});

test("a schedule: its runs, and one more now", async (t) => {
  const host = await startHost(t, "--schedule");
  const page = await open(t, host);
  await headline(page).filter({ hasText: /the next run is due in/ }).waitFor();
  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByText("every 5 minutes").waitFor();
  await eventually(() => page.locator(".next li").count(), 5);
  await button(page, "Run now").click();
  await page.getByRole("status").filter({ hasText: "A run has begun." }).waitFor();
  await page.locator("td", { hasText: "running" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Dead letters" }).count(), 0);
});

test("settings with their origins; secrets stay secret", async (t) => {
  const page = await open(t, await startHost(t), "#/configuration");
  const row = (name) => page.locator("tr", { hasText: name });
  await row("NUM_THREADS").filter({ hasText: "environment" }).waitFor();
  await row("RABBITMQ_PASSWORD").filter({ hasText: "***" }).waitFor();
  assert.equal(await row("RABBITMQ_HOST").count(), 0);
  await page.getByLabel("Only what was set").uncheck();
  await row("RABBITMQ_HOST").waitFor();
  await page.getByLabel("Search").fill("how many workers");
  await eventually(() => page.locator("tbody tr").count(), 1);
});

test("what is in hand, the longest first", async (t) => {
  const page = await open(t, await startHost(t), "#/in-hand");
  const first = page.locator("tbody tr").first();
  await first.filter({ hasText: "order-214" }).filter({ hasText: "overdue" }).waitFor();
});

test("retries are listed where the queue can, and counted where it cannot", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/retries");
  await page.getByText("2 messages wait for a retry. RabbitMQ counts them, and does not show them.").waitFor();
  await page.locator("table", { hasText: "no such customer 4803" }).waitFor();
  await host.patch({ capabilities: { list_retries: true } });
  await page.locator("tr", { hasText: "order-99" }).filter({ hasText: "1 min" }).waitFor();
});
