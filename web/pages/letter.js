// SPDX-License-Identifier: MIT
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";
import { hexDump, prettyJson } from "../app/json_text.js";
import { useKeys } from "../app/keys.js";
import { remove, requeue, sendEdited } from "../app/letters.js";
import { Badge, Choice, Empty, Facts, PageTitle, Panel, Time } from "../app/parts.js";
import { go, pageOf } from "../app/router.js";
import { useHost } from "../app/watch.js";
import { bytes, count } from "../app/words.js";

/** One dead letter: why it failed, what is in it, and what can be done. */
export function Letter({ id }) {
  const host = useHost();
  const { base, now } = host;
  const { letter, error } = useLetter(host, id);
  const [editing, setEditing] = useState(false);
  const list = pageOf(base, "dead-letters");
  const back = () => go(list);
  useKeys([{ key: "u", text: "Back to the list", run: back }]);
  const link = html`<a href=${list}>All dead letters</a>`;
  if (error) {
    const text = error.status === 404 ? "It is not among the dead letters any more." : error.message;
    return html`<${PageTitle} aside=${link}>Dead letter<//><${Empty}>${text}<//>`;
  }
  if (!letter) return html`<${PageTitle} aside=${link}>Dead letter<//><${Empty}>Fetching…<//>`;
  return html`
    <${PageTitle} aside=${link}>Dead letter<//>
    <p class="error-text">${letter.error || "It came without an error text."}</p>
    ${host.can.act && !editing && html`<${Actions} letter=${letter} back=${back} edit=${() => setEditing(true)} />`}
    ${editing && html`<${Editor} letter=${letter} back=${back} cancel=${() => setEditing(false)} />`}
    ${!editing && html`<${Body} letter=${letter} />`}
    <div class="columns">
      <${About} letter=${letter} now=${now} />
      <${Pairs} title="Headers" pairs=${letter.headers} />
      <${Pairs} title="Properties" pairs=${letter.properties} />
    </div>`;
}

function useLetter({ api }, id) {
  const [state, setState] = useState({ letter: null, error: null });
  useEffect(() => {
    let current = true;
    api.getSlowly(`dead-letters/${encodeURIComponent(id)}`).then(
      (letter) => current && setState({ letter, error: null }),
      (error) => current && setState({ letter: null, error }),
    );
    return () => (current = false);
  }, [api, id]);
  return state;
}

function Actions({ letter, back, edit }) {
  const host = useHost();
  const send = () => requeue(host, { ids: [letter.id] }, back);
  const drop = () => remove(host, { ids: [letter.id] }, back);
  const editable = host.can.edit && typeof letter.body === "string";
  useKeys([
    { key: "q", text: "Requeue it", run: send },
    ...(editable ? [{ key: "e", text: "Edit it", run: edit }] : []),
    { key: "Delete", text: "Delete it", run: drop },
  ]);
  return html`
    <div class="actions" role="group" aria-label="Actions">
      <button class="primary" onClick=${send}>Requeue</button>
      ${editable && html`<button onClick=${edit}>Edit and requeue</button>`}
      <button class="danger" onClick=${drop}>Delete…</button>
    </div>`;
}

function Editor({ letter, back, cancel }) {
  const host = useHost();
  const [body, setBody] = useState(letter.body);
  const [sending, setSending] = useState(false);
  const text = useRef(null);
  useLayoutEffect(() => text.current.focus(), []);
  const brokeJson = prettyJson(letter.body) !== null && prettyJson(body) === null;
  const submit = async (event) => {
    event.preventDefault();
    setSending(true);
    const sent = await sendEdited(host, letter.id, body);
    setSending(false);
    if (sent) back();
  };
  return html`
    <form class="editor" onSubmit=${submit}>
      <label for="body">Body</label>
      <p class="hint" id="editor-hint">
        A copy with this body goes to ${letter.original_queue} as a new message, with all its attempts before it. This letter
        goes once the copy is safe.
      </p>
      <textarea id="body" rows="12" spellcheck="false" aria-describedby="editor-hint" ref=${text}
        onInput=${(event) => setBody(event.target.value)}>${letter.body}</textarea>
      <p class="problem" role="status">${brokeJson ? "The body was JSON, and is no longer." : ""}</p>
      <div class="actions">
        <button type="submit" class="primary" disabled=${sending}>Send the copy</button>
        <button type="button" onClick=${cancel}>Cancel</button>
      </div>
    </form>`;
}

function Body({ letter }) {
  const { can } = useHost();
  const [raw, setRaw] = useState(false);
  if (!can.bodies) return html`<${Panel} title="Body"><${Empty}>This host keeps bodies to itself (ADMIN_BODIES=false).<//><//>`;
  if (typeof letter.body !== "string") {
    return html`<${Panel} title="Body"><p class="hint">Not text, ${bytes(letter.size)}.</p><pre class="body">${hexDump(letter.body_base64 ?? "")}</pre><//>`;
  }
  const pretty = prettyJson(letter.body);
  const choice = pretty !== null && html`
    <${Choice} label="How the body is shown" options=${[[false, "JSON"], [true, "Raw"]]} value=${raw} onChange=${setRaw} />`;
  return html`
    <${Panel} title="Body" aside=${choice}>
      ${letter.body === "" ? html`<${Empty}>It is empty.<//>` : html`<pre class="body" tabindex="0" aria-label="Body">${pretty === null || raw ? letter.body : pretty}</pre>`}
    <//>`;
}

function About({ letter, now }) {
  return html`
    <${Panel} title="Letter">
      <${Facts} items=${[
        ["Message", html`<span class="id">${letter.message}</span>`],
        ["Queue it came from", letter.original_queue],
        ["Reason", html`<${Badge}>${letter.reason}<//>`],
        ["Attempts", count(letter.attempts)],
        ["Failed first", html`<${Time} at=${letter.first_failed_at} now=${now} seconds />`],
        ["Failed last", html`<${Time} at=${letter.last_failed_at} now=${now} seconds />`],
        ["Content type", letter.content_type || "–"],
        ["Size", bytes(letter.size)],
      ]} />
    <//>`;
}

const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function Pairs({ title, pairs }) {
  if (!pairs?.length) return null;
  return html`
    <${Panel} title=${title}>
      <${Facts} items=${pairs.map(([name, value]) => [name, html`<code>${written(value)}</code>`])} />
    <//>`;
}
