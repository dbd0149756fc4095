// SPDX-License-Identifier: MIT
import { html } from "../vendor/preact-htm.js";
import { groupByError } from "../app/groups.js";
import { Empty, Head, Outcome, PageTitle, Panel, Problem, Time } from "../app/parts.js";
import { useResource } from "../app/poll.js";
import { useHost } from "../app/watch.js";
import { brief, count, distance, duration, plural, systemName } from "../app/words.js";

const intervalMs = 5000;

/** What will be tried again, and why it has to be. */
export function Retries() {
  const { api, failures, status, now } = useHost();
  const { data, error } = useResource(api, "retries", intervalMs);
  return html`
    <${PageTitle}>Retries<//>
    <${Problem} error=${error} />
    ${data && !data.listed && html`<p class="lead">${counted(data.count, systemName(status.queue.system))}</p>`}
    ${data?.listed && (data.items.length ? html`<${Waiting} data=${data} now=${now} />` : html`<${Empty}>Nothing waits for a retry.<//>`)}
    <${Kinds} failures=${failures} />
    <${Failures} failures=${failures} now=${now} />`;
}

function counted(waiting, system) {
  if (waiting === null) return `${system} has not said yet how many messages wait for a retry.`;
  return `${plural(waiting, "message")} ${waiting === 1 ? "waits" : "wait"} for a retry. ${system} counts them, and does not show them.`;
}

function Waiting({ data, now }) {
  return html`
    <p class="lead">${plural(data.count, "message")} ${data.count === 1 ? "waits" : "wait"} for a retry${data.items.length < data.count ? `; the next ${count(data.items.length)}` : ""}.</p>
    <table>
      <caption class="hidden">Messages that wait for a retry</caption>
      <${Head} columns=${["Message", ["Attempt", "num"], ["Due", "num"], "Error"]} />
      <tbody>
        ${data.items.map((item) => html`
          <tr key=${item.message}>
            <td class="id">${item.message}</td><td class="num">${item.attempt}</td>
            <td class="num">${distance(item.due, now)}</td><td>${brief(item.error ?? "", 300)}</td>
          </tr>`)}
      </tbody>
    </table>`;
}

function Kinds({ failures }) {
  const groups = groupByError(failures);
  if (groups.length < 2) return null;
  return html`
    <${Panel} title="Why messages failed lately">
      <ul class="kinds">
        ${groups.map(({ key, reason, error, items }) => html`<li key=${key}><b>${count(items.length)} ×</b> <span>${brief(error || reason, 200)}</span> <small>${reason}</small></li>`)}
      </ul>
    <//>`;
}

function Failures({ failures, now }) {
  return html`
    <${Panel} title="The last failures of this host">
      ${failures.length === 0 ? html`<${Empty}>Nothing has failed since this host started.<//>` : html`
        <table>
          <caption class="hidden">The last failures</caption>
          <${Head} columns=${[
            "At", "Outcome", "Error", ["Message", "wide"],
            ["Attempt", "num wide"], ["Took", "num wide"], ["Again in", "num wide"],
          ]} />
          <tbody>
            ${failures.map((item) => html`
              <tr key=${item.at + item.message + item.attempt}>
                <td><${Time} at=${item.at} now=${now} seconds /></td>
                <td><${Outcome} outcome=${item.outcome} /></td>
                <td>${brief(item.error || item.reason, 300)}</td>
                <td class="id wide">${item.message}</td>
                <td class="num wide">${item.attempt}</td>
                <td class="num wide">${duration(item.duration_s)}</td>
                <td class="num wide">${item.outcome === "retry" ? duration(item.retry_after_s) : ""}</td>
              </tr>`)}
          </tbody>
        </table>`}
    <//>`;
}
