// SPDX-License-Identifier: MIT
import { observable } from "./observable.js";

// A host answers in milliseconds; taking a snapshot of a thousand dead letters may take a while.
const readLimitMs = 10_000;
const slowLimitMs = 60_000;

/** The host answered, and refused. `message` is its sentence; `answer` all that it said. */
export class Refused extends Error {
  constructor(status, message, answer = {}) {
    super(message);
    this.status = status;
    this.answer = answer;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {}

/**
 * The admin API of one host. `prefix` is relative to the page, so that both may live behind a proxy in any folder:
 * `api/v1/`, or `api/v1/hosts/KEY/` for a host of a fleet.
 */
export class Api {
  constructor(prefix) {
    this.prefix = prefix;
  }

  /** What `GET path` answers. Throws Refused or Unreachable; waits for the operator where a token is needed. */
  get(path, limitMs = readLimitMs) {
    return request(this.prefix + path, {}, limitMs);
  }

  /** What `POST path` answers. */
  post(path, body) {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return request(this.prefix + path, options, slowLimitMs);
  }

  /** For what has to be fetched from the queue first. */
  getSlowly(path) {
    return this.get(path, slowLimitMs);
  }
}

async function request(url, options, limitMs) {
  for (;;) {
    const sent = token();
    const headers = sent === null ? options.headers : { ...options.headers, Authorization: `Bearer ${sent}` };
    const response = await send(url, { ...options, headers }, limitMs);
    if (response.status !== 401) return answerOf(response);
    await tokenAfter(sent);
  }
}

async function send(url, options, limitMs) {
  try {
    return await fetch(url, { ...options, cache: "no-store", signal: AbortSignal.timeout(limitMs) });
  } catch (error) {
    // What browsers say of a refused connection is "Failed to fetch", which helps nobody.
    throw new Unreachable(error.name === "TimeoutError" ? `no answer within ${limitMs / 1000} s` : "no connection");
  }
}

async function answerOf(response) {
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Refused(response.status, `answered with ${response.status}, and not with JSON`);
  }
  if (!response.ok) throw new Refused(response.status, answer?.error ?? `answered with ${response.status}`, answer);
  return answer;
}

// In sessionStorage: gone with the tab, and never sent by the browser by itself, as a cookie would be.
const tokenKey = "svchost.token";

/** What is asked of the operator: null, or `{refused}`, which says whether a token was tried in vain. */
export const asking = observable(null);

let answered = null;

const token = () => sessionStorage.getItem(tokenKey);

/** Waits for another token than the one that was refused (null: none was sent). All requests wait for the same answer. */
function tokenAfter(refused) {
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
  sessionStorage.setItem(tokenKey, value);
  asking.set(null);
  const { resolve } = answered;
  answered = null;
  resolve();
}
