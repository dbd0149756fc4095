// SPDX-License-Identifier: MIT
import { html, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { filterLetters, groupByError } from "../app/groups.js";
import { useKeys } from "../app/keys.js";
import { remove, requeue } from "../app/letters.js";
import { useObservable } from "../app/observable.js";
import { Badge, Empty, PageTitle, Problem, Time } from "../app/parts.js";
import { pageOf } from "../app/router.js";
import { useHost } from "../app/watch.js";
import { brief, bytes, count, distance, plural } from "../app/words.js";
import { Letter } from "./letter.js";

const ages = [
  ["0", "of any age"],
  ["600", "older than 10 minutes"],
  ["3600", "older than an hour"],
  ["86400", "older than a day"],
];
const noFilter = { text: "", reason: "", group: "", minAgeS: 0 };

/** The dead letters, or the one that the address names. */
export function DeadLetters({ rest }) {
  // Above both, so that filter and selection are still there when the reader comes back from a letter.
  const [filter, setFilter] = useState(noFilter);
  const [selected, setSelected] = useState(new Set());
  if (rest) return html`<${Letter} key=${rest} id=${rest} />`;
  return html`<${LetterList} filter=${filter} setFilter=${setFilter} selected=${selected} setSelected=${setSelected} />`;
}

function LetterList(view) {
  const { letters, can, status, now } = useHost();
  const { loading, snapshot, error } = useObservable(letters.state);
  const heading = html`<${PageTitle} aside=${snapshot && html`<${Taken} snapshot=${snapshot} loading=${loading} />`}>Dead letters<//>`;
  if (!can.dead_letters) return html`${heading}<${Empty}>This queue keeps no dead letters that could be shown.<//>`;
  if (!snapshot) return html`${heading}<${Problem} error=${error} /><${Ask} loading=${loading} known=${status.queue?.depth?.dead_letters} />`;
  if (!snapshot.items.length) return html`${heading}<${Problem} error=${error} /><${Empty}>There are no dead letters.<//>`;
  return html`${heading}<${Problem} error=${error} /><${Loaded} ...${view} snapshot=${snapshot} now=${now} />`;
}

function counted(known) {
  if (known === null || known === undefined) return "The queue does not say how many there are.";
  return `There ${known === 1 ? "is" : "are"} ${plural(known, "dead letter")}.`;
}

function Ask({ loading, known }) {
  const { letters } = useHost();
  useKeys([{ key: "l", text: "Show the dead letters", run: () => letters.load() }]);
  return html`
    <div class="ask">
      <p>${counted(known)}</p>
      <p class="hint">To show them, the host receives each one and gives it back. So it does that only when asked.</p>
      <button class="primary" disabled=${loading} onClick=${() => letters.load()}>${loading ? "Fetching…" : "Show the dead letters"}</button>
    </div>`;
}

function Taken({ snapshot, loading }) {
  const { letters, now } = useHost();
  const again = () => letters.load(true);
  // It may be younger than the last look at the host's clock.
  const age = distance(snapshot.taken_at, Math.max(now, Date.parse(snapshot.taken_at)));
  useKeys([{ key: "r", text: "Look at the dead letters again", run: again }]);
  return html`
    <span class="taken">As of <${Time} at=${snapshot.taken_at} now=${now} seconds />, ${age}
      <button onClick=${again} disabled=${loading}>${loading ? "Fetching…" : "Look again"}</button>
    </span>`;
}

function Loaded({ snapshot, filter, setFilter, selected, setSelected, now }) {
  const host = useHost();
  const sorted = useMemo(
    () => [...snapshot.items].sort((a, b) => new Date(b.last_failed_at) - new Date(a.last_failed_at)),
    [snapshot],
  );
  const shown = filterLetters(sorted, filter, now);
  const groups = groupByError(filterLetters(sorted, { ...filter, group: "" }, now));
  const chosen = shown.filter(({ id }) => selected.has(id)).map(({ id }) => id);
  const filtered = shown.length < snapshot.items.length;
  const scope = chosen.length ? { ids: chosen } : filtered ? { ids: shown.map(({ id }) => id) } : { all: snapshot.count };
  const some = chosen.length ? `${count(chosen.length)} selected` : `the ${count(shown.length)} shown`;
  const words = scope.ids ? some : `all ${count(snapshot.count)}`;
  const cleared = () => setSelected(new Set());
  return html`
    ${snapshot.truncated && html`
      <p class="lead">
        The first ${count(snapshot.items.length)} of ${count(snapshot.count)} are here; what is sent back or deleted makes room
        for the others.
      </p>`}
    <${Filter} items=${snapshot.items} filter=${filter} setFilter=${setFilter} />
    <${Groups} groups=${groups} filter=${filter} setFilter=${setFilter} host=${host} />
    ${host.can.act && shown.length > 0 && html`<${Actions} words=${words} scope=${scope} cleared=${cleared} />`}
    ${shown.length === 0
      ? html`<${Empty}>No letter matches. <button onClick=${() => setFilter(noFilter)}>Show all</button><//>`
      : html`<${Table} shown=${shown} selected=${selected} setSelected=${setSelected} now=${now} />`}`;
}

function Filter({ items, filter, setFilter }) {
  const search = useRef(null);
  useKeys([{ key: "/", text: "Search the dead letters", run: () => search.current.focus() }]);
  const change = (field) => (event) => setFilter({ ...filter, [field]: event.target.value });
  const reasons = [...new Set(items.map(({ reason }) => reason))].sort();
  return html`
    <form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}>
      <input ref=${search} type="search" aria-label="Search" placeholder="Search error, message, queue" value=${filter.text} onInput=${change("text")} />
      <select aria-label="Reason" value=${filter.reason} onChange=${change("reason")}>
        <option value="">for any reason</option>
        ${reasons.map((reason) => html`<option key=${reason} value=${reason}>${reason}</option>`)}
      </select>
      <select aria-label="Age" value=${String(filter.minAgeS)} onChange=${(event) => setFilter({ ...filter, minAgeS: Number(event.target.value) })}>
        ${ages.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select>
    </form>`;
}

function Groups({ groups, filter, setFilter, host }) {
  if (groups.length < 2 && !filter.group) return null;
  return html`
    <ul class="groups" aria-label="Groups by reason and error">
      ${groups.map(({ key, reason, error, items }) => {
        const here = filter.group === key;
        return html`
          <li key=${key}>
            <button class="group" aria-pressed=${here ? "true" : "false"} onClick=${() => setFilter({ ...filter, group: here ? "" : key })}>
              <b>${count(items.length)} ×</b><span>${brief(error || "no error text", 160)}</span><small>${reason}</small>
            </button>
            ${host.can.act && html`
              <button onClick=${() => requeue(host, { ids: items.map(({ id }) => id) })} aria-label=${`Requeue ${count(items.length)}: ${brief(error || reason, 60)}`}>
                Requeue ${count(items.length)}
              </button>`}
          </li>`;
      })}
    </ul>`;
}

function Actions({ words, scope, cleared }) {
  const host = useHost();
  const send = () => requeue(host, scope, cleared);
  const drop = () => remove(host, scope, cleared);
  useKeys([
    { key: "q", text: `Requeue ${words}`, run: send },
    { key: "Delete", text: `Delete ${words}`, run: drop },
  ]);
  return html`
    <div class="actions" role="group" aria-label="Actions">
      <button class="primary" onClick=${send}>Requeue ${words}</button>
      <button class="danger" onClick=${drop}>Delete ${words}…</button>
    </div>`;
}

function Table({ shown, selected, setSelected, now }) {
  const { base, can } = useHost();
  const body = useRef(null);
  const every = shown.every(({ id }) => selected.has(id));
  const toggleAll = () => setSelected(every ? new Set() : new Set(shown.map(({ id }) => id)));
  const toggle = (id) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };
  useKeys(listKeys(body, toggle, toggleAll, can.act));
  return html`
    <table class="letters">
      <caption class="hidden">${plural(shown.length, "dead letter")}</caption>
      <thead><tr>
        ${can.act && html`<th scope="col" class="tick"><input type="checkbox" aria-label="Select all shown" checked=${every} onChange=${toggleAll} /></th>`}
        <th scope="col">Error and message</th><th scope="col" class="wide">Reason</th>
        <th scope="col" class="num wide">Attempts</th><th scope="col" class="num">Failed</th><th scope="col" class="num wide">Size</th>
      </tr></thead>
      <tbody ref=${body}>
        ${shown.map((item) => html`
          <tr key=${item.id} class=${selected.has(item.id) ? "chosen" : ""}>
            ${can.act && html`
              <td class="tick">
                <input type="checkbox" aria-label=${`Select ${item.message}`} checked=${selected.has(item.id)}
                  onChange=${() => toggle(item.id)} />
              </td>`}
            <td>
              <a data-id=${item.id} href=${pageOf(base, "dead-letters", item.id)}>${brief(item.error || item.reason, 200)}</a>
              ${" "}<small class="id">${item.message}</small>
            </td>
            <td class="wide"><${Badge}>${item.reason}<//></td>
            <td class="num wide">${count(item.attempts)}</td>
            <td class="num"><${Time} at=${item.last_failed_at} now=${now} /></td>
            <td class="num wide">${bytes(item.size)}</td>
          </tr>`)}
      </tbody>
    </table>`;
}

function listKeys(body, toggle, toggleAll, act) {
  const links = () => [...body.current.querySelectorAll("a[data-id]")];
  const row = () => document.activeElement?.closest("tr")?.querySelector("a[data-id]");
  const step = (by) => {
    const all = links();
    const at = all.indexOf(row());
    all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))].focus();
  };
  const move = [
    { key: "j", text: "Next letter", run: () => step(1) },
    { key: "k", text: "Letter before", run: () => step(-1) },
  ];
  if (!act) return move;
  const tick = () => row() && toggle(row().dataset.id);
  return [...move, { key: "x", text: "Select the letter", run: tick }, { key: "a", text: "Select all shown, or none", run: toggleAll }];
}
