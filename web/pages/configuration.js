// SPDX-License-Identifier: MIT
import { html, useRef, useState } from "../vendor/preact-htm.js";
import { useKeys } from "../app/keys.js";
import { Badge, Empty, Head, PageTitle, Problem } from "../app/parts.js";
import { useResource } from "../app/poll.js";
import { useHost } from "../app/watch.js";

// It changes only with the host's start.
const intervalMs = 60_000;

/** What is in force, and where it comes from. */
export function Configuration() {
  const { api } = useHost();
  const { data, error } = useResource(api, "config", intervalMs);
  const [text, setText] = useState("");
  const [set, setSet] = useState(true);
  const search = useRef(null);
  useKeys([{ key: "/", text: "Search the configuration", run: () => search.current.focus() }]);
  const wanted = text.trim().toLowerCase();
  const items = (data?.items ?? []).filter(({ name, value, help, origin }) => {
    // Whoever searches is looking everywhere.
    if (!wanted) return !set || origin !== "default";
    return [name, value, help, origin].some((field) => String(field ?? "").toLowerCase().includes(wanted));
  });
  return html`
    <${PageTitle}>Configuration<//>
    <${Problem} error=${error} />
    <form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}>
      <input ref=${search} type="search" aria-label="Search" placeholder="Search name, value, help" value=${text} onInput=${(event) => setText(event.target.value)} />
      <label class="check"><input type="checkbox" checked=${set} onChange=${(event) => setSet(event.target.checked)} />Only what was set</label>
    </form>
    ${data && (items.length ? html`<${Settings} items=${items} />` : html`<${Empty}>${wanted ? "No setting matches." : "Nothing was set: all defaults."}<//>`)}`;
}

function Settings({ items }) {
  return html`
    <table class="settings">
      <caption class="hidden">Settings</caption>
      <${Head} columns=${["Name", "Value", "Origin", ["What it does", "wide"]]} />
      <tbody>
        ${items.map(({ name, value, origin, default: fallback, help, secret }) => html`
          <tr key=${name}>
            <th scope="row"><code>${name}</code></th>
            <td>${value === "" || value === null ? html`<span class="unknown">empty</span>` : html`<code>${value}</code>`} ${secret && html`<${Badge}>secret<//>`}</td>
            <td>${origin}</td>
            <td class="wide">${help}${origin !== "default" && !secret && fallback ? html` <small>Default: <code>${fallback}</code></small>` : ""}</td>
          </tr>`)}
      </tbody>
    </table>`;
}
