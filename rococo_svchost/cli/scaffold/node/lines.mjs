// Speaks with svchost: a message is a line of JSON on standard input, and so is its answer on standard output.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Whether this module is what Node.js was started with, and not imported by another, such as a test. */
export function isProgram(meta) {
  return realpathSync(globalThis.process.argv[1]) === fileURLToPath(meta.url);
}

/** Thrown by `process`: no retry can help. The message becomes a dead letter at once. */
export class PermanentError extends Error {}

/** Thrown by `process`: again after this time, such as "30s". */
export class RetryAfter extends Error {
  constructor(after, message = "to be tried again") {
    super(message);
    this.after = after;
  }
}

/**
 * Calls `process(message)` for each message, and waits for what it promises. A message has `body` (what its JSON says, or a
 * Buffer where it is no JSON), `message_id`, `queue`, `headers`, `attempt`, and what else was sent with it.
 *
 * `parallel`: how many messages are worked on at once. With 1, they are in the queue's order.
 */
export function serve(process, { parallel = 1 } = {}) {
  const waiting = [];
  let running = 0;

  function begin() {
    while (running < parallel && waiting.length > 0) {
      running += 1;
      call(process, waiting.shift()).then(() => {
        running -= 1;
        begin();
      });
    }
  }

  say({ ready: { protocol: 1, window: Math.max(64, parallel), parallel } });
  readLines((line) => {
    const said = JSON.parse(line);
    if ("sent" in said || "not_sent" in said) return settle(said);
    waiting.push(said);
    begin();
  });
}

const sending = new Map();
let sends = 0;

/** Sends a message, whose body is any JSON or a Buffer, to the queue of this full name; resolves once it is safe there. */
export function send(queue, body, properties = {}) {
  const ref = ++sends;
  const content = Buffer.isBuffer(body) ? { body_base64: body.toString("base64") } : { body };
  return new Promise((resolve, reject) => {
    sending.set(ref, { resolve, reject });
    say({ send: { ref, queue, ...content, ...properties } });
  });
}

/** Writes a line of the log, at a level such as "WARNING". `console.log` writes one at INFO. */
export function log(level, text) {
  say({ log: String(text), level });
}

async function call(process, message) {
  try {
    if ("body_base64" in message) message.body = Buffer.from(message.body_base64, "base64");
    await process(message);
    say({ id: message.id });
  } catch (error) {
    const outcome = error instanceof PermanentError ? "dead-letter" : "retry";
    say({ id: message.id, outcome, after: error?.after, error: String(error?.stack ?? error) });
  }
}

function settle(said) {
  const ref = said.sent ?? said.not_sent;
  const { resolve, reject } = sending.get(ref);
  sending.delete(ref);
  if ("sent" in said) resolve();
  else reject(new Error(said.error));
}

// Answers that come together are written together.
let unsaid = "";

function say(object) {
  if (unsaid === "") setImmediate(write);
  unsaid += JSON.stringify(object) + "\n";
}

function write() {
  const text = unsaid;
  unsaid = "";
  globalThis.process.stdout.write(text);
}

function readLines(take) {
  let parts = [];
  globalThis.process.stdin.setEncoding("utf8");
  globalThis.process.stdin.on("data", (chunk) => {
    const lines = chunk.split("\n");
    if (lines.length > 1) {
      lines[0] = parts.join("") + lines[0];
      parts = [];
    }
    parts.push(lines.pop());
    lines.forEach(take);
  });
}
