// SPDX-License-Identifier: MIT
import { Refused } from "./api.js";
import { confirmThen } from "./dialog.js";
import { act, say } from "./notices.js";
import { observable } from "./observable.js";
import { count, plural } from "./words.js";

/**
 * The snapshot of a host's dead letters. It is taken only when asked for, as taking it receives every letter and gives it
 * back. Its `state` is `{loading, snapshot, error}`.
 */
export class Letters {
  constructor(api) {
    this.api = api;
    this.state = observable({ loading: false, snapshot: null, error: null });
  }

  /** Takes a snapshot; `refresh`: a new one, also where the host still has one that is less than a minute old. */
  async load(refresh = false) {
    if (this.state.get().loading) return;
    this.state.set({ ...this.state.get(), loading: true, error: null });
    try {
      const snapshot = await this.api.getSlowly(refresh ? "dead-letters?refresh=1" : "dead-letters");
      this.state.set({ loading: false, snapshot, error: null });
    } catch (error) {
      this.state.set({ ...this.state.get(), loading: false, error });
    }
  }

  /** Takes letters out of the snapshot that are in the queue no longer. */
  forget(ids) {
    const { snapshot } = this.state.get();
    const gone = new Set(ids);
    const items = snapshot.items.filter((item) => !gone.has(item.id));
    const left = Math.max(items.length, snapshot.count - (snapshot.items.length - items.length));
    const changed_at = new Date().toISOString();
    this.state.set({ loading: false, error: null, snapshot: { ...snapshot, items, count: left, changed_at } });
  }

  /** Nothing of it is true any more. */
  clear() {
    this.state.set({ loading: false, snapshot: null, error: null });
  }
}

/**
 * What an action is about: `{ids}`, letters that were shown, or `{all}`, as many as there were. The host refuses `all` where
 * there are more by now, so that nothing is done to what nobody has seen.
 */
const sizeOf = ({ ids, all }) => ids?.length ?? all;

/** Sends letters back to their queues. `done` is called when they have gone. */
export function requeue(host, scope, done = () => {}) {
  const send = () => change(host, scope, "requeue", "requeued", done);
  const { snapshot } = host.letters.state.get();
  if (!scope.all || scope.all <= snapshot.items.length) return send();
  return confirmThen({
    title: `Requeue all ${count(scope.all)}?`,
    text: `Only ${count(snapshot.items.length)} of them are shown here.`,
    verb: `Requeue ${count(scope.all)}`,
    then: send,
  });
}

/** Asks, then removes letters for good. */
export function remove(host, scope, done = () => {}) {
  const letters = plural(sizeOf(scope), "dead letter");
  confirmThen({
    title: `Delete ${letters}?`,
    text: "What is deleted is gone, with its body. Nothing brings it back.",
    verb: `Delete ${count(sizeOf(scope))}`,
    danger: true,
    then: () => change(host, scope, "delete", "deleted", done),
  });
}

async function change(host, scope, verb, field, done) {
  const { api, letters, watch } = host;
  try {
    const changed = (await api.post(`dead-letters/${verb}`, scope))[field];
    if (scope.all) letters.clear();
    else if (letters.state.get().snapshot) letters.forget(scope.ids);
    say(told(changed, sizeOf(scope), field));
    done();
    if (scope.all) await letters.load(true);
  } catch (error) {
    say(error instanceof Refused && error.status === 409 ? grown(error, scope, field) : error.message, "bad");
  }
  watch.again();
  requestAnimationFrame(keepFocus);
}

// The button that was pressed may be gone with its letters; whoever works by keyboard goes on from the page's beginning.
function keepFocus() {
  if (document.activeElement === document.body) document.getElementById("page-title")?.focus();
}

function told(changed, wanted, field) {
  const what = field === "requeued" ? "back in the queue" : "deleted";
  const text = `${plural(changed, "message")} ${changed === 1 ? "is" : "are"} ${what}.`;
  if (changed >= wanted) return text;
  const missing = wanted - changed;
  return `${text} ${missing === 1 ? "Another one was" : `${count(missing)} others were`} no longer there.`;
}

function grown({ answer }, { all }, field) {
  return `There are ${count(answer.count)} dead letters now, and you have seen ${count(all)}. Nothing was ${field}. ` +
    "Look at them again, then decide.";
}

/** Sends a copy with another body, and removes the letter. Whether that went well. */
export async function sendEdited({ api, letters, watch }, id, body) {
  const sent = await act(
    () => api.post(`dead-letters/${encodeURIComponent(id)}/edit`, { body }),
    (answer) => `The edited copy is in the queue as ${answer.id}; the letter is gone.`,
  );
  if (sent && letters.state.get().snapshot) letters.forget([id]);
  watch.again();
  return sent;
}
