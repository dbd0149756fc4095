// SPDX-License-Identifier: MIT
// The sentences that an operator reads at night, as they are.
import assert from "node:assert/strict";
import test from "node:test";
import { headlines } from "../../../web/app/headline.js";
import { now, statusWith } from "../support/status.mjs";

process.env.TZ = "Europe/Berlin";

const failure = (outcome, error) => ({ outcome, error, reason: "permanent" });

function said(change, { failures = [], unreachable = null, snapshot = null } = {}) {
  return headlines({ status: statusWith(change), failures, unreachable, now }, snapshot).map(({ level, text }) => `${level}: ${text}`);
}
const connection = (state, reason = "", system = "rabbitmq") => ({ queue: { system, connection: { state, reason, since: "2026-12-02T02:12:00Z" } } });

test("a queue that cannot be reached", () => {
  const lost = { ...connection("lost", "connection refused"), ready: false, remarks: ["not connected"] };
  assert.deepEqual(said(lost), ["bad: RabbitMQ cannot be reached since 03:12: connection refused. Messages wait in the queue; nothing is lost. The host keeps trying."]);
  assert.match(said(connection("lost", "", "aws_sqs"))[0], /^bad: Amazon SQS cannot be reached since 03:12\. /);
  assert.match(said(connection("blocked", "memory alarm"))[0], /^bad: RabbitMQ takes nothing since 03:12: memory alarm\. /);
  assert.deepEqual(said(connection("connecting", "", "sqlite")), ["warn: Connecting to the embedded queue since 03:12."]);
});

test("dead letters, and why", () => {
  const dead = { queue: { depth: { dead_letters: 4 } } };
  const failures = [failure("dead_letter", "no such customer 1"), failure("retry", "x"), failure("dead_letter", "no such customer 2")];
  assert.deepEqual(said(dead), ["bad: 4 dead letters. Look at them to see why."]);
  assert.deepEqual(said(dead, { failures }), ["bad: 4 dead letters; lately 2 × “no such customer #”."]);
  assert.deepEqual(said({ queue: { depth: { dead_letters: 1 } } }, { failures }), ["bad: 1 dead letter: 1 × “no such customer #”."]);
});

test("dead letters that were looked at", () => {
  const snapshot = { taken_at: "2026-12-02T02:29:55Z", count: 3, items: [failure("", "a 1"), failure("", "a 2"), failure("", "b")] };
  assert.deepEqual(said({ queue: { depth: { dead_letters: 9 } } }, { snapshot }), ["bad: 3 dead letters: 2 × “a #”, 1 × “b”."]);
  const later = { queue: { depth: { dead_letters: 4, at: "2026-12-02T02:29:59Z" } } };
  assert.deepEqual(said(later, { snapshot }), ["bad: 4 dead letters; of those looked at: 2 × “a #”, 1 × “b”."]);
});

test("a pause, and who ends it", () => {
  const paused = { reason: "the database is moved", by: "api", since: "2026-12-02T02:00:00Z", until: "2026-12-02T04:00:00Z" };
  const text = "warn: Paused since 03:00 until 05:00 by api: “the database is moved”. 12 messages wait in the queue.";
  assert.deepEqual(said({ paused, queue: { depth: { ready: 12 } } }), [text]);
  const fixed = said({ paused: { reason: "", by: "PAUSED", since: "2026-12-02T02:00:00Z", until: null } });
  assert.deepEqual(fixed, ["warn: Paused since 03:00 by PAUSED. It was started so; unset PAUSED to end it."]);
});

test("a pause that is not an operator's to end offers no button", () => {
  const paused = { reason: "", since: "2026-12-02T02:00:00Z", until: null };
  const action = (by) => headlines({ status: statusWith({ paused: { ...paused, by } }), failures: [], unreachable: null, now })[0].action;
  assert.deepEqual(["api", "signal", "PAUSED", "consume file"].map(action), ["resume", "resume", undefined, undefined]);
});

test("a host that is stuck, stopping or not there", () => {
  assert.match(said({ live: false, ready: false, remarks: ["the dispatcher stands still"] })[0], /^bad: This host is stuck\. the dispatcher stands still\. Restart/);
  assert.match(said({ phase: "draining", ready: false, in_hand: { processing: 3 } })[0], /^note: This host is stopping: it finishes 3 messages,/);
  const gone = said({}, { unreachable: { since: "2026-12-02T02:12:00Z", error: "no connection" } });
  assert.match(gone[0], /^bad: This host does not answer since 03:12: no connection\./);
  assert.match(headlines({ status: null, unreachable: { error: "no connection" }, failures: [], now })[0].text, /^This host cannot be reached: no connection/);
});

test("what makes a host not ready is said once", () => {
  assert.deepEqual(said({ ready: false, remarks: ["the service is not loaded"] }), ["warn: This host is not ready. the service is not loaded."]);
  assert.deepEqual(said({ remarks: ["The breaker is half open."] }), ["note: The breaker is half open.", "ok: All is well: nothing to do at the moment."]);
});

test("the worst comes first", () => {
  const all = said({ ...connection("lost"), paused: { reason: "", by: "api", since: "2026-12-02T02:00:00Z", until: null }, phase: "running", rates: { failed: 3, acknowledged: 1 } });
  assert.deepEqual(all.map((text) => text.split(":")[0]), ["bad", "warn", "warn"]);
});

test("a schedule whose last run failed", () => {
  const schedule = { running: 0, next: ["2026-12-02T02:35:00Z"], last_run: "2026-12-02T02:00:00Z", last_success: "2026-12-02T01:00:30Z", leads: null };
  assert.deepEqual(said({ queue: null, schedule }), ["bad: The run of 03:00 did not succeed; the last good one was at 02:00. The next is due in 5 min."]);
  assert.deepEqual(said({ queue: null, schedule: { ...schedule, last_success: "2026-12-02T02:00:09Z" } }), ["ok: All is well: the next run is due in 5 min."]);
});

test("all is well, and how much there is to do", () => {
  const flow = (acknowledged, ready) => said({ rates: { acknowledged }, queue: { depth: { ready } } })[0];
  assert.equal(flow(98.2, 1200), "ok: All is well: 98.2/s, 1,200 messages wait, about 13 s of work.");
  assert.equal(flow(98.2, 0), "ok: All is well: 98.2/s, and nothing waits.");
  assert.equal(flow(0, 1), "ok: All is well: idle, 1 message waits.");
});
