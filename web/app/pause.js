// SPDX-License-Identifier: MIT
import { html, useState } from "../vendor/preact-htm.js";
import { Dialog, openDialog } from "./dialog.js";
import { act } from "./notices.js";
import { moment } from "./words.js";

const lengths = [
  ["", "until somebody resumes"],
  ["600", "for 10 minutes"],
  ["3600", "for an hour"],
  ["28800", "for 8 hours"],
];

/** Ends a host's pause. */
export async function resume({ api, watch }) {
  await act(
    () => api.post("resume", {}),
    ({ was_paused }) => (was_paused ? "Resumed." : "It was not paused."),
  );
  watch.again();
}

/** Asks for how long and why, then pauses the host. */
export function pauseHost({ api, watch }) {
  askPause("Pause this host?", async (body) => {
    await act(
      () => api.post("pause", body),
      ({ paused }) => (paused?.until ? `Paused until ${moment(paused.until)}.` : "Paused until somebody resumes."),
    );
    watch.again();
  });
}

/** Asks for how long and why; `then` gets the body of the request. */
export function askPause(title, then) {
  openDialog((close) => html`<${PauseDialog} title=${title} onClose=${close} then=${then} />`);
}

function PauseDialog({ title, onClose, then }) {
  const [reason, setReason] = useState("");
  const [length, setLength] = useState("");
  const submit = () => {
    onClose();
    then({ ...(reason && { reason }), ...(length && { for_s: Number(length) }) });
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose} onSubmit=${submit}>
      <p>What is being processed is finished. Nothing more is begun, and what nobody has begun goes back to the queue.</p>
      <label>How long
        <select value=${length} onChange=${(event) => setLength(event.target.value)}>
          ${lengths.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
        </select>
      </label>
      <label>Why <small>for whoever finds it paused</small>
        <input value=${reason} maxlength="200" autofocus onInput=${(event) => setReason(event.target.value)} />
      </label>
      <div class="buttons">
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="primary">Pause</button>
      </div>
    <//>`;
}
