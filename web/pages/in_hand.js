// SPDX-License-Identifier: MIT
import { html } from "../vendor/preact-htm.js";
import { Badge, Empty, Head, PageTitle, Problem } from "../app/parts.js";
import { useResource } from "../app/poll.js";
import { useHost } from "../app/watch.js";
import { count, duration, plural } from "../app/words.js";

const intervalMs = 2000;

/** What the workers do now. */
export function InHand() {
  const { api, status } = useHost();
  const { data, error } = useResource(api, "in-hand", intervalMs);
  const { waiting, settling, prefetch } = status.in_hand;
  const items = [...(data?.items ?? [])].sort((a, b) => b.running_for_s - a.running_for_s);
  const longest = items[0]?.running_for_s || 1;
  return html`
    <${PageTitle}>In hand<//>
    <p class="lead">
      ${plural(waiting, "message")} ${waiting === 1 ? "waits" : "wait"} here for a worker, ${count(settling)} are being
      settled${prefetch ? `, at most ${count(prefetch)} are fetched` : ""}.
    </p>
    <${Problem} error=${error} />
    ${data && items.length === 0 && html`<${Empty}>No worker has anything to do.<//>`}
    ${items.length > 0 && html`
      <table>
        <caption class="hidden">Calls in progress</caption>
        <${Head} columns=${[
          ["Worker", "num"], "Message",
          ["Running for", "num"], ["Share of the longest", "wide bar"],
        ]} />
        <tbody>
          ${items.map((item) => html`
            <tr key=${`${item.worker} ${item.message}`}>
              <td class="num">${item.worker}</td>
              <td class="id">${item.message}${item.messages > 1 ? ` and ${count(item.messages - 1)} more` : ""} ${item.overdue && html`<${Badge} level="bad">overdue<//>`}</td>
              <td class="num">${duration(item.running_for_s)}</td>
              <td class="wide bar"><progress aria-label="Share of the longest" max=${longest} value=${item.running_for_s}></progress></td>
            </tr>`)}
        </tbody>
      </table>`}`;
}
