// SPDX-License-Identifier: MIT
import { useEffect, useState } from "../vendor/preact-htm.js";

/**
 * Calls `work` now and `intervalMs` after each end of it, while the page is visible; at once when it becomes visible again.
 * Never two at a time. `work` handles its own errors. `again()` asks for a turn now, `stop()` ends it.
 */
export function poll(work, intervalMs) {
  let timer = null;
  let working = false;
  let wanted = false;
  let stopped = false;

  async function turn() {
    clearTimeout(timer);
    if (stopped || document.hidden) return;
    if (working) {
      wanted = true;
      return;
    }
    working = true;
    do {
      wanted = false;
      await work();
    } while (wanted && !stopped);
    working = false;
    if (!stopped && !document.hidden) timer = setTimeout(turn, intervalMs);
  }

  document.addEventListener("visibilitychange", turn);
  turn();
  return {
    again: turn,
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", turn);
    },
  };
}

/**
 * What `GET path` answers, asked again and again while the component is shown: `{data, error, again}`. The last data stays
 * when an error comes: what was true a moment ago is better than an empty page.
 */
export function useResource(api, path, intervalMs) {
  const [state, setState] = useState({ data: null, error: null, again() {} });
  useEffect(() => {
    let current = true;
    const update = (change) => current && setState((old) => ({ ...old, ...change }));
    const polling = poll(async () => {
      try {
        update({ data: await api.get(path), error: null });
      } catch (error) {
        update({ error });
      }
    }, intervalMs);
    update({ again: polling.again });
    return () => {
      current = false;
      polling.stop();
    };
  }, [api, path, intervalMs]);
  return state;
}
