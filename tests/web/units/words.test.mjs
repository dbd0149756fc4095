// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { brief, bytes, count, distance, duration, moment, momentWithSeconds, number, plural } from "../../../web/app/words.js";

const table = (write, rows) => rows.forEach(([value, text]) => assert.equal(write(value), text));

test("numbers have three digits, and what is unknown is a dash", () => {
  table(number, [[0, "0"], [0.123, "0.12"], [9.999, "10.00"], [98.24, "98.2"], [1234.5, "1,235"], [null, "–"], [undefined, "–"]]);
  table(count, [[0, "0"], [1_234_567, "1,234,567"], [null, "–"]]);
});

test("durations are in the unit that suits", () => {
  table(duration, [
    [0, "0 s"], [0.000012, "12 µs"], [0.002, "2 ms"], [0.0305, "30.5 ms"], [3.2, "3.20 s"], [59.9, "59 s"], [60, "1 min"],
    [75, "1 min 15 s"], [3600, "1 h"], [3725, "1 h 2 min"], [90_000, "1 d 1 h"], [-5, "−5 s"], [null, "–"],
  ]);
});

test("sizes are in binary units", () => table(bytes, [[0, "0 B"], [1023, "1,023 B"], [1536, "1.50 KiB"], [15_000_000, "14.3 MiB"], [null, "–"]]));

test("one message is not 1 messages", () => {
  assert.equal(plural(1, "message"), "1 message");
  assert.equal(plural(0, "message"), "0 messages");
  assert.equal(plural(2, "crash", "crashes"), "2 crashes");
});

test("moments of another day name the day", () => {
  const now = new Date(2026, 11, 2, 3, 12, 9).getTime();
  assert.equal(moment(new Date(2026, 11, 2, 3, 2).toISOString(), now), "03:02");
  assert.equal(momentWithSeconds(new Date(2026, 11, 2, 3, 2, 1).toISOString(), now), "03:02:01");
  assert.equal(moment(new Date(2026, 11, 1, 23, 59).toISOString(), now), "Tue 1 Dec 23:59");
  assert.equal(moment(null, now), "–");
});

test("distances say which way", () => {
  assert.equal(distance("2026-12-02T03:00:46Z", Date.parse("2026-12-02T03:00:00Z")), "in 46 s");
  assert.equal(distance("2026-12-02T02:55:00Z", Date.parse("2026-12-02T03:00:00Z")), "5 min ago");
  assert.equal(distance("2026-12-02T03:00:00.300Z", Date.parse("2026-12-02T03:00:00Z")), "now");
});

test("long errors are shortened to one line", () => {
  assert.equal(brief("a\n  b\tc"), "a b c");
  assert.equal(brief("x".repeat(200), 10), `${"x".repeat(9)}…`);
});
