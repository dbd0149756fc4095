// SPDX-License-Identifier: MIT
// What holds for the files of the page, whatever they do.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const web = fileURLToPath(new URL("../../../web/", import.meta.url));
const files = readdirSync(web, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(web, path.join(entry.parentPath ?? entry.path, entry.name)));
const served = files.filter((file) => /\.(html|js|css|svg)$/.test(file));
const own = served.filter((file) => !file.startsWith("vendor/"));
const read = (file) => readFileSync(path.join(web, file), "utf8");
const maxBytes = 60_000;

test("all that is served fits into 60 KB, each file gzipped by itself", () => {
  const bytes = served.reduce((sum, file) => sum + gzipSync(readFileSync(path.join(web, file)), { level: 9 }).length, 0);
  assert.ok(bytes <= maxBytes, `${bytes} bytes`);
});

test("nothing else lies there than what is served or said of it", () => {
  const others = files.filter((file) => !served.includes(file)).sort();
  assert.deepEqual(others, ["README.md", "vendor.sh", "vendor/LICENSE.htm", "vendor/LICENSE.preact", "vendor/SHA256SUMS"]);
});

test("vendored files are what their checksums say", () => {
  const sums = read("vendor/SHA256SUMS").trim().split("\n").map((line) => line.split("  "));
  assert.deepEqual(sums.map(([, file]) => `vendor/${file}`).sort(), files.filter((file) => /^vendor\/(?!SHA)/.test(file)).sort());
  for (const [sum, file] of sums) assert.equal(createHash("sha256").update(readFileSync(path.join(web, "vendor", file))).digest("hex"), sum);
});

test("every module is loaded ahead", () => {
  const listed = [...read("index.html").matchAll(/(?:modulepreload" href|src)="([^"]+\.js)"/g)].map(([, file]) => file);
  assert.deepEqual(listed.sort(), served.filter((file) => file.endsWith(".js")).sort());
});

test("nothing becomes markup that was text, and nothing needs a laxer policy", () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bstyle=|\son[a-z]+="|javascript:|<style/;
  for (const file of own) assert.doesNotMatch(read(file), forbidden, file);
});

test("addresses are relative, so that the page works in any folder", () => {
  for (const file of own) {
    assert.doesNotMatch(read(file), /(?:href|src)="\/|from "\/|fetch\("\/|url\(/, file);
    const elsewhere = read(file).replaceAll("http://www.w3.org/2000/svg", "");
    assert.doesNotMatch(elsewhere, /https?:\/\//, file);
  }
});

test("no file is too long to be read", () => {
  for (const file of own) assert.ok(read(file).split("\n").length <= 400, file);
});
