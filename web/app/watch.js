// SPDX-License-Identifier: MIT
import { createContext, useContext } from "../vendor/preact-htm.js";
import { Refused } from "./api.js";
import { observable } from "./observable.js";
import { poll } from "./poll.js";
import { eventsBetween, extend, firstEvents } from "./timeline.js";

const intervalMs = 2000;

/**
 * Follows one host's status. Its `state` is `{status, failures, unreachable, timeline, now}`: the last status that was seen
 * and the last failures, both kept while the host does not answer; since when and why it does not; what happened meanwhile;
 * and the host's clock in milliseconds, which may differ from this machine's.
 */
export class Watch {
  constructor(api) {
    this.api = api;
    this.state = observable({ status: null, failures: [], unreachable: null, timeline: [], now: Date.now() });
    this.failuresOf = "";
  }

  start() {
    this.polling = poll(() => this.look(), intervalMs);
  }

  stop() {
    this.polling.stop();
  }

  /** Looks now: something was just done. */
  again() {
    this.polling.again();
  }

  async look() {
    try {
      const status = await this.api.get("status");
      const failures = await this.failuresFor(status);
      this.answered(status, failures);
    } catch (error) {
      this.failed(error);
    }
  }

  // They change only when something has failed.
  async failuresFor(status) {
    const { retried, dead_lettered, dropped } = status.totals;
    const of = [status.host.started_at, retried, dead_lettered, dropped].join();
    if (of === this.failuresOf) return this.state.get().failures;
    const { items } = await this.api.get("failures");
    this.failuresOf = of;
    return items;
  }

  answered(status, failures) {
    const old = this.state.get();
    const events = old.status ? eventsBetween(old.status, status) : firstEvents(status);
    if (old.unreachable && old.status) events.unshift({ at: status.host.now, level: "ok", text: "The host answers again" });
    this.skew = new Date(status.host.now) - Date.now();
    this.set({ status, failures, unreachable: null, timeline: extend(old.timeline, events) });
  }

  failed(error) {
    const old = this.state.get();
    const why = error instanceof Refused ? `it says “${error.message}”` : error.message;
    if (old.unreachable) {
      this.set({ ...old, unreachable: { ...old.unreachable, error: why } });
      return;
    }
    const since = new Date(this.hostNow()).toISOString();
    const event = { at: since, level: "bad", text: `The host does not answer: ${why}` };
    this.set({ ...old, unreachable: { since, error: why }, timeline: extend(old.timeline, [event]) });
  }

  hostNow() {
    return Date.now() + (this.skew ?? 0);
  }

  set(state) {
    this.state.set({ ...state, now: this.hostNow() });
  }
}

/**
 * The host that is shown: `{api, watch, letters, base, page, can}` and all of the Watch's state. `base` is the start of its
 * pages' addresses, `page` the one that is shown, `can` its capabilities without what a read-only host refuses.
 */
export const HostContext = createContext(null);

export const useHost = () => useContext(HostContext);

const actions = ["pause", "run_now", "edit"];

/** What the page offers. `act`: any action at all. */
export function offered(capabilities) {
  const can = { ...capabilities, act: !capabilities.read_only };
  if (capabilities.read_only) for (const action of actions) can[action] = false;
  return can;
}
