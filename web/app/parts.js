// SPDX-License-Identifier: MIT
import { html, useRef } from "../vendor/preact-htm.js";
import { errorKind } from "./groups.js";
import { moment, momentWithSeconds } from "./words.js";

/** A moment on the operator's clock; the exact one, in UTC, for those who point at it. */
export function Time({ at, now, seconds = false }) {
  if (!at) return html`<span class="unknown">–</span>`;
  return html`<time dateTime=${at} title=${at}>${(seconds ? momentWithSeconds : moment)(at, now)}</time>`;
}

/** A word on a colour; the word alone must do. */
export const Badge = ({ level = "note", children }) => html`<span class=${`badge ${level}`}>${children}</span>`;

/** Tells screen readers of a headline when it becomes another one, and not of each change of a number in it. */
export function Announcement({ level, text }) {
  const told = useRef({});
  const kind = level === "ok" ? level : level + errorKind(text);
  if (told.current.kind !== kind) told.current = { kind, text };
  return html`<p class="hidden" aria-live="polite">${told.current.text}</p>`;
}

/** Part of a page, with a heading. `aside` stands beside the heading. */
export function Panel({ title, aside = null, children, name = "" }) {
  return html`
    <section class=${`panel ${name}`} aria-label=${title}>
      <header><h2>${title}</h2>${aside}</header>
      ${children}
    </section>`;
}

/** The head of a table; `columns` are titles, or `[title, class]`. */
export function Head({ columns }) {
  const cells = columns.map((column) => [column].flat());
  return html`<thead><tr>${cells.map(([title, kind]) => html`<th key=${title} scope="col" class=${kind}>${title}</th>`)}</tr></thead>`;
}

/** What is said where there is nothing to show. */
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** Why something could not be shown. */
export const Problem = ({ error }) => (error ? html`<p class="problem" role="alert">${error.message}</p>` : null);

/** Names and values. */
export function Facts({ items }) {
  return html`
    <dl class="facts">
      ${items.filter(Boolean).map(([name, value], index) => html`<div key=${index + name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>`;
}

/** The page's heading, which gets the focus when the page is opened; `hidden`: for screen readers only. */
export function PageTitle({ children, aside = null, hidden = false }) {
  return html`<div class=${hidden ? "page-title hidden" : "page-title"}><h1 tabindex="-1" id="page-title">${children}</h1>${aside}</div>`;
}

/** A choice of a few, as buttons; `options` are `[value, text]`. */
export function Choice({ label, options, value, onChange }) {
  return html`
    <div class="choice" role="group" aria-label=${label}>
      ${options.map(
        ([option, text]) => html`
          <button type="button" key=${option} aria-pressed=${option === value ? "true" : "false"} onClick=${() => onChange(option)}>
            ${text}
          </button>`,
      )}
    </div>`;
}

const outcomes = { ack: "ok", ok: "ok", running: "note", retry: "warn", skipped: "note", dead_letter: "bad", failed: "bad", dropped: "bad" };
const words = { dead_letter: "dead letter" };

/** What became of a message or a run. */
export const Outcome = ({ outcome }) => html`<${Badge} level=${outcomes[outcome] ?? "note"}>${words[outcome] ?? outcome}<//>`;
