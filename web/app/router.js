// SPDX-License-Identifier: MIT
import { observable } from "./observable.js";

/**
 * Where the reader is, from the address after `#/`: `{host, page, rest}`. `host` is a fleet's key for one, or null;
 * `rest` is what follows the page's name, such as a letter's id.
 */
export const route = observable(parse(location.hash));

addEventListener("hashchange", () => route.set(parse(location.hash)));

export function parse(hash) {
  const parts = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  const host = parts[0] === "host" ? parts.splice(0, 2)[1] ?? null : null;
  return { host, page: parts[0] ?? "", rest: parts.slice(1).join("/") };
}

// An address that somebody typed may have a percent sign that stands for nothing.
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The start of the addresses of a host's pages. */
export const baseOf = (host) => (host === null ? "#/" : `#/host/${encodeURIComponent(host)}/`);

/** A page's address. */
export const pageOf = (base, page, rest = "") => base + page + (rest ? `/${encodeURIComponent(rest)}` : "");

export function go(address) {
  location.hash = address;
}
