// SPDX-License-Identifier: MIT

// Identifiers differ in every message and say nothing about why it failed.
const identifier = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** An error without what differs from message to message: "no such customer 4711" → "no such customer #". */
export const errorKind = (error) => error.replace(identifier, "#").replace(/\d+/g, "#");

/** Letters or failures by reason and kind of error, the largest group first: `[{key, reason, error, items}]`. */
export function groupByError(items) {
  const groups = new Map();
  for (const item of items) {
    const error = errorKind(item.error ?? "");
    const key = `${item.reason}\n${error}`;
    if (!groups.has(key)) groups.set(key, { key, reason: item.reason, error, items: [] });
    groups.get(key).items.push(item);
  }
  return [...groups.values()].sort((a, b) => b.items.length - a.items.length);
}

/**
 * Letters that match all of the filter: `text` within error, message, queue or id, whatever its case; `reason`; `group`, a
 * key of `groupByError`; `minAgeS` since they failed last.
 */
export function filterLetters(items, { text = "", reason = "", group = "", minAgeS = 0 }, now) {
  const wanted = text.trim().toLowerCase();
  return items.filter((item) => {
    if (reason && item.reason !== reason) return false;
    if (group && `${item.reason}\n${errorKind(item.error ?? "")}` !== group) return false;
    if (minAgeS && !(now - Date.parse(item.last_failed_at) >= minAgeS * 1000)) return false;
    const searched = [item.error, item.message, item.id, item.original_queue, item.reason];
    return !wanted || searched.some((field) => String(field ?? "").toLowerCase().includes(wanted));
  });
}
