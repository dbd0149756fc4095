// SPDX-License-Identifier: MIT
// No test here touches the mouse.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, open } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const title = (page, text) => page.getByRole("heading", { level: 1, name: text, exact: true });
const said = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const focused = (page) => page.evaluate(() => document.activeElement.textContent || document.activeElement.ariaLabel);

async function letters(t, host) {
  const page = await open(t, host);
  await title(page, "Overview").waitFor({ state: "attached" });
  await page.keyboard.press("4");
  await page.getByText("Show the dead letters").waitFor();
  await page.keyboard.press("l");
  await page.locator("table.letters").waitFor();
  return page;
}

/** Tabs until the element with this text has the focus. */
async function tabTo(page, text) {
  for (let step = 0; step < 60; ++step) {
    await page.keyboard.press("Tab");
    if ((await focused(page))?.trim().startsWith(text)) return;
  }
  assert.fail(`Tab never reached “${text}”`);
}

test("letters are found, chosen, sent back and deleted", async (t) => {
  const host = await startHost(t);
  const page = await letters(t, host);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByRole("button", { name: "Requeue 1 selected" }).waitFor();
  await page.keyboard.press("q");
  await said(page, "1 message is back in the queue.");
  assert.ok(!(await host.letters()).includes("letter-102"));

  await page.keyboard.press("/");
  await page.keyboard.type("image");
  await page.keyboard.press("Escape");
  await page.keyboard.press("a");
  await page.getByRole("button", { name: "Delete 1 selected…" }).waitFor();
  await page.keyboard.press("Delete");
  await page.getByRole("alertdialog").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await said(page, "1 message is deleted.");
  assert.deepEqual(await host.letters(), ["letter-101", "letter-103", "letter-104"]);
});

test("a letter is opened, edited and sent", async (t) => {
  const host = await startHost(t);
  const page = await letters(t, host);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("pre.body").waitFor();
  await page.keyboard.press("e");
  await page.locator("textarea:focus").waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("{}");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await said(page, "The edited copy is in the queue");
  assert.equal((await host.call("state")).edited, "{}");
  await page.locator("table.letters").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("pre.body").waitFor();
  await page.keyboard.press("u");
  await page.locator("table.letters").waitFor();
});

test("groups and their buttons are reached by Tab", async (t) => {
  const host = await startHost(t);
  const page = await letters(t, host);
  await tabTo(page, "3 ×");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await said(page, "3 messages are back in the queue.");
  assert.deepEqual(await host.letters(), ["letter-104", "letter-105"]);
});

test("a dialog keeps the focus, closes on Escape, and gives the focus back", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  await page.getByRole("button", { name: "Pause" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  const outside = () => page.evaluate(() => {
    const { activeElement: element } = document;
    return element !== document.body && !element.closest("dialog");
  });
  for (let step = 0; step < 12; ++step) {
    await page.keyboard.press("Tab");
    assert.equal(await outside(), false);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(page), "Pause");
  assert.equal((await host.status()).paused, null);
});

test("pause and resume by one key each", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.keyboard.press("p");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("night");
  await page.keyboard.press("Enter");
  await said(page, "Paused until somebody resumes.");
  assert.equal((await host.status()).paused.reason, "night");
  await page.locator("header").getByRole("button", { name: "Resume" }).waitFor();
  await page.keyboard.press("p");
  await said(page, "Resumed.");
});

test("every page has its number, and the focus goes where it begins", async (t) => {
  const page = await open(t, await startHost(t));
  await title(page, "Overview").waitFor({ state: "attached" });
  for (const [key, name] of [["2", "In hand"], ["3", "Retries"], ["4", "Dead letters"], ["5", "Configuration"], ["6", "Log"], ["1", "Overview"]]) {
    await page.keyboard.press(key);
    await title(page, name).waitFor({ state: "attached" });
    await eventually(() => focused(page), name);
  }
});

test("a run of a schedule, and the log's level", async (t) => {
  const host = await startHost(t, "--schedule");
  const page = await open(t, host, "#/schedules");
  await page.getByRole("button", { name: "Run now" }).waitFor();
  await page.keyboard.press("n");
  await said(page, "A run has begun.");
  await page.keyboard.press("5");
  await page.locator(".log").waitFor();
  await page.getByLabel("The host logs").focus();
  await page.keyboard.press("ArrowUp");
  await said(page, "The host logs DEBUG and above now.");
});

test("help lists the keys that hold here, and turns them off and on", async (t) => {
  const page = await letters(t, await startHost(t));
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await help.getByText("Requeue all 5").waitFor();
  await page.getByLabel("Single keys do something").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await page.keyboard.press("?");
  await help.waitFor();
  assert.equal(new URL(page.url()).hash, "#/dead-letters");
  await page.getByLabel("Single keys do something").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await title(page, "Overview").waitFor({ state: "attached" });
});

test("what has the focus can be seen, light and dark", async (t) => {
  const page = await open(t, await startHost(t));
  await page.getByRole("button", { name: "Pause" }).waitFor();
  for (const theme of ["light", "dark"]) {
    await eventually(() => page.evaluate(() => document.documentElement.dataset.theme), theme);
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outline);
    assert.match(outline, /solid 2px/);
    await page.keyboard.press("t");
  }
});

test("single keys are left to whoever writes, and to the browser's own shortcuts", async (t) => {
  const page = await letters(t, await startHost(t));
  await page.keyboard.press("/");
  await page.keyboard.type("q1p?");
  assert.equal(await page.getByLabel("Search").inputValue(), "q1p?");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+p");
  assert.equal(await page.locator("dialog").count(), 0);
});
