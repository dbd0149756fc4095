// SPDX-License-Identifier: MIT
import { html, useEffect, useErrorBoundary, useMemo, useRef } from "../vendor/preact-htm.js";
import { Api } from "./api.js";
import { headlines } from "./headline.js";
import { Headlines } from "./headline_view.js";
import { openHelp, useKeys } from "./keys.js";
import { Letters } from "./letters.js";
import { useObservable } from "./observable.js";
import { Badge, Problem } from "./parts.js";
import { pauseHost, resume } from "./pause.js";
import { baseOf, go, pageOf } from "./router.js";
import { HostContext, Watch, offered, useHost } from "./watch.js";
import { count } from "./words.js";
import { Configuration } from "../pages/configuration.js";
import { DeadLetters } from "../pages/dead_letters.js";
import { InHand } from "../pages/in_hand.js";
import { Log } from "../pages/log.js";
import { Overview } from "../pages/overview.js";
import { Retries } from "../pages/retries.js";
import { Schedules } from "../pages/schedules.js";

// `of` counts what the page shows; `queue` pages are of no use to a schedule, and the other way round.
const pages = [
  { name: "overview", title: "Overview", draw: Overview },
  { name: "in-hand", title: "In hand", draw: InHand, of: ({ in_hand }) => in_hand.processing },
  { name: "retries", title: "Retries", draw: Retries, kind: "queue", of: ({ queue }) => queue?.depth?.retry },
  { name: "dead-letters", title: "Dead letters", draw: DeadLetters, kind: "queue", of: ({ queue }) => queue?.depth?.dead_letters },
  { name: "schedules", title: "Schedules", draw: Schedules, kind: "schedule", of: ({ schedule }) => schedule?.running },
  { name: "configuration", title: "Configuration", draw: Configuration },
  { name: "log", title: "Log", draw: Log },
];

const pagesFor = (status) => pages.filter(({ kind }) => !kind || !status || (kind === "schedule") === status.service.scheduled);

/** All pages of one host; `hostKey` is its key in the fleet, or null. */
export function Host({ hostKey, page, rest }) {
  const parts = useMemo(() => {
    const api = new Api(hostKey === null ? "api/v1/" : `api/v1/hosts/${encodeURIComponent(hostKey)}/`);
    return { api, watch: new Watch(api), letters: new Letters(api), base: baseOf(hostKey) };
  }, [hostKey]);
  useEffect(() => {
    parts.watch.start();
    return () => parts.watch.stop();
  }, [parts]);
  const seen = useObservable(parts.watch.state);
  const shown = pagesFor(seen.status);
  const current = shown.find(({ name }) => name === page) ?? shown[0];
  const can = offered(seen.status?.capabilities ?? { read_only: true });
  const host = { ...parts, ...seen, can, page: current.name };
  useTitle(host, current.title);
  useFocusOnTitle(current.name + rest);
  return html`
    <${HostContext.Provider} value=${host}>
      <${Header} inFleet=${hostKey !== null} />
      <${Navigation} pages=${shown} current=${current} />
      <main id="main" class=${seen.unreachable ? "stale" : ""}>
        <${Headlines} />
        ${seen.status && html`<${Guard} key=${current.name}><${current.draw} rest=${rest} /><//>`}
      </main>
    <//>`;
}

/** Keeps a fault in one page from taking the others along. */
function Guard({ children }) {
  const [error] = useErrorBoundary();
  return error ? html`<${Problem} error=${{ message: `This page has a fault of its own (${error.message}). The others may still work.` }} />` : children;
}

/** The tab of the browser says what is wrong, too. */
function useTitle(host, page) {
  const { snapshot } = useObservable(host.letters.state);
  const [first] = headlines(host, snapshot);
  const mark = { bad: "✖ ", warn: "▲ " }[first.level] ?? "";
  const name = host.status?.queue?.name ?? host.status?.service.name ?? "svchost";
  useEffect(() => {
    document.title = `${mark}${name} – ${page}`;
  }, [mark, name, page]);
}

/** After a change of page, the focus is where the page begins; not at first, when nobody has asked for anything. */
function useFocusOnTitle(page) {
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      document.getElementById("page-title")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [page]);
}

function Header({ inFleet }) {
  const host = useHost();
  const { status, can } = host;
  const toggle = () => can.pause && (status.paused ? resume(host) : pauseHost(host));
  useKeys([
    ...(inFleet ? [{ key: "f", text: "The fleet", run: () => go("#/") }] : []),
    ...(can.pause ? [{ key: "p", text: status.paused ? "Resume" : "Pause", run: toggle }] : []),
    { key: "t", text: "Light or dark", run: () => theme.toggle() },
    { key: "?", text: "This help", run: openHelp },
  ]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the page</a>
    <header class="top">
      ${inFleet && html`<a class="fleet-link" href="#/">← Fleet</a>`}
      <${Name} status=${status} />
      ${status && can.read_only && html`<${Badge}>Read-only<//>`}
      ${can.pause && html`<button onClick=${toggle}>${status.paused ? "Resume" : "Pause"}</button>`}
      <${HeaderButtons} />
    </header>`;
}

function Name({ status }) {
  if (!status) return html`<p class="name"><b>svchost</b></p>`;
  const { service, queue, host } = status;
  return html`
    <p class="name">
      <b>${service.name}</b>
      ${queue && html`<span class="queue">${queue.name}</span>`}
      <span class="instance">${host.instance} · ${host.version}</span>
    </p>`;
}

// The address after # names a page of ours, so that a plain link to #main would lead away.
function skip(event) {
  event.preventDefault();
  document.getElementById("page-title")?.focus();
}

/** What every page has at its top right. */
export const HeaderButtons = () => html`
  <button class="quiet" onClick=${() => theme.toggle()} aria-label="Light or dark" title="Light or dark (t)">◐</button>
  <button class="quiet" onClick=${openHelp} aria-label="Keyboard" title="Keyboard (?)">?</button>`;

function Navigation({ pages: shown, current }) {
  const host = useHost();
  useKeys(shown.map(({ name, title }, index) => ({
    key: String(index + 1),
    text: title,
    run: () => go(pageOf(host.base, name)),
  })));
  return html`
    <nav aria-label="Pages">
      ${shown.map(({ name, title, of }) => {
        const items = host.status && of?.(host.status);
        const here = name === current.name;
        return html`
          <a key=${name} href=${pageOf(host.base, name)} aria-current=${here ? "page" : undefined}>
            ${title}${items ? html` <span class=${name === "dead-letters" ? "count bad" : "count"}>${count(items)}</span>` : ""}
          </a>`;
      })}
    </nav>`;
}

