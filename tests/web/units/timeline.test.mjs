// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { eventsBetween, extend, firstEvents } from "../../../web/app/timeline.js";
import { statusWith } from "../support/status.mjs";

const texts = (events) => events.map(({ text }) => text);
const between = (change, before = {}) => texts(eventsBetween(statusWith(before), statusWith(change)));

test("at first sight, what is known of the past", () => {
  const paused = { reason: "", by: "signal", since: "2026-12-02T01:00:00Z", until: null };
  assert.deepEqual(texts(firstEvents(statusWith({ paused }))), ["Started, version 1.2.0", "Connected, receiving", "Paused by signal"]);
});

test("nothing happened between two equal looks", () => assert.deepEqual(between({}), []));

test("connections, pauses and phases are told when they change", () => {
  const lost = { queue: { connection: { state: "lost", reason: "connection refused", since: "2026-12-02T02:12:00Z" } } };
  assert.deepEqual(between(lost), ["RabbitMQ: Connection lost: connection refused"]);
  assert.equal(eventsBetween(statusWith(), statusWith(lost))[0].at, "2026-12-02T02:12:00Z");
  assert.deepEqual(between({}, lost), ["Connected, receiving"]);
  const paused = { paused: { reason: "night", by: "api", since: "2026-12-02T02:00:00Z", until: null } };
  assert.deepEqual(between(paused), ["Paused by api: night"]);
  assert.deepEqual(between({}, paused), ["Resumed"]);
  assert.deepEqual(between({ phase: "draining" }), ["Stopping: what is in hand is finished"]);
  assert.deepEqual(between({ live: false }), ["No longer alive"]);
  assert.deepEqual(between({ log_level: "DEBUG" }), ["Log level DEBUG"]);
});

test("what went wrong is counted", () => {
  assert.deepEqual(between({ totals: { dead_lettered: 2, crashes: 1 } }), ["2 messages became dead letters", "1 crash"]);
  assert.deepEqual(between({}, { queue: { depth: { dead_letters: 4 } } }), ["Dead letters from 4 to 0"]);
});

test("a restart is told as one, and not as what differs", () => {
  const restarted = { host: { started_at: "2026-12-02T02:29:00.000Z" } };
  assert.deepEqual(between(restarted, { totals: { dead_lettered: 2 } }), ["Connected, receiving", "Started, version 1.2.0"]);
});

test("a timeline is newest first, and does not grow for ever", () => {
  assert.deepEqual(extend([1], [2, 3]), [3, 2, 1]);
  assert.equal(extend(Array(500).fill(0), [1]).length, 200);
});
