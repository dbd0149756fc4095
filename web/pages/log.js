// SPDX-License-Identifier: MIT
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";
import { useKeys } from "../app/keys.js";
import { act } from "../app/notices.js";
import { Empty, PageTitle, Problem } from "../app/parts.js";
import { poll } from "../app/poll.js";
import { useHost } from "../app/watch.js";
import { count, momentWithSeconds } from "../app/words.js";

const intervalMs = 1000;
// As many as the host keeps.
const keep = 1000;

// From the least to the most urgent, as the host names them.
const levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
// A processor may log at levels of its own; they are shown with INFO.
const urgency = (level) => levels.indexOf(levels.includes(level) ? level : "INFO");
const colors = { WARNING: "warn", ERROR: "bad", CRITICAL: "bad", DEBUG: "faint" };

/** The lines of the host that started at `startedAt`; one that starts anew numbers them from 1 again. */
function useLog(api, startedAt) {
  const [log, setLog] = useState({ lines: [], error: null });
  useEffect(() => {
    let last = 0;
    let lines = [];
    const polling = poll(async () => {
      try {
        const answer = await api.get(`log?after=${last}`);
        last = answer.last;
        lines = [...lines, ...answer.items].slice(-keep);
        setLog({ lines, error: null });
      } catch (error) {
        setLog({ lines, error });
      }
    }, intervalMs);
    return polling.stop;
  }, [api, startedAt]);
  return log;
}

/** The host's last lines, and what comes. */
export function Log() {
  const host = useHost();
  const { lines, error } = useLog(host.api, host.status.host.started_at);
  const [least, setLeast] = useState("DEBUG");
  const [text, setText] = useState("");
  const [follow, setFollow] = useState(true);
  const search = useRef(null);
  useKeys([
    { key: "/", text: "Search the log", run: () => search.current.focus() },
    { key: "o", text: follow ? "Stay here" : "Follow new lines", run: () => setFollow(!follow) },
  ]);
  const wanted = text.trim().toLowerCase();
  const shown = lines.filter(
    ({ level, module, text: line }) =>
      urgency(level) >= urgency(least) && (!wanted || `${module} ${line}`.toLowerCase().includes(wanted)),
  );
  return html`
    <${PageTitle}>Log<//>
    <${Problem} error=${error} />
    <form class="filter" role="search" onSubmit=${(event) => event.preventDefault()}>
      <input ref=${search} type="search" aria-label="Search" placeholder="Search lines" value=${text} onInput=${(event) => setText(event.target.value)} />
      <label class="inline">Show <select value=${least} onChange=${(event) => setLeast(event.target.value)}>
        ${levels.map((level) => html`<option key=${level} value=${level}>${level}${level === "CRITICAL" ? "" : " and above"}</option>`)}
      </select></label>
      <label class="check"><input type="checkbox" checked=${follow} onChange=${(event) => setFollow(event.target.checked)} />Follow</label>
      <${LevelOfHost} host=${host} />
    </form>
    ${shown.length ? html`<${Lines} lines=${shown} whole=${shown.length === lines.length} follow=${follow} setFollow=${setFollow} now=${host.now} />` : html`<${Empty}>No lines.<//>`}`;
}

function LevelOfHost({ host }) {
  const { status, can, api, watch } = host;
  if (!can.act) return html`<span class="hint">The host logs ${status.log_level} and above.</span>`;
  const change = async (event) => {
    await act(() => api.post("log-level", { level: event.target.value }), ({ level }) => `The host logs ${level} and above now.`);
    watch.again();
  };
  return html`
    <label class="inline">The host logs <select value=${status.log_level} onChange=${change}>
      ${levels.map((level) => html`<option key=${level} value=${level}>${level}</option>`)}
    </select></label>`;
}

function Lines({ lines, whole, follow, setFollow, now }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    if (follow) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.at(-1)?.number, lines.length, follow]);
  // Whoever scrolls up wants to read, and not to be carried off.
  const scrolled = ({ target }) => {
    const atEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 24;
    if (atEnd !== follow) setFollow(atEnd);
  };
  return html`
    <div class="log" ref=${box} onScroll=${scrolled} role="log" aria-live="off" aria-label="Log" tabindex="0">
      ${lines.map((line, index) => {
        const missing = whole && index > 0 ? line.number - lines[index - 1].number - 1 : 0;
        return html`
          ${missing > 0 && html`<p key=${`gap ${line.number}`} class="gap">${count(missing)} lines are gone</p>`}
          <p key=${line.number} class=${colors[line.level] ?? ""}>
            <time dateTime=${line.at} title=${line.at}>${momentWithSeconds(line.at, now)}</time> <b>${line.level}</b> <i>${line.module}</i> <span>${line.text}</span>
          </p>`;
      })}
    </div>`;
}
