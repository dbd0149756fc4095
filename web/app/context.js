// SPDX-License-Identifier: MIT
import { createContext, useContext } from "../vendor/preact-htm.js";

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
