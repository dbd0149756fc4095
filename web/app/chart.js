// SPDX-License-Identifier: MIT
import { html, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";
import { observable, useObservable } from "./observable.js";

const height = 148;
const box = { left: 58, right: 6, top: 6, bottom: 20 };
const floor = height - box.bottom;
const tickSpace = 74;

// The moment under the pointer, in Unix seconds: all charts show their values at it.
const pointed = observable(null);

const two = (value) => String(value).padStart(2, "0");

function clock(seconds, withSeconds) {
  const date = new Date(seconds * 1000);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${text}:${two(date.getSeconds())}` : text;
}

function useWidth(place) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setWidth(place.current.clientWidth);
    const observer = new ResizeObserver(measure);
    observer.observe(place.current);
    measure();
    return () => observer.disconnect();
  }, []);
  return width;
}

/** The index of the last time that is not after `at`; -1 where there is none. */
const indexAt = (times, at) => times.findLastIndex((time) => time <= at);

function lastKnown(column) {
  const at = column.findLastIndex((value) => value !== null);
  return at < 0 ? null : column[at];
}

/**
 * Lines over the last `spanS` seconds. `columns` are times in Unix seconds and a column for each of `series`, which are
 * `{label, color, fill}`, with a colour of the style sheet. `format` writes a value; `axis` is for `valueTicks`. Below the
 * lines are the values under the pointer, or the latest.
 */
export function Chart({ title, columns, series, format, spanS, axis }) {
  const place = useRef(null);
  const width = useWidth(place);
  const moment = useObservable(pointed);
  const [times, ...values] = columns;
  const index = moment === null ? -1 : indexAt(times, moment);
  const shown = values.map((column) => (index < 0 ? lastKnown(column) : column[index]));
  const text = series.map(({ label }, at) => `${label} ${format(shown[at])}`).join(", ");

  const to = times.at(-1) ?? 0;
  const x = (at) => box.left + ((at - (to - spanS)) / spanS) * (width - box.left - box.right);
  const point = ({ offsetX }) => pointed.set(to + ((offsetX - width + box.right) / (width - box.left - box.right)) * spanS);
  const drawn = width > 0 && times.length > 0;
  return html`
    <figure class="chart">
      <figcaption>${title}<span class="at">${index < 0 ? "" : clock(times[index], true)}</span></figcaption>
      <div class="plot" ref=${place} role="img" aria-label=${`${title}: ${text}`} onPointerMove=${point} onPointerLeave=${() => pointed.set(null)}>
        <svg width=${width} height=${height} aria-hidden="true">
          ${drawn && html`<${Drawing} ...${{ times, values, series, format, axis, width, x, to, spanS }} />`}
          ${drawn && index >= 0 && html`<line class="cursor" x1=${x(times[index])} x2=${x(times[index])} y1=${box.top} y2=${floor} />`}
        </svg>
      </div>
      <ul class="legend" aria-hidden="true">
        ${series.map(({ label, color }, at) => html`<li key=${label}><i class=${`swatch ${color}`}></i>${label} <b>${format(shown[at])}</b></li>`)}
      </ul>
    </figure>`;
}

function Drawing({ times, values, series, format, axis, width, x, to, spanS }) {
  const from = to - spanS;
  const seen = times.map((at) => at >= from);
  const high = Math.max(0, ...values.flat().filter((value, at) => value !== null && seen[at % times.length]));
  const marks = valueTicks(high, axis);
  const y = (value) => floor - (value / marks.at(-1)) * (floor - box.top);
  const points = (column) => column.map((value, at) => (value === null || !seen[at] ? null : [x(times[at]), y(value)]));
  return html`
    <g class="grid">
      ${marks.map((mark) => html`
        <g key=${`y${mark}`}><line x1=${box.left} x2=${width - box.right} y1=${y(mark)} y2=${y(mark)} />
        <text x=${box.left - 8} y=${y(mark) + 4} text-anchor="end">${format(mark)}</text></g>`)}
      ${timeTicks(from, to, (width - box.left) / tickSpace).map((mark) => html`
        <text key=${`x${mark}`} x=${x(mark)} y=${height - 4} text-anchor="middle">${clock(mark, mark % 60 !== 0)}</text>`)}
    </g>
    ${series.map(({ label, color, fill }, at) => html`
      <g key=${label} class=${color}>
        ${fill && html`<path class="area" d=${pathOf(points(values[at]), floor)} />`}
        ${values[at].some(Boolean) && html`<path class="line" d=${pathOf(points(values[at]))} />`}
      </g>`)}`;
}

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
