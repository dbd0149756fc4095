// SPDX-License-Identifier: MIT
// The host that the page is tested with. Everything that a test knows of the mock is here.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../mock_host.py", import.meta.url));

/**
 * Starts a host in which nothing happens by itself, until the test ends. `options` are those of mock_host.py.
 * `call(name, arguments)` makes something happen: class Control in mock_host.py.
 */
export async function startHost(t, ...options) {
  const process = spawn("/usr/bin/python3", ["-B", script, "--port", "0", "--still", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => process.kill());
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  const { value: url, done } = await lines.next();
  if (done) throw new Error("the mock host ended before it answered");

  async function call(name, args = {}) {
    const response = await fetch(`${url}mock/${name}`, { method: "POST", body: JSON.stringify(args) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }
  return {
    url,
    call,
    patch: (status, host) => call("patch", host ? { status, host } : { status }),
    letters: async () => (await call("state")).letters,
    status: async () => (await call("state")).status,
  };
}
