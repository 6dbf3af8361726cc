/** The caps hold at the line, and count what a reader sees. */

import { assertEquals } from "@std/assert";
import { complaints, inLayer } from "./support.ts";

function lines(count: number): string {
  return Array.from({ length: count }, (_, at) => `const a${at} = ${at};\n`).join("");
}

Deno.test("a file of 400 lines passes and one of 401 does not, in the program and in tests", () => {
  for (const path of ["lib/node/sample.ts", "tests/unit/sample_test.ts", "bench/sample.ts"]) {
    assertEquals(complaints("file-size", { path, source: lines(400) }), []);
    assertEquals(complaints("file-size", { path, source: lines(401) }), [
      "File has 401 lines: at most 400 are allowed",
    ]);
  }
});

Deno.test("a function of 70 lines passes and one of 71 does not, however it is written", () => {
  const forms: readonly ((body: string) => string)[] = [
    (body) => `function f() {\n${body}}\n`,
    (body) => `const f = () => {\n${body}};\n`,
    (body) => `Deno.test("claim", () => {\n${body}});\n`,
    (body) => `class A { m() {\n${body}} }\n`,
    (body) => `const o = { m() {\n${body}} };\n`,
  ];
  for (const form of forms) {
    const found = (count: number) => complaints("function-size", inLayer("node", form(lines(count - 2))));
    assertEquals(found(70), [], form(""));
    assertEquals(found(71), ["Function has 71 lines: at most 70 are allowed"], form(""));
  }
});

Deno.test("two positional parameters pass, and a third one that is an object or can be left out", () => {
  const lists = [
    "",
    "a: number, b: string",
    "a: number, b: string, options: Options",
    "a: number, b: string, options?: Options",
    "a: number, b: string, options = {}",
    "a: number, b: string, { c, d }: Options",
    "a: number, b: string, c: { readonly d: number }",
    "a: number, b: string, c = 1",
    "a: number, b: string, c?: number",
    "a: number, ...rest: number[]",
    "this: A, a: number, b: string",
  ];
  for (const list of lists) {
    assertEquals(complaints("parameters", inLayer("node", `function f(${list}) {}`)), [], list);
  }
});

Deno.test("three positional parameters are refused, however the function is written", () => {
  const sources = [
    "function f(a: number, b: string, c: boolean) {}",
    "function f(a: number, b: string, c: number[]) {}",
    "function f(a: number, b: string, c: () => void) {}",
    "function f(a, b, c) {}",
    "const f = (a: number, b: string, c: boolean) => {};",
    "class A { m(a: number, b: string, c: boolean) {} }",
    "class A { constructor(readonly a: number, readonly b: string, readonly c: boolean) {} }",
    "class A { #m(a: number, b: string, c: boolean) {} }",
    "const o = { m(a: number, b: string, c: boolean) {} };",
    "function f(a: number, b: string, c: boolean, options: Options) {}",
  ];
  for (const source of sources) {
    const expected = ["Function has 3 positional parameters: take at most 2, then an options object"];
    assertEquals(complaints("parameters", inLayer("node", source)), expected, source);
  }
});

Deno.test("a function handed to another takes what that one gives", () => {
  for (const source of ["list.reduce((sum, item, at) => sum + at, 0);", "new Reader(function (a, b, c) {});"]) {
    assertEquals(complaints("parameters", inLayer("node", source)), [], source);
  }
});

Deno.test("tests may take more parameters", () => {
  const sample = { path: "tests/unit/sample_test.ts", source: "function f(a, b, c, d) {}" };
  assertEquals(complaints("parameters", sample), []);
});
