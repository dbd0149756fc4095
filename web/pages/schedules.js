// SPDX-License-Identifier: MIT
import { html } from "../vendor/preact-htm.js";
import { useKeys } from "../app/keys.js";
import { act } from "../app/notices.js";
import { Badge, Empty, Facts, Head, Outcome, PageTitle, Panel, Problem, Time } from "../app/parts.js";
import { useResource } from "../app/poll.js";
import { useHost } from "../app/watch.js";
import { brief, distance, duration } from "../app/words.js";

const intervalMs = 3000;

/** When the service runs next, and how its runs went. */
export function Schedules() {
  const host = useHost();
  const { api, can } = host;
  const { data, error, again } = useResource(api, "schedules", intervalMs);
  const run = async () => {
    await act(() => api.post("schedules/run", {}), ({ started }) => (started ? "A run has begun." : "No run has begun."));
    again();
  };
  useKeys(can.run_now ? [{ key: "n", text: "Run now", run }] : []);
  const button = can.run_now && html`<button class="primary" onClick=${run}>Run now</button>`;
  return html`
    <${PageTitle} aside=${button}>Schedules<//>
    <${Problem} error=${error} />
    ${data?.items.length === 0 && html`<${Empty}>This service works on a queue, and not on a schedule.<//>`}
    ${data?.items.map((item) => html`<${Schedule} key=${item.name} item=${item} now=${host.now} />`)}`;
}

const leading = (leads) => ({ true: "this replica", false: "another replica" })[leads] ?? "no election";

function Schedule({ item, now }) {
  const aside = item.paused && html`<${Badge} level="warn">paused<//>`;
  return html`
    <${Panel} title=${item.name} aside=${aside}>
      <div class="columns">
        <${Facts} items=${[
          ["Schedule", html`<code>${item.expression}</code>`],
          ["In words", item.explanation],
          ["Time zone", item.zone],
          ["Who runs it", leading(item.leads)],
        ]} />
        <${Next} next=${item.next} now=${now} />
      </div>
      <h3>Last runs</h3>
      ${item.last.length ? html`<${Runs} runs=${item.last} now=${now} />` : html`<${Empty}>It has not run yet.<//>`}
    <//>`;
}

function Next({ next, now }) {
  if (!next.length) return html`<${Empty}>No run is due.<//>`;
  return html`
    <div>
      <h3>Next runs</h3>
      <ol class="next">
        ${next.map((at) => html`<li key=${at}><${Time} at=${at} now=${now} seconds /> <small>${distance(at, now)}</small></li>`)}
      </ol>
    </div>`;
}

function Runs({ runs, now }) {
  const longest = Math.max(...runs.map((run) => run.duration_s ?? 0));
  return html`
    <table>
      <caption class="hidden">Last runs</caption>
      <${Head} columns=${[
        "Due", "Outcome", ["Took", "num"], ["Share of the longest", "wide bar"],
        ["Attempt", "num wide"], ["Late by", "num wide"], "Detail",
      ]} />
      <tbody>
        ${runs.map((run) => html`
          <tr key=${`${run.due} ${run.attempt}`}>
            <td><${Time} at=${run.due} now=${now} seconds /></td>
            <td><${Outcome} outcome=${run.outcome} /></td>
            <td class="num">${run.started_at ? duration(run.duration_s) : "–"}</td>
            <td class="wide bar">${run.started_at && html`<progress aria-label="Share of the longest" max=${longest || 1} value=${run.duration_s ?? 0}></progress>`}</td>
            <td class="num wide">${run.attempt}</td>
            <td class="num wide">${run.started_at ? duration((new Date(run.started_at) - new Date(run.due)) / 1000) : "–"}</td>
            <td>${brief(run.detail ?? "", 300)}</td>
          </tr>`)}
      </tbody>
    </table>`;
}
