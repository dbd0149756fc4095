#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Counts messages, and says when the first and the last of them came: what bench/rabbitmq's meter says of a library.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { serve } = await import(pathToFileURL(process.env.BENCH_LINES));
const count = Number(process.env.BENCH_COUNT);
let seen = 0;
let first;

serve(() => {
  seen += 1;
  if (seen === 1) first = process.hrtime.bigint();
  if (seen !== count) return;
  const result = { first_ns: Number(first), end_ns: Number(process.hrtime.bigint()) };
  writeFileSync(process.env.BENCH_RESULT, JSON.stringify(result));
});
