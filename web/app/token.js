// SPDX-License-Identifier: MIT
import { observable } from "./observable.js";

// In sessionStorage: gone with the tab, and never sent by the browser by itself, as a cookie would be.
const key = "svchost.token";

/** What is asked of the operator: null, or `{refused}`, which says whether a token was tried in vain. */
export const asking = observable(null);

let answered = null;

export const token = () => sessionStorage.getItem(key);

/** Waits for another token than the one that was refused (null: none was sent). All requests wait for the same answer. */
export function tokenAfter(refused) {
  if (token() !== refused) return Promise.resolve();
  if (!answered) {
    let resolve;
    const promise = new Promise((done) => (resolve = done));
    answered = { promise, resolve };
    asking.set({ refused: refused !== null });
  }
  return answered.promise;
}

/** The operator's answer. */
export function giveToken(value) {
  sessionStorage.setItem(key, value);
  asking.set(null);
  const { resolve } = answered;
  answered = null;
  resolve();
}
