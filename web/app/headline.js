// SPDX-License-Identifier: MIT
import { groupByError } from "./groups.js";
import { brief, count, distance, duration, moment, plural, rate, systemName } from "./words.js";

/**
 * What an operator has to know, the worst first, at least one: `[{level, text, action}]`. A text is a sentence or a few:
 * what is wrong, since when, and what to do or that there is nothing to do. Levels are `bad`, `warn`, `note` and `ok`;
 * `action` is `letters`, `resume`, `schedules`, `log`, or absent.
 *
 * `seen` is a Watch's state; `snapshot` the dead letters, where they were looked at.
 */
export function headlines({ status, unreachable, failures, now }, snapshot = null) {
  if (!status) {
    return unreachable
      ? [{ level: "bad", text: `This host cannot be reached: ${unreachable.error}. Is it running, and is this its address?` }]
      : [{ level: "note", text: "Asking the host…" }];
  }
  const found = [
    unreachable && unreachableHost(unreachable, now),
    stuck(status),
    connection(status, now),
    phase(status),
    paused(status, now),
    notReady(status),
    deadLetters(status, failures, snapshot),
    failing(status, failures),
    schedule(status, now),
  ].filter(Boolean);
  const order = ["bad", "warn", "note"];
  found.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return found.some((item) => item.level !== "note") ? found : [...found, allIsWell(status, now)];
}

function unreachableHost({ since, error }, now) {
  const text = `This host does not answer since ${moment(since, now)}: ${error}. What is shown is how it was then. ` +
    "If it has stopped, its messages go to other hosts or wait in the queue.";
  return { level: "bad", text };
}

function stuck({ live, remarks }) {
  if (live) return null;
  const why = remarks.length ? remarks.map(sentence).join(" ") : "It does not say why.";
  return { level: "bad", action: "log", text: `This host is stuck. ${why} Restart it, if nothing does so by itself.` };
}

function connection({ queue, phase }, now) {
  if (!queue?.connection || phase === "draining") return null;
  const { state, reason, since } = queue.connection;
  const system = systemName(queue.system);
  const why = reason ? `: ${brief(reason)}` : "";
  switch (state) {
    case "lost":
      return {
        level: "bad",
        text: `${system} cannot be reached since ${moment(since, now)}${why}. Messages wait in the queue; nothing is lost. ` +
          "The host keeps trying.",
      };
    case "blocked":
      return {
        level: "bad",
        text: `${system} takes nothing since ${moment(since, now)}${why}. Give it memory or disk; until then nothing can be ` +
          "finished, and nothing is lost.",
      };
    case "connecting":
      return { level: "warn", text: `Connecting to ${system.replace("The", "the")} since ${moment(since, now)}${why}.` };
    default:
      return null;
  }
}

function phase({ phase: name, in_hand }) {
  if (name === "starting") return { level: "note", text: "This host is starting." };
  if (name !== "draining") return null;
  const left = in_hand.processing + in_hand.settling;
  const rest = left ? `it finishes ${plural(left, "message")}` : "nothing is left in hand";
  return { level: "note", text: `This host is stopping: ${rest}, and it takes no new ones.` };
}

// What no operator can end from here.
const fixed = {
  PAUSED: " It was started so; unset PAUSED to end it.",
  "consume file": " The consume file says so; it ends it, too.",
};

function paused({ paused: pause, queue }, now) {
  if (!pause) return null;
  const until = pause.until ? ` until ${moment(pause.until, now)}` : "";
  const why = pause.reason ? `: “${brief(pause.reason)}”` : "";
  const ready = queue?.depth?.ready;
  const waiting = ready ? ` ${plural(ready, "message")} ${ready === 1 ? "waits" : "wait"} in the queue.` : "";
  const how = fixed[pause.by] ?? "";
  const text = `Paused since ${moment(pause.since, now)}${until} by ${pause.by}${why}.${waiting}${how}`;
  return { level: "warn", text, action: how ? undefined : "resume" };
}

// A lost connection and a stop are said in their own words above.
function notReady({ ready, live, phase, remarks, queue }) {
  const explained = phase !== "running" || !live || (queue?.connection && queue.connection.state !== "consuming");
  if (explained || (ready && !remarks.length)) return null;
  const why = remarks.length ? remarks.map(sentence).join(" ") : "It does not say why.";
  return { level: ready ? "note" : "warn", text: ready ? why : `This host is not ready. ${why}`, action: "log" };
}

function deadLetters({ queue, capabilities }, failures, snapshot) {
  const depth = queue?.depth;
  const fresh = snapshot && !(new Date(depth?.at) > new Date(snapshot.changed_at ?? snapshot.taken_at));
  const dead = fresh ? snapshot.count : depth?.dead_letters;
  if (!dead) return null;
  const letters = plural(dead, "dead letter");
  const action = capabilities.dead_letters ? "letters" : undefined;
  if (snapshot?.items.length) {
    const colon = snapshot.items.length === dead ? ":" : "; of those looked at:";
    return { level: "bad", action, text: `${letters}${colon} ${kinds(snapshot.items)}.` };
  }
  const lately = failures.filter((failure) => failure.outcome === "dead_letter").slice(0, dead);
  if (!lately.length) return { level: "bad", action, text: `${letters}. Look at them to see why.` };
  // The host remembers its own last fifty failures only; older letters and those of other hosts are not among them.
  const colon = lately.length === dead ? ":" : "; lately";
  return { level: "bad", action, text: `${letters}${colon} ${kinds(lately)}.` };
}

function kinds(items) {
  const groups = groupByError(items);
  const shown = groups.slice(0, 3).map(({ error, reason, items: { length } }) => {
    return `${count(length)} × ${error ? `“${brief(error, 80)}”` : reason}`;
  });
  if (groups.length > shown.length) shown.push(`${plural(groups.length - shown.length, "other kind")}`);
  return shown.join(", ");
}

function failing({ rates }, failures) {
  if (!rates.failed || rates.failed < rates.acknowledged) return null;
  const example = failures[0]?.error ? `, last with “${brief(failures[0].error)}”` : "";
  return { level: "warn", action: "log", text: `Most messages fail: ${rate(rates.failed)}${example}.` };
}

function schedule({ schedule: plan, paused: pause }, now) {
  if (!plan || plan.running || !plan.last_run || pause) return null;
  if (plan.last_success && new Date(plan.last_success) >= new Date(plan.last_run)) return null;
  const good = plan.last_success ? `the last good one was at ${moment(plan.last_success, now)}` : "none has succeeded yet";
  const next = plan.next[0] ? ` The next is due ${distance(plan.next[0], now)}.` : "";
  return { level: "bad", action: "schedules", text: `The run of ${moment(plan.last_run, now)} did not succeed; ${good}.${next}` };
}

function allIsWell(status, now) {
  const { queue, schedule: plan, rates, phase: name } = status;
  if (name !== "running") return { level: "ok", text: "There is nothing to do." };
  if (plan) {
    const next = plan.next[0] ? `the next run is due ${distance(plan.next[0], now)}` : "no run is due";
    const doing = plan.running ? `${plural(plan.running, "run")} in progress, ` : "";
    return { level: "ok", text: `All is well: ${doing}${next}${plan.leads === false ? "; another replica leads" : ""}.` };
  }
  return { level: "ok", text: `All is well: ${flow(queue, rates)}.` };
}

function flow(queue, { acknowledged }) {
  const ready = queue?.depth?.ready;
  const speed = acknowledged ? `${rate(acknowledged)}` : "nothing to do at the moment";
  if (!ready) return acknowledged ? `${speed}, and nothing waits` : speed;
  // Only a guess: others send and receive, too.
  const left = acknowledged ? `, about ${duration(Math.ceil(ready / acknowledged))} of work` : "";
  return `${acknowledged ? speed : "idle"}, ${plural(ready, "message")} ${ready === 1 ? "waits" : "wait"}${left}`;
}

const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
