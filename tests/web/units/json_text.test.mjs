// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";
import { hexDump, prettyJson } from "../../../web/app/json_text.js";

test("JSON is laid out as JSON.stringify would", () => {
  const values = [{}, [], { a: [], b: {}, c: [1, "x, {y}: [z]", null, { d: true }] }, "text", 1, [[[]]], { 'q"\\': "\\\"" }];
  for (const value of values) assert.equal(prettyJson(JSON.stringify(value)), JSON.stringify(value, null, 2));
});

test("nothing but white space changes", () => {
  assert.equal(prettyJson('{"id":12345678901234567890,"price":19.90,"a":1,"a":2}'), '{\n  "id": 12345678901234567890,\n  "price": 19.90,\n  "a": 1,\n  "a": 2\n}');
});

test("what is no JSON is left alone", () => {
  for (const text of ["", "plain", "{'a': 1}", "{", '{"a": 1} x']) assert.equal(prettyJson(text), null);
});

test("bytes are shown as hexdump does, up to a limit", () => {
  const bytes = Buffer.from("ABC\x00\xff and more than a line", "latin1").toString("base64");
  assert.equal(hexDump(bytes, 16), "000000  41 42 43 00 ff 20 61 6e 64 20 6d 6f 72 65 20 74  ABC.. and more t\n… 10 more bytes");
});
