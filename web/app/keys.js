// SPDX-License-Identifier: MIT
import { html, useLayoutEffect } from "../vendor/preact-htm.js";
import { Dialog, dialogIsOpen, openDialog } from "./dialog.js";
import { observable, useObservable } from "./observable.js";

// Lists of shortcuts that hold now, the innermost last: `[{key, text, run}]`.
const active = [];

// Dictation and trembling hands press letters by accident, so that single keys can be turned off (WCAG 2.1.4).
const settingKey = "svchost.keys";
const enabled = observable(localStorage.getItem(settingKey) !== "off");

function setEnabled(on) {
  if (on) localStorage.removeItem(settingKey);
  else localStorage.setItem(settingKey, "off");
  enabled.set(on);
}

/** Shortcuts that hold while the component is shown. */
export function useKeys(shortcuts) {
  // Before the browser draws: what can be seen can be pressed.
  useLayoutEffect(() => {
    active.push(shortcuts);
    return () => active.splice(active.indexOf(shortcuts), 1);
  });
}

const writes = (element) => element.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || dialogIsOpen()) return;
  if (writes(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  // Without single keys, the help must still be found, as it turns them on again.
  if (!enabled.get() && event.key !== "?") return;
  for (const shortcuts of [...active].reverse()) {
    const found = shortcuts.find(({ key }) => key === event.key);
    if (!found) continue;
    event.preventDefault();
    found.run();
    return;
  }
});

const always = [
  { key: "Tab", text: "Next button, link or field" },
  { key: "Enter", text: "Open or press what has the focus" },
  { key: "Esc", text: "Close a dialog, leave a field" },
];

export function openHelp() {
  const shortcuts = active.flat();
  openDialog((close) => html`<${Help} shortcuts=${shortcuts} onClose=${close} />`);
}

function Help({ shortcuts, onClose }) {
  const on = useObservable(enabled);
  return html`
    <${Dialog} title="Keyboard" onClose=${onClose} onSubmit=${onClose}>
      <dl class="keys">
        ${[...shortcuts, ...always].map(({ key, text }) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}
      </dl>
      <label class="check">
        <input type="checkbox" checked=${on} onChange=${(event) => setEnabled(event.target.checked)} />
        Single keys do something
      </label>
      <div class="buttons"><button type="submit" class="primary" autofocus>Close</button></div>
    <//>`;
}
