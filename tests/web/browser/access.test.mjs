// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { open } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const dialog = (page) => page.getByRole("dialog", { name: "This host asks for a token" });

async function answer(page, token) {
  await dialog(page).getByLabel("Token").fill(token);
  await dialog(page).getByRole("button", { name: "Open" }).click();
}

test("a wrong token is said to be wrong, the right one opens, and it is kept in this tab only", async (t) => {
  const host = await startHost(t, "--token", "secret");
  const page = await open(t, host);
  await answer(page, "guess");
  await page.getByText("That was not the token.").waitFor();
  await answer(page, "secret");
  await page.getByRole("button", { name: "Pause" }).waitFor();
  assert.equal(await dialog(page).count(), 0);

  await page.reload();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie, location.href]));
  assert.doesNotMatch(kept, /secret/);
  const other = await page.context().newPage();
  await other.goto(host.url);
  await dialog(other).waitFor();
});

test("Escape is no way past the question", async (t) => {
  const page = await open(t, await startHost(t, "--token", "secret"));
  await dialog(page).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await answer(page, "secret");
  await page.getByRole("button", { name: "Pause" }).waitFor();
});

test("a token that was changed is asked for again, and what was being done goes on", async (t) => {
  const host = await startHost(t, "--token", "secret");
  const page = await open(t, host);
  await answer(page, "secret");
  await page.getByRole("button", { name: "Pause" }).click();
  await host.call("token", { token: "other" });
  await page.getByRole("dialog", { name: "Pause this host?" }).getByRole("button", { name: "Pause" }).click();
  await answer(page, "other");
  await page.getByRole("status").filter({ hasText: "Paused until somebody resumes." }).waitFor();
  assert.notEqual((await host.status()).paused, null);
});

test("the page works in a folder behind a proxy", async (t) => {
  const host = await startHost(t);
  const page = await open(t, host);
  await page.route("**/behind/**", (route) => {
    const url = route.request().url().replace("/behind/", "/");
    return route.fetch({ url }).then((response) => route.fulfill({ response }));
  });
  await page.goto(`${host.url}behind/`);
  await page.getByRole("button", { name: "Pause" }).waitFor();
  // Requests of the page may be on their way when the test ends.
  await page.unrouteAll({ behavior: "ignoreErrors" });
});
