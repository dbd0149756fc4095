// SPDX-License-Identifier: MIT
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { Api } from "../app/api.js";
import { fleetHeadlines, groupHosts, nameOf, stateOf } from "../app/fleet_groups.js";
import { openHelp, useKeys } from "../app/keys.js";
import { say } from "../app/notices.js";
import { Announcement, Badge, Head, PageTitle, Time } from "../app/parts.js";
import { askPause } from "../app/pause.js";
import { poll } from "../app/poll.js";
import { baseOf, go, pageOf } from "../app/router.js";
import { HeaderButtons } from "../app/shell.js";
import { count, duration, moment, plural, rate } from "../app/words.js";

const intervalMs = 2000;

function useFleet(api) {
  const [state, setState] = useState({ fleet: null, lost: null, again() {} });
  useEffect(() => {
    const polling = poll(async () => {
      try {
        const fleet = await api.get("fleet");
        setState((old) => ({ ...old, fleet, lost: null }));
      } catch (error) {
        setState((old) => ({ ...old, lost: old.lost ?? { since: new Date(), error } }));
      }
    }, intervalMs);
    setState((old) => ({ ...old, again: polling.again }));
    return polling.stop;
  }, [api]);
  return state;
}

/** All hosts, by what they work on. */
export function Fleet({ api }) {
  const { fleet, lost, again } = useFleet(api);
  const [text, setText] = useState("");
  const search = useRef(null);
  useKeys([
    { key: "/", text: "Search hosts", run: () => search.current?.focus() },
    { key: "t", text: "Light or dark", run: () => theme.toggle() },
    { key: "?", text: "This help", run: openHelp },
  ]);
  const groups = useMemo(() => groupHosts(fleet?.hosts ?? []), [fleet]);
  const now = fleet ? new Date(fleet.now).getTime() : Date.now();
  const wanted = text.trim().toLowerCase();
  const matches = (host) => [host.name, host.address, host.status?.host.instance, host.status?.service.name, host.status?.queue?.name]
    .some((field) => String(field ?? "").toLowerCase().includes(wanted));
  const shown = groups.map((group) => ({ ...group, visible: group.hosts.filter(matches) })).filter(({ visible }) => visible.length);
  return html`
    <header class="top"><p class="name"><b>Fleet</b></p><${HeaderButtons} /></header>
    <main id="main" class=${lost ? "stale" : ""}>
      <${Headlines} lost=${lost} groups=${groups} loaded=${fleet !== null} now=${now} />
      <${PageTitle} aside=${html`<input ref=${search} type="search" aria-label="Search hosts" placeholder="Search hosts" value=${text} onInput=${(event) => setText(event.target.value)} />`}>
        ${plural(fleet?.hosts.length ?? 0, "host")}
      <//>
      ${shown.map((group) => html`<${Group} key=${group.key} group=${group} now=${now} again=${again} />`)}
    </main>`;
}

function Headlines({ lost, groups, loaded, now }) {
  const items = loaded ? fleetHeadlines(groups, now) : [{ level: "note", text: "Asking the dashboard…" }];
  if (lost) items.unshift({ level: "bad", text: `The dashboard does not answer since ${moment(lost.since)}: ${lost.error.message}. What is shown is how it was then.` });
  useEffect(() => {
    document.title = `${{ bad: "✖ ", warn: "▲ " }[items[0].level] ?? ""}Fleet`;
  }, [items[0].level]);
  return html`
    <section class="headlines" aria-label="State">
      <${Announcement} ...${items[0]} />
      ${items.map((item, index) => html`
        <div key=${item.text} class=${`${index ? "also" : "headline"} ${item.level}`}>
          <p>${item.text}</p>
          ${item.group && html`<button onClick=${() => showLettersOf(item.group)}>Show them</button>`}
        </div>`)}
    </section>`;
}

// All hosts of a group share the queue, so that any that answers will do.
const showLettersOf = ({ alive }) => go(pageOf(baseOf(alive[0].key), "dead-letters"));

function Group({ group, now, again }) {
  const { versions, visible } = group;
  return html`
    <section class="panel fleet-group" aria-label=${nameOf(group)}>
      <header>
        <h2>${group.queue ?? group.service} ${group.queue && html`<small>${group.service}</small>`}</h2>
        ${versions.length > 1 && html`<${Badge} level="warn">mixed versions<//>`}
        <${GroupButtons} group=${group} again=${again} />
      </header>
      <${Sums} group=${group} />
      <table class="hosts">
        <caption class="hidden">Hosts of ${nameOf(group)}</caption>
        <${Head} columns=${[
          "Host", "State", ["Acked", "num"], ["Failed", "num wide"],
          ["p99", "num wide"], ["Busy", "num"], ["Version", "wide"], ["Up for", "num wide"],
        ]} />
        <tbody>${visible.map((host) => html`<${HostRow} key=${host.key} host=${host} usual=${versions[0]?.[0]} now=${now} />`)}</tbody>
      </table>
    </section>`;
}

function Sums({ group }) {
  const items = [
    ["Hosts", group.alive.length === group.hosts.length ? count(group.hosts.length) : `${count(group.alive.length)} of ${count(group.hosts.length)}`],
    ["Acknowledged", rate(group.acknowledged)],
    ["Failed", rate(group.failed)],
    ["Busy", `${count(group.busy)} of ${count(group.workers)}`],
    ...(group.queue ? [["Wait", count(group.ready)], ["Retry", count(group.retry)], ["Dead", count(group.dead), group.dead ? "bad" : ""]] : []),
  ];
  return html`<dl class="sums">${items.map(([name, value, level]) => html`<div key=${name}><dt>${name}</dt><dd class=${level ?? ""}>${value}</dd></div>`)}</dl>`;
}

function HostRow({ host, usual, now }) {
  const { level, word } = stateOf(host);
  const { status, reachable } = host;
  const state = html`<i class=${`dot ${level}`}></i>${word}${reachable ? "" : html` <small>last seen <${Time} at=${host.last_seen} now=${now} /></small>`}`;
  const link = html`<a href=${pageOf(baseOf(host.key), "overview")} title=${host.address}>${status?.host.instance ?? host.name}</a>`;
  if (!reachable || !status) {
    return html`<tr class="gone"><td>${link}</td><td>${state}</td><td class="wide" colspan="6">${host.error}</td><td class="narrow" colspan="2"></td></tr>`;
  }
  const { rates, in_hand, workers, host: { version, uptime_s } } = status;
  return html`
    <tr>
      <td>${link}</td><td>${state}</td>
      <td class="num">${rate(rates.acknowledged)}</td><td class="num wide">${rate(rates.failed)}</td>
      <td class="num wide">${duration(rates.p99_s)}</td><td class="num">${in_hand.busy_workers}/${workers}</td>
      <td class="wide">${version === usual ? version : html`<${Badge} level="warn">${version}<//>`}</td>
      <td class="num wide">${duration(uptime_s)}</td>
    </tr>`;
}

function GroupButtons({ group, again }) {
  const { steered, paused } = group;
  if (!steered.length) return html`<${Badge}>Read-only<//>`;
  const pauseAll = () => askPause(`Pause ${plural(steered.length, "host")} of ${nameOf(group)}?`, (body) => onEach(steered, "pause", body, "paused", again));
  const resumeAll = () => onEach(steered.filter(({ status }) => status.paused), "resume", {}, "resumed", again);
  const pause = `Pause ${paused ? "the others" : "all"}`;
  return html`
    <span class="buttons">
      ${paused < steered.length && html`<button aria-label=${`${pause} of ${nameOf(group)}`} onClick=${pauseAll}>${pause}</button>`}
      ${paused > 0 && html`<button aria-label=${`Resume ${count(paused)} of ${nameOf(group)}`} onClick=${resumeAll}>Resume ${count(paused)}</button>`}
    </span>`;
}

async function onEach(hosts, path, body, done, again) {
  const results = await Promise.allSettled(hosts.map(({ key }) => new Api(`api/v1/hosts/${encodeURIComponent(key)}/`).post(path, body)));
  const refused = results.filter(({ status }) => status === "rejected");
  const well = `${plural(hosts.length - refused.length, "host")} ${done}`;
  if (refused.length) say(`${well}; ${count(refused.length)} not: ${refused[0].reason.message}`, "bad");
  else say(`${well}.`);
  again();
}
