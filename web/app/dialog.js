// SPDX-License-Identifier: MIT
import { html, useLayoutEffect, useRef } from "../vendor/preact-htm.js";
import { observable, useObservable } from "./observable.js";

const open = observable(null);

/** Opens a dialog: `draw(close)` gives its content, a `Dialog`. One at a time. */
export const openDialog = (draw) => open.set(draw);

const close = () => open.set(null);

export const dialogIsOpen = () => document.querySelector("dialog[open]") !== null;

/** Where dialogs appear. */
export function Dialogs() {
  const draw = useObservable(open);
  return draw ? draw(close) : null;
}

/**
 * A modal dialog. The browser's own `<dialog>` keeps the focus inside, closes on Escape, and gives the focus back to where
 * it was. `onClose` null: it cannot be left without an answer.
 */
export function Dialog({ title, onClose, onSubmit, children, alert = false }) {
  const dialog = useRef(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    element.showModal();
    return () => element.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose?.();
  };
  // Chromium closes it at a second Escape whatever `cancel` says.
  const closed = ({ target }) => {
    if (!target.isConnected) return;
    if (onClose) onClose();
    else target.showModal();
  };
  const submit = (event) => {
    event.preventDefault();
    onSubmit?.();
  };
  return html`
    <dialog ref=${dialog} role=${alert ? "alertdialog" : undefined} aria-labelledby="dialog-title" onCancel=${cancel} onClose=${closed}>
      <form method="dialog" onSubmit=${submit}>
        <h2 id="dialog-title">${title}</h2>
        ${children}
      </form>
    </dialog>`;
}

/** Asks before something that cannot be taken back. `verb` is what the button says. */
export function confirmThen({ title, text, verb, danger = false, then }) {
  openDialog((done) => {
    const yes = () => {
      done();
      then();
    };
    return html`
      <${Dialog} title=${title} alert onClose=${done} onSubmit=${yes}>
        <p>${text}</p>
        <div class="buttons">
          <button type="button" onClick=${done} autofocus>Cancel</button>
          <button type="submit" class=${danger ? "danger" : "primary"}>${verb}</button>
        </div>
      <//>`;
  });
}
