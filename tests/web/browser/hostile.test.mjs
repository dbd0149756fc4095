// SPDX-License-Identifier: MIT
// Whoever can send a message, or name a queue, writes on the operator's page. It must stay text.
import assert from "node:assert/strict";
import test from "node:test";
import { open, openLetters } from "../support/browser.mjs";
import { startHost } from "../support/host.mjs";

const markup = "<script>window.attacked = 1</script><img src=x onerror=\"window.attacked = 1\">";

async function inert(page, where) {
  const found = await page.evaluate(() => ({ attacked: window.attacked, elements: document.querySelectorAll("#app script, #app img").length }));
  assert.deepEqual(found, { attacked: undefined, elements: 0 }, where);
}

test("markup in body, headers, properties, error and names of a letter", async (t) => {
  const host = await startHost(t);
  await host.call("letters", { hostile: true });
  const page = await openLetters(t, host);
  await page.getByRole("link", { name: `bad input ${markup}` }).waitFor();
  await inert(page, "list");
  await page.getByRole("link", { name: `bad input ${markup}` }).click();
  await page.locator("pre.body", { hasText: markup.replaceAll('"', '\\"') }).waitFor();
  await page.locator("section", { hasText: "Headers" }).locator("code", { hasText: markup }).waitFor();
  await inert(page, "letter");
  await page.getByRole("button", { name: "Edit and requeue" }).click();
  await page.locator("textarea").waitFor();
  await inert(page, "editor");
});

test("markup in a queue's, a host's and a service's name, in reasons, failures and lines", async (t) => {
  const host = await startHost(t);
  await host.patch({
    service: { name: markup }, host: { instance: markup, version: markup },
    queue: { name: markup, endpoint: markup, connection: { state: "lost", reason: markup } },
    paused: { reason: markup, by: markup, since: -9, until: null },
  });
  await host.call("failure", { outcome: "retry", reason: markup, error: markup, attempt: 1, message: markup });
  await host.call("line", { level: "INFO", module: markup, text: markup });
  const page = await open(t, host);
  for (const name of ["overview", "in-hand", "retries", "configuration", "log"]) {
    await page.goto(`${host.url}#/${name}`);
    await page.getByText(markup).first().waitFor();
    await inert(page, name);
  }
});

test("markup in the address and in a fleet", async (t) => {
  const fleet = await startHost(t, "--fleet", "2");
  await fleet.patch({ service: { name: markup }, queue: { name: markup }, host: { instance: markup, version: markup } }, "k1");
  const page = await open(t, fleet);
  await page.getByText(markup).first().waitFor();
  await inert(page, "fleet");
  await page.goto(`${fleet.url}#/host/k1/dead-letters/${encodeURIComponent(markup)}`);
  await page.getByText("It is not among the dead letters any more.").waitFor();
  await inert(page, "address");
});

test("the page needs no laxer policy than the host sends", async (t) => {
  const host = await startHost(t);
  const response = await fetch(host.url);
  assert.equal(response.headers.get("content-security-policy"), "default-src 'self'; frame-ancestors 'none'");
  // What the policy refuses is an error of the page, which fails the test at its end.
  const page = await open(t, host);
  await page.locator("figure svg text").first().waitFor();
});
