import assert from "node:assert";
import { test } from "node:test";

import { process } from "./processor.mjs";

test("acknowledges a message", async () => {
  await assert.doesNotReject(process({ body: { message: "Hello" } }));
});
