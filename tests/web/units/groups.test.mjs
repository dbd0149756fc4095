// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { errorKind, filterLetters, groupByError } from "../../../web/app/groups.js";

const now = Date.parse("2026-12-02T03:12:00Z");
const letters = [
  { id: "a", message: "m1", original_queue: "orders", reason: "permanent", error: "no such customer 1", last_failed_at: "2026-12-02T03:11:00Z" },
  { id: "b", message: "m2", original_queue: "orders", reason: "permanent", error: "no such customer 22", last_failed_at: "2026-12-02T01:00:00Z" },
  { id: "c", message: "m3", original_queue: "mails", reason: "max_attempts", error: "no such customer 3", last_failed_at: null },
];
const ids = (filter) => filterLetters(letters, filter, now).map(({ id }) => id);

test("what differs from message to message is no part of an error's kind", () => {
  assert.equal(errorKind("no such customer 4711"), "no such customer #");
  assert.equal(errorKind("order 6F9619FF-8B86-D011-B42D-00C04FC964FF: HTTP 503"), "order #: HTTP #");
});

test("groups are by reason and kind of error, the largest first", () => {
  const groups = groupByError(letters).map(({ reason, error, items }) => [reason, error, items.length]);
  assert.deepEqual(groups, [["permanent", "no such customer #", 2], ["max_attempts", "no such customer #", 1]]);
});

test("a filter asks for all of its parts", () => {
  assert.deepEqual(ids({}), ["a", "b", "c"]);
  assert.deepEqual(ids({ text: " CUSTOMER 2" }), ["b"]);
  assert.deepEqual(ids({ text: "mails" }), ["c"]);
  assert.deepEqual(ids({ reason: "permanent", text: "m1" }), ["a"]);
  assert.deepEqual(ids({ reason: "max_attempts", text: "m1" }), []);
  assert.deepEqual(ids({ group: groupByError(letters)[0].key }), ["a", "b"]);
});

test("a letter of unknown age is not old", () => assert.deepEqual(ids({ minAgeS: 3600 }), ["b"]));
