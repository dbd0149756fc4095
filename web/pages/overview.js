// SPDX-License-Identifier: MIT
import { html, useEffect, useMemo, useState } from "../vendor/preact-htm.js";
import { Chart } from "../app/chart.js";
import { showLetters } from "../app/headline_view.js";
import { History } from "../app/history.js";
import { Badge, Choice, Empty, Facts, Outcome, PageTitle, Panel, Time } from "../app/parts.js";
import { poll } from "../app/poll.js";
import { pageOf } from "../app/router.js";
import { useHost } from "../app/watch.js";
import { brief, bytes, count, distance, duration, number, rate } from "../app/words.js";

const intervalMs = 2000;
const shownFailures = 5;
const shownEvents = 12;

export function Overview() {
  const { status } = useHost();
  return html`
    <${PageTitle} hidden>Overview<//>
    <${status.schedule ? ScheduleFigures : QueueFigures} />
    <${Charts} />
    <div class="columns">
      <${Failures} />
      <${Timeline} />
      <${Totals} />
      <${About} />
    </div>`;
}

/** One large number; `href` leads to the page with its details. */
function Figure({ name, value, detail, level = "", href, onClick }) {
  const inner = html`<span class="name">${name}</span><b class=${level}>${value}</b><span class="detail">${detail}</span>`;
  return href ? html`<a class="figure" href=${href} onClick=${onClick}>${inner}</a>` : html`<div class="figure">${inner}</div>`;
}

function QueueFigures() {
  const host = useHost();
  const { status, base } = host;
  const { rates, in_hand, queue, workers } = status;
  const depth = queue.depth ?? {};
  const open = (event) => {
    event.preventDefault();
    showLetters(host);
  };
  return html`
    <section class="figures" aria-label="Figures">
      <${Figure} name="Acknowledged" value=${rate(rates.acknowledged)} detail=${`${rate(rates.failed)} failed`} />
      <${Figure} name="Processing time, p50" value=${duration(rates.p50_s)} detail=${`p99 ${duration(rates.p99_s)}`} />
      <${Figure} name="Workers busy" value=${`${in_hand.busy_workers} of ${workers}`} href=${pageOf(base, "in-hand")}
        detail=${in_hand.processing ? `the oldest for ${duration(in_hand.oldest_s)}` : "idle"} />
      <${Figure} name="Wait in the queue" value=${count(depth.ready)} detail=${depthDetail(depth, rates)} />
      <${Figure} name="Wait for a retry" value=${count(depth.retry)} href=${pageOf(base, "retries")}
        detail=${`${count(status.totals.retried)} so far`} />
      <${Figure} name="Dead letters" value=${count(depth.dead_letters)} level=${depth.dead_letters ? "bad" : ""}
        href=${pageOf(base, "dead-letters")} onClick=${depth.dead_letters ? open : undefined}
        detail=${depth.dead_letters ? "show them" : "none"} />
    </section>`;
}

function depthDetail({ ready, in_hand }, { acknowledged }) {
  if (ready && acknowledged) return `about ${duration(Math.ceil(ready / acknowledged))} of work`;
  return in_hand === null || in_hand === undefined ? "" : `${count(in_hand)} with all hosts`;
}

function ScheduleFigures() {
  const { status, base, now } = useHost();
  const { schedule } = status;
  const total = Object.values(schedule.runs).reduce((sum, runs) => sum + runs, 0);
  const skipped = Object.values(schedule.skipped).reduce((sum, runs) => sum + runs, 0);
  const href = pageOf(base, "schedules");
  return html`
    <section class="figures" aria-label="Figures">
      <${Figure} name="Next run" href=${href} value=${distance(schedule.next[0], now)} detail=${schedule.explanation} />
      <${Figure} name="Running" href=${href} value=${count(schedule.running)} detail=${leading(schedule.leads)} />
      <${Figure} name="Last run" value=${distance(schedule.last_run, now)} detail="started" />
      <${Figure} name="Last success" value=${distance(schedule.last_success, now)} detail="ended" />
      <${Figure} name="Runs" value=${count(total)} detail=${`${count(schedule.runs.ok ?? 0)} good`} />
      <${Figure} name="Skipped" value=${count(skipped)} detail=${Object.keys(schedule.skipped).join(", ") || "none"} />
    </section>`;
}

const leading = (leads) => ({ true: "this replica leads", false: "another replica leads" })[leads] ?? "alone";

const outcomes = [
  { field: "acknowledged", label: "acknowledged", color: "ok", fill: true },
  { field: "retried", label: "retried", color: "warn" },
  { field: "dead_lettered", label: "dead letters", color: "bad" },
  { field: "dropped", label: "dropped", color: "muted" },
];
const queueCharts = [
  { title: "Messages a second", series: outcomes, perSecond: outcomes.map(({ field }) => field), format: number },
  {
    title: "Processing time",
    series: [
      { field: "p50_s", label: "p50", color: "accent" },
      { field: "p99_s", label: "p99", color: "warn" },
    ],
    format: duration,
  },
  {
    title: "At work",
    series: [
      { field: "busy_workers", label: "busy workers", color: "accent", fill: true },
      { field: "in_hand", label: "in hand", color: "muted" },
    ],
    format: number,
    axis: { whole: true },
  },
  {
    title: "In the queue",
    series: [
      { field: "ready", label: "wait", color: "accent", fill: true },
      { field: "retry", label: "for a retry", color: "warn" },
      { field: "dead_letters", label: "dead letters", color: "bad" },
    ],
    format: number,
    axis: { whole: true },
  },
];
const scheduleCharts = [
  {
    title: "Processor",
    series: [{ field: "cpu_s", label: "of one core", color: "accent", fill: true }],
    perSecond: ["cpu_s"],
    format: (value) => (value === null ? "–" : `${number(Math.round(value * 1000) / 10)} %`),
  },
  { title: "Memory", series: [{ field: "resident", label: "resident", color: "accent" }], format: bytes, axis: { unit: 2 ** 20 } },
];

function Charts() {
  const { api, status } = useHost();
  const [span, setSpan] = useState("fine");
  const [turn, setTurn] = useState(0);
  const history = useMemo(() => new History(), [api]);
  useEffect(() => {
    const polling = poll(async () => {
      // What is wrong with the host is said at the top; charts just wait for it.
      await api.get(history.path).then((answer) => history.merge(answer), () => {});
      setTurn((last) => last + 1);
    }, intervalMs);
    return polling.stop;
  }, [api, history]);
  const charts = status.schedule ? scheduleCharts : queueCharts;
  const options = [["fine", "5 min"], ["coarse", "1 h"]];
  return html`
    <section class="charts" aria-label="Charts">
      <${Choice} label="Time span of the charts" options=${options} value=${span} onChange=${setSpan} />
      <div class="grid">
        ${charts.map((chart) => html`<${HistoryChart} key=${chart.title} ...${chart} history=${history} span=${span} turn=${turn} />`)}
      </div>
    </section>`;
}

const spansS = { fine: 300, coarse: 3600 };

function HistoryChart({ title, series, perSecond, format, axis, history, span, turn }) {
  const columns = useMemo(
    () => history.columns(span, series.map(({ field }) => field), perSecond),
    [history, span, series, turn],
  );
  return html`<${Chart} title=${title} columns=${columns} series=${series} format=${format} axis=${axis} spanS=${spansS[span]} />`;
}

function Failures() {
  const { failures, now } = useHost();
  return html`
    <${Panel} title="Latest failures">
      ${failures.length === 0 && html`<${Empty}>Nothing has failed since this host started.<//>`}
      <ul class="events">
        ${failures.slice(0, shownFailures).map(
          ({ at, message, attempt, outcome, error, reason }) => html`
            <li key=${at + message + attempt}>
              <${Time} at=${at} now=${now} seconds /><${Outcome} outcome=${outcome} />
              <span>${brief(error || reason, 200)} <small class="id">${message}, attempt ${attempt}</small></span>
            </li>`,
        )}
      </ul>
    <//>`;
}

function Timeline() {
  const { timeline, now } = useHost();
  return html`
    <${Panel} title="What happened">
      <ul class="events timeline">
        ${timeline.slice(0, shownEvents).map(
          ({ at, level, text }, index) => html`
            <li key=${`${at}${text}${index}`}><${Time} at=${at} now=${now} seconds /><i class=${`dot ${level}`}></i><span>${text}</span></li>`,
        )}
      </ul>
    <//>`;
}

const totals = [
  ["consumed", "Begun"],
  ["acknowledged", "Acknowledged"],
  ["retried", "Given back for a retry"],
  ["dead_lettered", "Became dead letters"],
  ["dropped", "Dropped"],
  ["lost", "Taken back by the queue"],
  ["sent", "Sent"],
  ["send_failures", "Sends that failed"],
  ["crashes", "Crashes of processors"],
  ["process_timeouts", "Calls that took too long"],
];

function Totals() {
  const { status } = useHost();
  return html`
    <${Panel} title="Since the start">
      <${Facts} items=${totals.map(([field, name]) => [name, count(status.totals[field])])} />
    <//>`;
}

function About() {
  const { status, now } = useHost();
  const { host, service, queue, process } = status;
  const connection = queue?.connection;
  const level = { consuming: "ok", connecting: "warn", paused: "warn" }[connection?.state] ?? "bad";
  return html`
    <${Panel} title="This host">
      <${Facts} items=${[
        queue && ["Queue", queue.endpoint],
        connection && ["Connection", html`<${Badge} level=${level}>${connection.state}<//> since <${Time} at=${connection.since} now=${now} />`],
        connection && ["Reconnects", count(connection.reconnects)],
        ["Service", `${service.name}, ${service.language}`],
        ["Version", host.commit ? `${host.version} (${host.commit})` : host.version],
        ["Running for", duration(host.uptime_s)],
        ["Process", `${host.pid}, ${bytes(process.resident)}, ${count(process.descriptors)} descriptors`],
        ["CPU time", duration(process.cpu_s)],
        process.children > 0 && ["Children", `${count(process.children)}, ${bytes(process.children_resident)}`],
      ]} />
    <//>`;
}
