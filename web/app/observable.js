// SPDX-License-Identifier: MIT
import { useEffect, useState } from "../vendor/preact-htm.js";

/** A value that tells its listeners when it is replaced. */
export function observable(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of [...listeners]) listener(next);
    },
    /** Calls `listener` after each change, until the function that is returned is called. */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value of an observable; draws the component again when it changes. */
export function useObservable(source) {
  const [, redraw] = useState(null);
  useEffect(() => {
    // It may have changed between the first drawing and this effect.
    redraw({});
    return source.subscribe(() => redraw({}));
  }, [source]);
  return source.get();
}
