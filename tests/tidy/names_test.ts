/** The rules on modules and on parts of the language: each fires on a bad sample and stays silent on a good one. */

import { assertEquals } from "@std/assert";
import { complaints, inLayer } from "./support.ts";

type Cases = readonly (readonly [source: string, count: number])[];

function check(rule: string, cases: Cases): void {
  for (const [source, count] of cases) {
    assertEquals(complaints(rule, inLayer("node", source)).length, count, source);
  }
}

Deno.test("no-default-export", () => {
  check("no-default-export", [
    ["export default 1;", 1],
    ["export default function f() {}", 1],
    ["const a = 1; export { a as default };", 1],
    ['export { default } from "./a.ts";', 1],
    ["export const a = 1;", 0],
    ["const a = 1; export { a };", 0],
    ['import a from "uplot";', 0],
  ]);
  // Deno itself asks for the default export of a plugin.
  const source = "export default {};";
  assertEquals(complaints("no-default-export", { path: "tests/tidy/plugin.ts", source }), []);
  assertEquals(complaints("no-default-export", { path: "tests/tidy/other.ts", source }).length, 1);
});

Deno.test("no-barrel", () => {
  check("no-barrel", [
    ['export * from "./a.ts";', 1],
    ['export { a } from "./a.ts";', 1],
    ['export type { A } from "./a.ts";', 1],
    ['import { a } from "./a.ts"; export { a };', 1],
    ["const a = 1; export { a };", 0],
    ['import { a } from "./a.ts"; export const b = a;', 0],
  ]);
  // The library is one module made of many.
  assertEquals(complaints("no-barrel", { path: "mod.ts", source: 'export * from "./lib/node/api.ts";' }), []);
});

Deno.test("file-name", () => {
  for (const name of ["log.ts", "append_entries.ts", "section_5_1_terms_test.ts", "mod.d.ts"]) {
    assertEquals(complaints("file-name", { path: `lib/raft/${name}`, source: "" }), [], name);
  }
  for (const name of ["appendEntries.ts", "Log.ts", "append-entries.ts", "_log.ts", "log_.ts", "log.test.ts"]) {
    assertEquals(complaints("file-name", { path: `lib/raft/${name}`, source: "" }).length, 1, name);
  }
});

Deno.test("documented", () => {
  check("documented", [
    ["export const a = 1;", 1],
    ["/* Not a doc comment. */\nexport const a = 1;", 1],
    ["// Not a doc comment.\nexport function f() {}", 1],
    ["/** What it is. */\nexport const a = 1;", 0],
    ["/** What it is. */\nexport interface A {}", 0],
    ["const a = 1;", 0],
  ]);
  assertEquals(complaints("documented", { path: "tests/support/a.ts", source: "export const a = 1;" }), []);
});

Deno.test("no-enum", () => {
  check("no-enum", [["enum Role { Leader }", 1], ["const enum Role { Leader }", 1], ['type Role = "Leader";', 0]]);
});

Deno.test("no-event-emitter", () => {
  check("no-event-emitter", [
    ['import "node:events";', 1],
    ["class A extends EventTarget {}", 1],
    ["const a = new EventEmitter();", 1],
    ["const events = [];", 0],
  ]);
});

Deno.test("declared-function", () => {
  check("declared-function", [
    ["const f = () => 1;", 1],
    ["export const f = function () {};", 1],
    ["function f() { const g = () => 1; return g; }", 0],
    ["export function f() {}", 0],
    ["const list = items.map((item) => item.id);", 0],
  ]);
});

Deno.test("hash-private", () => {
  check("hash-private", [
    ["class A { private a = 1; }", 1],
    ["class A { protected m() {} }", 1],
    ["class A { constructor(private readonly a: number) {} }", 1],
    ["class A { #a = 1; readonly b = 2; constructor(readonly c: number) {} }", 0],
    ["class A { private constructor() {} }", 0],
  ]);
});
