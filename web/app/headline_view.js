// SPDX-License-Identifier: MIT
import { html } from "../vendor/preact-htm.js";
import { headlines } from "./headline.js";
import { useObservable } from "./observable.js";
import { Announcement } from "./parts.js";
import { resume } from "./pause.js";
import { go, pageOf } from "./router.js";
import { useHost } from "./watch.js";

// What can be done, unless the reader is where the button would lead.
const buttons = {
  letters: (host) => host.page !== "dead-letters" && ["Show them", () => showLetters(host)],
  resume: (host) => host.can.pause && ["Resume", () => resume(host)],
  schedules: (host) => host.page !== "schedules" && ["Show the runs", () => go(pageOf(host.base, "schedules"))],
  log: (host) => host.page !== "log" && ["Show the log", () => go(pageOf(host.base, "log"))],
};

/** The dead letters' page, with what is on it: whoever asks for the letters has clicked for them. */
export function showLetters({ base, letters }) {
  letters.load();
  go(pageOf(base, "dead-letters"));
}

/** What is wrong and what to do, at the top of every page; all else that is to be known, below it. */
export function Headlines() {
  const host = useHost();
  const { snapshot } = useObservable(host.letters.state);
  const [first, ...others] = headlines(host, snapshot);
  return html`
    <section class="headlines" aria-label="State">
      <${Announcement} ...${first} />
      <div class=${`headline ${first.level}`}>
        <p>${first.text}</p>
        <${Action} of=${first} />
      </div>
      ${others.map(
        (item) => html`<div class=${`also ${item.level}`} key=${item.text}><p>${item.text}</p><${Action} of=${item} /></div>`,
      )}
    </section>`;
}

function Action({ of }) {
  const host = useHost();
  const button = of.action && buttons[of.action](host);
  return button ? html`<button onClick=${button[1]}>${button[0]}</button>` : null;
}
