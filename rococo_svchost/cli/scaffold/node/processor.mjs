#!/usr/bin/env node
import { isProgram, serve } from "./lines.mjs";

// Returning acknowledges the message; throwing tries it again, later.
export async function process(message) {
  console.log("Received message:", message.body);
}

// `parallel`: how many are worked on at once.
if (isProgram(import.meta)) serve(process, { parallel: 1 });
