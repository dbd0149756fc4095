// SPDX-License-Identifier: MIT
import { observable } from "./observable.js";

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
    const count = Math.max(items.length, snapshot.count - (snapshot.items.length - items.length));
    const changed_at = new Date().toISOString();
    this.state.set({ loading: false, error: null, snapshot: { ...snapshot, items, count, changed_at } });
  }

  /** Nothing of it is true any more. */
  clear() {
    this.state.set({ loading: false, snapshot: null, error: null });
  }
}
