// SPDX-License-Identifier: MIT

/** `base` with what `change` says, down to the leaves. */
export function merged(base, change) {
  const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  if (!plain(base) || !plain(change)) return change;
  const out = { ...base };
  for (const [key, value] of Object.entries(change)) out[key] = key in base ? merged(base[key], value) : value;
  return out;
}

const calm = {
  service: { name: "OrderServiceProcessor", language: "library", scheduled: false },
  host: { instance: "web1-4711", version: "1.2.0", started_at: "2026-12-02T00:00:00.000Z", now: "2026-12-02T02:30:00.000Z" },
  phase: "running", ready: true, live: true, remarks: [],
  queue: {
    name: "orders", system: "rabbitmq",
    connection: { state: "consuming", reason: "", since: "2026-12-02T00:00:01.000Z", reconnects: 0 },
    depth: { ready: 0, in_hand: 0, retry: 0, dead_letters: 0, at: "2026-12-02T02:29:50.000Z" },
  },
  paused: null, workers: 4,
  in_hand: { waiting: 0, processing: 0, settling: 0, busy_workers: 0, oldest_s: 0, prefetch: 64 },
  totals: { consumed: 0, acknowledged: 0, retried: 0, dead_lettered: 0, dropped: 0, crashes: 0, process_timeouts: 0 },
  rates: { acknowledged: 0, failed: 0, p50_s: null, p99_s: null },
  schedule: null, log_level: "INFO",
  capabilities: { pause: true, dead_letters: true, read_only: false },
};

/** The status of a host that has nothing to do, at half past two in UTC, with a change. */
export const statusWith = (change = {}) => merged(calm, change);

export const now = Date.parse(calm.host.now);
