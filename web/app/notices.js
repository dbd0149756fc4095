// SPDX-License-Identifier: MIT
import { html, useEffect } from "../vendor/preact-htm.js";
import { observable, useObservable } from "./observable.js";

const shownMs = 12_000;

const notice = observable(null);

/** Tells what became of an action, to eyes and to screen readers. Good news go by themselves, bad ones when dismissed. */
export const say = (text, level = "ok") => notice.set({ text, level });

/** Does something and tells what came of it: `told` makes a sentence of the answer. Whether it went well. */
export async function act(work, told) {
  try {
    say(told(await work()));
    return true;
  } catch (error) {
    say(error.message, "bad");
    return false;
  }
}

export const dismiss = () => notice.set(null);

export function Notices() {
  const shown = useObservable(notice);
  useEffect(() => {
    if (shown?.level !== "ok") return undefined;
    const timer = setTimeout(dismiss, shownMs);
    return () => clearTimeout(timer);
  }, [shown]);
  // Both regions are always there: screen readers do not announce what appears together with its region.
  const text = (level) => (shown?.level === level ? shown.text : "");
  return html`
    <div class=${shown ? `notice ${shown.level}` : "notice gone"}>
      <p role="status">${text("ok")}</p>
      <p role="alert">${text("bad")}</p>
      ${shown && html`<button class="quiet" aria-label="Dismiss this notice" onClick=${dismiss}>✕</button>`}
    </div>`;
}
