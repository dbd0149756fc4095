// SPDX-License-Identifier: MIT
import { brief, count, moment, plural, rate, systemName } from "./words.js";

/** What a host of the fleet is at: `{level, word}`. */
export function stateOf({ reachable, status }) {
  if (!reachable || !status) return { level: "bad", word: "vanished" };
  const connection = status.queue?.connection?.state;
  if (!status.live) return { level: "bad", word: "stuck" };
  if (status.phase === "draining") return { level: "note", word: "stopping" };
  if (connection === "lost" || connection === "blocked") return { level: "bad", word: connection };
  if (status.paused) return { level: "warn", word: "paused" };
  if (status.phase === "starting" || connection === "connecting") return { level: "note", word: "starting" };
  if (!status.ready) return { level: "warn", word: "not ready" };
  return { level: "ok", word: "running" };
}

const sum = (statuses, value) => statuses.reduce((total, status) => total + (value(status) ?? 0), 0);

// Every host asks the same queue, so that adding up what they say would count each message many times.
function most(statuses, field) {
  const values = statuses.map((status) => status.queue?.depth?.[field]).filter((value) => typeof value === "number");
  return values.length ? Math.max(...values) : null;
}

/** Hosts by service and queue, by name. */
export function groupHosts(hosts) {
  const groups = new Map();
  for (const host of hosts) {
    const service = host.status?.service.name ?? "Never seen";
    const queue = host.status?.queue?.name ?? null;
    const key = `${service}\n${queue ?? ""}`;
    if (!groups.has(key)) groups.set(key, { key, service, queue, hosts: [] });
    groups.get(key).hosts.push(host);
  }
  return [...groups.values()].map(summed).sort((a, b) => a.key.localeCompare(b.key));
}

function summed(group) {
  const alive = group.hosts.filter(({ reachable, status }) => reachable && status);
  const statuses = alive.map(({ status }) => status);
  const steered = alive.filter(({ status: { capabilities } }) => capabilities.pause && !capabilities.read_only);
  return {
    ...group,
    hosts: [...group.hosts].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })),
    alive,
    steered,
    acknowledged: sum(statuses, ({ rates }) => rates.acknowledged),
    failed: sum(statuses, ({ rates }) => rates.failed),
    busy: sum(statuses, ({ in_hand }) => in_hand.busy_workers),
    workers: sum(statuses, ({ workers }) => workers),
    paused: statuses.filter(({ paused }) => paused).length,
    ready: most(statuses, "ready"),
    retry: most(statuses, "retry"),
    dead: most(statuses, "dead_letters"),
    versions: versionsOf(statuses),
  };
}

/** `[[version, how many hosts]]`, the most frequent first. */
function versionsOf(statuses) {
  const versions = new Map();
  for (const { host } of statuses) versions.set(host.version, (versions.get(host.version) ?? 0) + 1);
  return [...versions].sort((a, b) => b[1] - a[1]);
}

/** How a group is called. */
export const nameOf = ({ service, queue }) => queue ?? service;

/**
 * What an operator has to know of the fleet, the worst first: `[{level, text, group}]`; `group` is set where its dead letters
 * are to be looked at.
 */
export function fleetHeadlines(groups, now) {
  const found = groups.flatMap((group) => [gone(group, now), lost(group, now), stuck(group), dead(group), paused(group), mixed(group)]);
  const order = ["bad", "warn", "note"];
  const items = found.filter(Boolean).sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  if (items.some(({ level }) => level !== "note")) return items;
  const hosts = sum(groups, ({ hosts: { length } }) => length);
  if (!hosts) return [{ level: "warn", text: "No host was found yet. DASHBOARD_HOSTS says where to look." }];
  const speed = sum(groups, ({ acknowledged }) => acknowledged);
  return [...items, { level: "ok", text: `All is well: ${plural(hosts, "host")}, ${rate(speed)}.` }];
}

function gone(group, now) {
  const hosts = group.hosts.filter((host) => !group.alive.includes(host));
  if (!hosts.length) return null;
  const seen = hosts.map(({ last_seen }) => last_seen).filter(Boolean).sort().at(-1);
  const since = seen ? ` since ${moment(seen, now)}` : "";
  if (!group.alive.length) {
    const error = hosts[0].error ? ` (${brief(hosts[0].error)})` : "";
    const which = hosts.length === 1 ? "its only host does not answer" : `none of its ${count(hosts.length)} hosts answers`;
    return { level: "bad", text: `${nameOf(group)}: ${which}${since}${error}. Messages wait in the queue.` };
  }
  const text = `${nameOf(group)}: ${count(hosts.length)} of ${plural(group.hosts.length, "host")} ` +
    `${hosts.length === 1 ? "does" : "do"} not answer${since}. After a rollout or with fewer replicas that is as it should be.`;
  return { level: "warn", text };
}

function lost(group, now) {
  const cut = group.alive.filter(({ status }) => ["lost", "blocked"].includes(status.queue?.connection?.state));
  if (!cut.length) return null;
  const { system, connection } = cut[0].status.queue;
  const which = cut.length === group.alive.length ? "" : ` by ${count(cut.length)} of ${plural(group.alive.length, "host")}`;
  const why = connection.reason ? `: ${brief(connection.reason)}` : "";
  const what = connection.state === "lost" ? `cannot be reached${which}` : "takes nothing";
  const text = `${nameOf(group)}: ${systemName(system)} ${what} since ${moment(connection.since, now)}${why}. ` +
    "Messages wait in the queue; nothing is lost.";
  return { level: "bad", text };
}

function stuck(group) {
  const hosts = group.alive.filter(({ status }) => !status.live).map(({ name }) => name);
  if (!hosts.length) return null;
  return { level: "bad", text: `${nameOf(group)}: ${brief(hosts.join(", "))} ${hosts.length === 1 ? "is" : "are"} stuck. Restart what is not restarted by itself.` };
}

function dead(group) {
  if (!group.dead) return null;
  return { level: "bad", text: `${nameOf(group)}: ${plural(group.dead, "dead letter")}.`, group };
}

function paused(group) {
  if (!group.paused) return null;
  const which = group.paused === group.alive.length ? "" : `${count(group.paused)} of ${plural(group.alive.length, "host")} `;
  return { level: "warn", text: `${nameOf(group)}: ${which}paused.` };
}

function mixed(group) {
  if (group.versions.length < 2) return null;
  const versions = group.versions.map(([version, hosts]) => `${version} on ${plural(hosts, "host")}`).join(", ");
  return { level: "note", text: `${nameOf(group)}: mixed versions: ${versions}.` };
}
