// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { fleetHeadlines, groupHosts, stateOf } from "../../../web/app/fleet_groups.js";
import { now, statusWith } from "../support/status.mjs";

process.env.TZ = "Europe/Berlin";

let keys = 0;
const host = (change = {}, more = {}) => ({
  key: `k${++keys}`, name: `orders-${keys}`, address: "http://10.0.0.7:9464", reachable: true, last_seen: "2026-12-02T02:29:58Z", error: "",
  status: statusWith(change), ...more,
});
const gone = (change) => host(change, { reachable: false, last_seen: "2026-12-02T02:12:00Z", error: "connection refused" });
const said = (hosts) => fleetHeadlines(groupHosts(hosts), now).map(({ level, text }) => `${level}: ${text}`);

test("rates add up, and depths do not, as all hosts ask the same queue", () => {
  const one = (acknowledged, ready) => host({ rates: { acknowledged }, queue: { depth: { ready, dead_letters: 4 } } });
  const [group] = groupHosts([one(10, 7), one(5, 9), gone({ rates: { acknowledged: 100 } })]);
  assert.deepEqual([group.acknowledged, group.ready, group.dead, group.alive.length], [15, 9, 4, 2]);
});

test("hosts are grouped by service and queue", () => {
  const groups = groupHosts([host(), host({ queue: { name: "mails" } }), host({ queue: null }), host()]);
  assert.deepEqual(groups.map(({ queue, hosts }) => [queue, hosts.length]), [[null, 1], ["mails", 1], ["orders", 2]]);
});

test("a host that was never seen has a group, too", () => {
  const [group] = groupHosts([host({}, { status: null, reachable: false })]);
  assert.equal(group.service, "Never seen");
  assert.equal(stateOf(group.hosts[0]).word, "vanished");
});

test("states, the worst that holds", () => {
  const word = (change) => stateOf(host(change)).word;
  assert.equal(word({}), "running");
  assert.equal(word({ paused: { by: "api" } }), "paused");
  assert.equal(word({ queue: { connection: { state: "lost" } }, ready: false }), "lost");
  assert.equal(word({ live: false }), "stuck");
  assert.equal(word({ phase: "draining", ready: false }), "stopping");
  assert.equal(word({ ready: false }), "not ready");
});

test("what is wrong in a fleet", () => {
  assert.deepEqual(said([host(), host({ rates: { acknowledged: 12 } })]), ["ok: All is well: 2 hosts, 12/s."]);
  assert.deepEqual(said([host({ queue: { depth: { dead_letters: 4 } } })]), ["bad: orders: 4 dead letters."]);
  assert.match(said([host(), gone()])[0], /^warn: orders: 1 of 2 hosts does not answer since 03:12\./);
  assert.match(said([gone(), gone()])[0], /^bad: orders: none of its 2 hosts answers since 03:12 \(connection refused\)\. Messages wait/);
  assert.match(said([host(), host({ host: { version: "1.1.0" } })])[0], /^note: orders: mixed versions: 1\.2\.0 on 1 host, 1\.1\.0 on 1 host\./);
  assert.match(said([host(), host({ paused: { by: "api" } })])[0], /^warn: orders: 1 of 2 hosts paused\./);
  assert.match(said([host({ live: false })])[0], /is stuck\./);
  const cut = { queue: { connection: { state: "lost", reason: "connection refused", since: "2026-12-02T02:12:00Z" } } };
  assert.match(said([host(), host(cut)])[0], /^bad: orders: RabbitMQ cannot be reached by 1 of 2 hosts since 03:12: connection refused\./);
  assert.match(said([])[0], /DASHBOARD_HOSTS/);
});
