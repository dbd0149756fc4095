// SPDX-License-Identifier: MIT

/** Marks of a value axis from 0 to at least `high`: about four, at round numbers; `unit` 1 for counts, 2**20 for bytes. */
export function valueTicks(high, { unit = 1, whole = false } = {}) {
  if (!(high > 0)) return [0, whole ? 1 : unit];
  const rough = high / unit / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  if (whole) step = Math.max(1, step);
  const ticks = [];
  for (let index = 0; ticks.length < 2 || ticks.at(-1) < high; ++index) ticks.push(index * step * unit);
  return ticks;
}

const stepsS = [30, 60, 120, 300, 600, 900, 1800, 3600];

/** Marks of a time axis, in Unix seconds, at round times; at most `most` of them. */
export function timeTicks(from, to, most) {
  const step = stepsS.find((seconds) => (to - from) / seconds <= Math.max(1, most)) ?? stepsS.at(-1);
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** An SVG path through points `[x, y]`; `null` lifts the pen. `floor`: the area down to there, where one is wanted. */
export function pathOf(points, floor = null) {
  let path = "";
  let run = [];
  const end = () => {
    if (!run.length) return;
    // A single point is a line as long as nothing, which round caps make visible.
    path += `M${run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
    if (run.length === 1) path += "h0";
    if (floor !== null) path += `V${floor}H${run[0][0].toFixed(1)}Z`;
    run = [];
  };
  for (const point of points) {
    if (point === null) end();
    else run.push(point);
  }
  end();
  return path;
}
