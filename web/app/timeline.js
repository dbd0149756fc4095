// SPDX-License-Identifier: MIT
import { brief, count, plural, systemName } from "./words.js";

const keep = 200;

/** Adds events to a timeline, the newest first. */
export const extend = (timeline, events) => [...events.reverse(), ...timeline].slice(0, keep);

/** What is known of the past at first sight: `[{at, level, text}]`, oldest first. */
export function firstEvents(status) {
  const events = [{ at: status.host.started_at, level: "note", text: `Started, version ${status.host.version}` }];
  const connection = status.queue?.connection;
  if (connection) events.push(connectionEvent(status));
  if (status.paused) events.push(pauseEvent(status.paused));
  return events.sort((a, b) => new Date(a.at) - new Date(b.at));
}

/** What happened between two looks at a host. */
export function eventsBetween(before, after) {
  if (before.host.started_at !== after.host.started_at || before.host.instance !== after.host.instance) {
    return firstEvents(after);
  }
  const now = after.host.now;
  const events = [];
  const add = (level, text, at = now) => events.push({ at, level, text });

  const [old, connection] = [before.queue?.connection, after.queue?.connection];
  if (connection && (old?.state !== connection.state || old.since !== connection.since)) events.push(connectionEvent(after));
  if (after.paused && before.paused?.since !== after.paused.since) events.push(pauseEvent(after.paused));
  if (before.paused && !after.paused) add("ok", "Resumed");
  if (before.phase !== after.phase && after.phase === "draining") add("warn", "Stopping: what is in hand is finished");
  if (before.ready !== after.ready && after.ready) add("ok", "Ready");
  if (before.live !== after.live) add(after.live ? "ok" : "bad", after.live ? "Alive again" : "No longer alive");
  if (before.log_level !== after.log_level) add("note", `Log level ${after.log_level}`);

  const grown = (name) => after.totals[name] - before.totals[name];
  if (grown("dead_lettered") > 0) add("bad", `${plural(grown("dead_lettered"), "message")} became dead letters`);
  if (grown("dropped") > 0) add("bad", `${plural(grown("dropped"), "message")} dropped`);
  if (grown("crashes") > 0) add("bad", plural(grown("crashes"), "crash", "crashes"));
  if (grown("process_timeouts") > 0) add("warn", `${plural(grown("process_timeouts"), "call")} took too long`);
  const [deadBefore, deadNow] = [before.queue?.depth?.dead_letters, after.queue?.depth?.dead_letters];
  if (deadBefore > deadNow) add("ok", `Dead letters from ${count(deadBefore)} to ${count(deadNow)}`);
  return events;
}

const states = {
  consuming: ["ok", "Connected, receiving"],
  connecting: ["note", "Connecting"],
  paused: ["warn", "No longer receiving"],
  blocked: ["bad", "The queue takes nothing for now"],
  lost: ["bad", "Connection lost"],
};

function connectionEvent(status) {
  const { state, reason, since } = status.queue.connection;
  const [level, text] = states[state] ?? ["note", state];
  return { at: since, level, text: reason ? `${systemName(status.queue.system)}: ${text}: ${brief(reason)}` : text };
}

function pauseEvent(paused) {
  const why = paused.reason ? `: ${brief(paused.reason)}` : "";
  return { at: paused.since, level: "warn", text: `Paused by ${paused.by}${why}` };
}
