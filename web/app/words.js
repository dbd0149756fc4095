// SPDX-License-Identifier: MIT
// How numbers, times and names read. `null` and `undefined`, what is not known, read as a dash.

const dash = "–";
const known = (value) => value !== null && value !== undefined;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 1234 → "1,234". */
export const count = (value) => (known(value) ? whole.format(value) : dash);

/** 1, "message" → "1 message"; 3 → "3 messages". */
export const plural = (value, noun, nouns = `${noun}s`) => `${count(value)} ${value === 1 ? noun : nouns}`;

/** Three digits: 0.123 → "0.12", 98.24 → "98.2", 1234.5 → "1,235". */
export function number(value) {
  if (!known(value)) return dash;
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return whole.format(value);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** Per second. */
export const rate = (value) => (known(value) ? `${number(value)}/s` : dash);

/** Seconds, in the unit that suits: 0.002 → "2 ms", 75 → "1 min 15 s", 90000 → "1 d 1 h". */
export function duration(seconds) {
  if (!known(seconds)) return dash;
  if (seconds < 0) return `−${duration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${number(seconds * 1e6)} µs`;
  if (seconds < 1) return `${number(seconds * 1e3)} ms`;
  if (seconds < 60) return `${seconds < 10 ? number(seconds) : Math.floor(seconds)} s`;
  if (seconds < 3600) return parts(seconds, 60, "min", 1, "s");
  if (seconds < 86400) return parts(seconds, 3600, "h", 60, "min");
  return parts(seconds, 86400, "d", 3600, "h");
}

function parts(seconds, large, largeName, small, smallName) {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}` + (rest ? ` ${rest} ${smallName}` : "");
}

/** 15000000 → "14.3 MiB". */
export function bytes(value) {
  if (!known(value)) return dash;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${number(value)} ${units[unit]}`;
}

const two = (value) => String(value).padStart(2, "0");
const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
const sameDay = (a, b) => a.toDateString() === b.toDateString();

/** A day that is not `now`'s: "Tue 1 Dec". */
function day(date) {
  return new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" }).format(date).replace(",", "");
}

/** A moment, as the operator's clock shows it: "03:12", or "Tue 1 Dec 03:12" on another day. */
export function moment(time, now = Date.now()) {
  if (!known(time)) return dash;
  const date = new Date(time);
  return sameDay(date, new Date(now)) ? clock(date) : `${day(date)} ${clock(date)}`;
}

/** The same with seconds. */
export function momentWithSeconds(time, now = Date.now()) {
  return known(time) ? `${moment(time, now)}:${two(new Date(time).getSeconds())}` : dash;
}

/** "in 5 min" or "5 min ago", from the host's `now`. */
export function distance(time, now) {
  if (!known(time)) return dash;
  const seconds = Math.round((new Date(time) - now) / 1000);
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
}

const systems = {
  rabbitmq: "RabbitMQ",
  aws_sqs: "Amazon SQS",
  sqlite: "The embedded queue",
};

/** How people call the queue's system. */
export const systemName = (system) => systems[system] ?? system ?? "The queue";

/** Texts of errors may be long and have many lines; in a sentence, their beginning is enough. */
export function brief(text, limit = 120) {
  const line = String(text ?? "").replace(/\s+/g, " ").trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}
