// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { pathOf, timeTicks, valueTicks } from "../../../web/app/chart.js";
import { History } from "../../../web/app/history.js";

const answer = (fine, coarse) => ({ fields: ["at", "acknowledged", "p50_s"], fine: { step_s: 1, points: fine }, coarse: { step_s: 10, points: coarse } });

test("answers that overlap make one history", () => {
  const history = new History();
  assert.equal(history.path, "history");
  history.merge(answer([[101, 1, null], [102, 2, 0.1]], [[100, 30, 0.1]]));
  assert.equal(history.path, "history?since=100");
  history.merge(answer([[102, 5, 0.1], [103, 3, 0.2]], []));
  assert.deepEqual(history.columns("fine", ["acknowledged", "p50_s"]), [[101, 102, 103], [1, 5, 3], [null, 0.1, 0.2]]);
});

test("only as much is kept as is shown", () => {
  const history = new History();
  history.merge(answer(Array.from({ length: 500 }, (_, at) => [at, at, null]), []));
  assert.equal(history.fine.points.length, 300);
  assert.equal(history.fine.points[0][0], 200);
});

test("counts become rates, and a gap is no line", () => {
  const history = new History();
  history.merge(answer([], [[100, 30, 0.1], [200, 50, 0.1]]));
  assert.deepEqual(history.columns("coarse", ["acknowledged", "p50_s"], ["acknowledged"]), [[100, 110, 200], [3, null, 5], [0.1, null, 0.1]]);
});

test("axes have round marks that reach the highest value", () => {
  assert.deepEqual(valueTicks(95), [0, 50, 100]);
  assert.deepEqual(valueTicks(0.038), [0, 0.01, 0.02, 0.03, 0.04]);
  assert.deepEqual(valueTicks(3, { whole: true }), [0, 1, 2, 3]);
  assert.deepEqual(valueTicks(15 * 2 ** 20, { unit: 2 ** 20 }), [0, 5, 10, 15].map((mark) => mark * 2 ** 20));
  assert.deepEqual(valueTicks(0), [0, 1]);
  assert.deepEqual(timeTicks(1000, 1300, 5), [1020, 1080, 1140, 1200, 1260]);
});

test("a path lifts its pen where nothing is known", () => {
  assert.equal(pathOf([[0, 1], [1, 2], null, [3, 4]]), "M0.0 1.0L1.0 2.0M3.0 4.0h0");
  assert.equal(pathOf([[0, 1], [1, 2]], 9), "M0.0 1.0L1.0 2.0V9H0.0Z");
});
