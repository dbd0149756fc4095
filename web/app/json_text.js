// SPDX-License-Identifier: MIT

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * JSON with line breaks and indentation, or null where `text` is not JSON. Only white space changes: going through
 * JSON.parse would round large numbers and drop repeated names, and an operator looks for exactly that.
 */
export function prettyJson(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(token) ?? [];
  let depth = 0;
  let out = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((part, index) => {
    const empty = (part === "{" || part === "[") && /^[}\]]$/.test(tokens[index + 1]);
    const closesEmpty = (part === "}" || part === "]") && /^[{[]$/.test(tokens[index - 1]);
    if (empty || closesEmpty) out += part;
    else if (part === "{" || part === "[") out += (++depth, part + line());
    else if (part === "}" || part === "]") out += (--depth, line() + part);
    else if (part === ",") out += part + line();
    else out += part === ":" ? ": " : part;
  });
  return out;
}

/** Bytes as `hexdump -C` shows them, sixteen a line, the first `limit` of them. */
export function hexDump(base64, limit = 1024) {
  const binary = atob(base64);
  const lines = [];
  for (let at = 0; at < Math.min(binary.length, limit); at += 16) {
    const row = [...binary.slice(at, at + 16)];
    const hex = row.map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= " " && byte <= "~" ? byte : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  if (binary.length > limit) lines.push(`… ${binary.length - limit} more bytes`);
  return lines.join("\n");
}
