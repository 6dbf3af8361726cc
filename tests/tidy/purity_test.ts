/** The purity rule finds what waits, measures, draws or reaches outside, in the pure layers and only there. */

import { assertEquals } from "@std/assert";
import { complaints, inLayer } from "./support.ts";

const IMPURE: readonly (readonly [source: string, what: string])[] = [
  ["await x;", "await"],
  ["for await (const a of b) c(a);", "for await"],
  ["async function f() {}", "an async function"],
  ["const f = async () => {};", "an async function"],
  ["const o = { async m() {} };", "an async function"],
  ["class A { async m() {} }", "an async function"],
  ['const a = import("./a.ts");', "a dynamic import"],
  ["function f(): Promise<void> {}", "Promise"],
  ["const p = Promise.resolve();", "Promise"],
  ["const t = Date.now();", "Date"],
  ["const t = new Date();", "Date"],
  ["const { now } = Date;", "Date"],
  ["const o = { Date };", "Date"],
  ["const r = Math.random();", "random"],
  ['const r = Math["random"]();', "random"],
  ["const p = Deno.pid;", "Deno"],
  ["const g = globalThis;", "globalThis"],
  ["console.log(1);", "console"],
  ["setTimeout(f, 1);", "setTimeout"],
  ["queueMicrotask(f);", "queueMicrotask"],
  ["const t = performance.now();", "performance"],
  ["const u = crypto.randomUUID();", "crypto"],
  ["const n = new Intl.NumberFormat();", "Intl"],
  ["keys.sort((a, b) => a.localeCompare(b));", "localeCompare"],
  ["const s = n.toLocaleString();", "toLocaleString"],
  ["const w = new WeakRef(o);", "WeakRef"],
  ['const f = new Function("return 1");', "Function"],
];

Deno.test("what is impure is found in raft, store and kv", () => {
  for (const layer of ["raft", "store", "kv"]) {
    for (const [source, what] of IMPURE) {
      const expected = `Cannot use ${what} in ${layer}: it is a pure, synchronous layer`;
      assertEquals(new Set(complaints("purity", inLayer(layer, source))), new Set([expected]), source);
    }
  }
});

Deno.test("other layers and tests wait and measure freely", () => {
  for (const [source] of IMPURE) {
    assertEquals(complaints("purity", inLayer("node", source)), [], source);
    assertEquals(complaints("purity", { path: "tests/unit/raft/sample_test.ts", source }), [], source);
  }
});

Deno.test("pure code passes, also where a member has the name of something impure", () => {
  const sources = [
    "const n = Math.max(1, 2);",
    "const d = entry.Date;",
    "const o = { Date: 1, console: 2 };",
    "interface A { readonly performance: number; fetch(): void }",
    "class A { process() { return this.crypto; } }",
    "const f = random.fraction();",
    "const r = this.random();",
    "function* f() { yield 1; }",
    "for (const a of b) c(a);",
    "// Date.now() and await are only named here.",
    'const s = "Promise";',
  ];
  for (const source of sources) assertEquals(complaints("purity", inLayer("raft", source)), [], source);
});
