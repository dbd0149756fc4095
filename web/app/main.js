// SPDX-License-Identifier: MIT
import { html, render, useEffect, useState } from "../vendor/preact-htm.js";
import { Api, Refused, asking, giveToken } from "./api.js";
import { Dialog, Dialogs } from "./dialog.js";
import { Notices } from "./notices.js";
import { useObservable } from "./observable.js";
import { poll } from "./poll.js";
import { route } from "./router.js";
import { Host } from "./shell.js";
import { Fleet } from "../pages/fleet.js";

const api = new Api("api/v1/");
const retryMs = 3000;

/** Whether this page was served by a host (`host`) or by a dashboard of many (`fleet`); null while that is unknown. */
function useServer() {
  const [server, setServer] = useState({ kind: null, error: null });
  useEffect(() => {
    const polling = poll(async () => {
      const kind = await kindOfServer().catch((error) => ({ kind: null, error }));
      setServer(kind);
      if (kind.kind) polling.stop();
    }, retryMs);
    return polling.stop;
  }, []);
  return server;
}

async function kindOfServer() {
  try {
    await api.get("fleet");
    return { kind: "fleet", error: null };
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return { kind: "host", error: null };
    throw error;
  }
}

function App() {
  const { kind, error } = useServer();
  const { host, page, rest } = useObservable(route);
  let shown;
  if (kind === null) shown = html`<main><p class="boot">${error ? `Nothing to show: ${error.message}. Trying again…` : "Loading…"}</p></main>`;
  else if (kind === "fleet" && host === null) shown = html`<${Fleet} api=${api} />`;
  else shown = html`<${Host} key=${host} hostKey=${kind === "fleet" ? host : null} page=${page} rest=${rest} />`;
  return html`${shown}<${Notices} /><${Dialogs} /><${TokenDialog} />`;
}

function TokenDialog() {
  const question = useObservable(asking);
  const [value, setValue] = useState("");
  if (!question) return null;
  const submit = () => {
    setValue("");
    giveToken(value);
  };
  return html`
    <${Dialog} title="This host asks for a token" onSubmit=${submit}>
      ${question.refused && html`<p class="problem" role="alert">That was not the token.</p>`}
      <label>Token <small>ADMIN_TOKEN of the host</small>
        <input type="password" value=${value} required pattern="[!-~]+" autofocus autocomplete="off" onInput=${(event) => setValue(event.target.value)} />
      </label>
      <p class="hint">It is kept until this tab is closed.</p>
      <div class="buttons"><button type="submit" class="primary">Open</button></div>
    <//>`;
}

const place = document.getElementById("app");
place.textContent = "";
render(html`<${App} />`, place);
