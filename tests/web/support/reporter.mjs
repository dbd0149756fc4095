// SPDX-License-Identifier: MIT
// A line for each test, why those failed that did, and `N passed, N failed` as the last line, as all of the project's tests end.
import path from "node:path";

const isFile = ({ name }) => name.endsWith(".test.mjs");

function reason({ details }) {
  const error = details.error?.cause ?? details.error;
  return String(error?.stack ?? error).replace(/^/gm, "    ");
}

export default async function* report(events) {
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of events) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    // A file is reported as a test of its own by some versions of Node.js; it counts only where it failed by itself.
    const itself = isFile(data);
    if (itself && (type === "test:pass" || data.details.error?.failureType === "subtestsFailed")) continue;
    const name = itself ? path.basename(data.name) : data.name;
    if (type === "test:pass") {
      ++passed;
      yield `ok      ${name} (${(data.details.duration_ms / 1000).toFixed(1)} s)\n`;
    } else {
      ++failed;
      yield `FAILED  ${name}\n${reason(data)}\n`;
    }
  }
  yield `${passed} passed, ${failed} failed\n`;
}
