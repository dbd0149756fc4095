// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, open, openLetters } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const status = (page) => page.getByRole("status");
const alert = (page) => page.locator(".notice").getByRole("alert");
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("three clicks from the start page: why a message failed, and it is back in the queue", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  await button(page, "Show them").click();
  await page.getByRole("link", { name: "no such customer 4801" }).click();
  await page.locator(".error-text", { hasText: "no such customer 4801" }).waitFor();
  assert.match(await page.locator("pre.body").textContent(), /"customer": 4801/);
  await button(page, "Requeue").click();
  await status(page).filter({ hasText: "1 message is back in the queue." }).waitFor();
  assert.deepEqual(await host.letters(), ["letter-102", "letter-103", "letter-104", "letter-105"]);
});

test("letters are fetched only when asked for", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/dead-letters");
  await page.getByText("There are 5 dead letters.").waitFor();
  const asked = async () => (await host.call("state")).requests.filter((request) => request.includes("dead-letters"));
  assert.deepEqual(await asked(), []);
  await button(page, "Show the dead letters").click();
  await page.locator("table.letters").waitFor();
  assert.deepEqual(await asked(), ["GET /api/v1/dead-letters"]);
});

test("requeueing a group leaves the others", async (t) => {
  const host = await startHost(t);
  const page = await openLetters(t, host);
  await page.getByRole("button", { name: "Requeue 3: no such customer #" }).click();
  await status(page).filter({ hasText: "3 messages are back in the queue." }).waitFor();
  assert.deepEqual(await host.letters(), ["letter-104", "letter-105"]);
  await eventually(() => page.locator("table.letters tbody tr").count(), 2);
});

test("what is filtered away is left alone", async (t) => {
  const host = await startHost(t);
  const page = await openLetters(t, host);
  await page.getByRole("button", { name: /^3 × no such customer #/ }).click();
  await page.getByLabel("Search").fill("4802");
  await button(page, "Requeue the 1 shown").click();
  await status(page).filter({ hasText: "1 message is back" }).waitFor();
  await page.getByLabel("Search").fill("");
  await page.getByLabel("Age", { exact: true }).selectOption("600");
  await button(page, "Delete the 1 shown…").click();
  await button(page, "Delete 1").click();
  await status(page).filter({ hasText: "1 message is deleted." }).waitFor();
  assert.deepEqual(await host.letters(), ["letter-101", "letter-104", "letter-105"]);
});

test("a letter that arrives between the look and “all” survives, and the page says why", async (t) => {
  const host = await startHost(t);
  const page = await openLetters(t, host);
  await host.call("letters", { add: [{ number: 200, error: "came later" }] });
  for (const [name, sure] of [["Requeue all 5"], ["Delete all 5…", "Delete 5"]]) {
    await button(page, name).click();
    if (sure) await button(page, sure).click();
    const verb = sure ? "deleted" : "requeued";
    await alert(page).filter({ hasText: `There are 6 dead letters now, and you have seen 5. Nothing was ${verb}.` }).waitFor();
    assert.equal((await host.letters()).length, 6);
  }
  await button(page, "Look again").click();
  await button(page, "Requeue all 6").click();
  await page.getByText("There are no dead letters.").waitFor();
  assert.deepEqual(await host.letters(), []);
});

test("more than is shown is sent back only after a question", async (t) => {
  const host = await startHost(t, "--scene", "calm");
  await host.call("letters", { add: Array.from({ length: 1005 }, (_, number) => ({ number, error: "boom" })) });
  const page = await openLetters(t, host);
  await page.getByText("The first 1,000 of 1,005 are here").waitFor();
  await button(page, "Requeue all 1,005").click();
  await page.getByRole("alertdialog").getByText("Only 1,000 of them are shown here.").waitFor();
  await button(page, "Requeue 1,005").click();
  await eventually(host.letters, []);
});

test("only what is ticked goes", async (t) => {
  const host = await startHost(t);
  const page = await openLetters(t, host);
  await page.getByLabel("Select order-102").check();
  await page.getByLabel("Select order-105").check();
  await button(page, "Requeue 2 selected").click();
  await status(page).filter({ hasText: "2 messages are back" }).waitFor();
  assert.deepEqual(await host.letters(), ["letter-101", "letter-103", "letter-104"]);
});

test("somebody else was quicker", async (t) => {
  const host = await startHost(t);
  const page = await openLetters(t, host);
  await fetch(`${host.url}api/v1/dead-letters/requeue`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: '{"ids": ["letter-101"]}',
  });
  await page.getByRole("button", { name: "Requeue 3: no such customer #" }).click();
  await status(page).filter({ hasText: "2 messages are back in the queue. Another one was no longer there." }).waitFor();
  await page.goto(`${host.url}#/dead-letters/letter-101`);
  await page.getByText("It is not among the dead letters any more.").waitFor();
});

test("nothing is deleted without a yes", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/dead-letters/letter-104");
  await button(page, "Delete…").click();
  await button(page, "Cancel").click();
  assert.equal((await host.letters()).length, 5);
  await button(page, "Delete…").click();
  await button(page, "Delete 1").click();
  await status(page).filter({ hasText: "1 message is deleted." }).waitFor();
  assert.ok(!(await host.letters()).includes("letter-104"));
});

test("a letter is edited and sent as a new message", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/dead-letters/letter-101");
  await button(page, "Edit and requeue").click();
  await page.getByLabel("Body").fill('{"order": 101, "customer": ');
  await page.getByText("The body was JSON, and is no longer.").waitFor();
  await page.getByLabel("Body").fill('{"order": 101, "customer": 7}');
  await button(page, "Send the copy").click();
  await status(page).filter({ hasText: "The edited copy is in the queue as letter-101-edited; the letter is gone." }).waitFor();
  assert.equal((await host.call("state")).edited, '{"order": 101, "customer": 7}');
  assert.ok(!(await host.letters()).includes("letter-101"));
});

test("bodies: laid out, raw, bytes, and withheld", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host, "#/dead-letters/letter-101");
  const body = page.locator("pre.body");
  await body.filter({ hasText: /^\{\n {2}"order": 101,/ }).waitFor();
  await button(page, "Raw").click();
  await body.filter({ hasText: /^\{"order": 101, "customer"/ }).waitFor();
  await page.goto(`${host.url}#/dead-letters/letter-105`);
  await body.filter({ hasText: "000000  00 01 02" }).waitFor();
  await host.patch({ capabilities: { bodies: false } });
  await page.goto(`${host.url}#/dead-letters/letter-104`);
  await page.getByText("This host keeps bodies to itself").waitFor();
});

test("filters are still there after a look at a letter", async (t) => {
  const page = await openLetters(t, await startHost(t));
  await page.getByLabel("Reason", { exact: true }).selectOption("max_attempts");
  await page.getByRole("link", { name: "payment service: HTTP 503" }).click();
  await page.getByRole("link", { name: "All dead letters" }).click();
  await button(page, "Requeue the 1 shown").waitFor();
});
