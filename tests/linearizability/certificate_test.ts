/** What the certificate check asks of the indexes, beyond what linearizability asks. */

import { assertEquals, assertMatch } from "@std/assert";

import { checkCertificate, hasIndexes } from "./certificate.ts";
import { parseNotation } from "./notation.ts";

/** History, and what each violation says. */
const CASES: readonly (readonly [name: string, text: string, violations: readonly RegExp[]])[] = [
  ["two writes of different keys with one index", "0-1 put x a @1\n 0-2 put y b @1", [/Two writes have one index/]],
  ["an unknown write with the index of another", "0-1 put x a @1\n 0- put y b @1", [/Two writes have one index/]],
  ["a read below a write that had returned", "0-1 put x a @2\n 2-3 get y -> none @1", [/The index is too low/]],
  ["a write below a read that had returned", "0-1 get y -> none @4\n 2-3 put x a @3", [/The index is too low/]],
  ["a write at the index of a read that had returned", "0-1 get y -> none @4\n 2-3 put x a @4", [
    /The index is too low/,
  ]],
  ["a read at the index of a read that had returned", "0-1 get y -> none @4\n 2-3 get x -> none @4", []],
  ["a read at the index of a write that had returned", "0-1 put x a @4\n 2-3 get x -> a @4", []],
  ["operations side by side in any order", "0-5 put x a @9\n 1-6 put y b @3\n 2-7 get x -> none @1", []],
  ["an unknown write with an index that is too low", "0-1 put x a @4\n 2- put y b @3", [/The index is too low/]],
  ["two values at one index", "0- put x a\n 0- put x b\n 1-2 get x -> a @2\n 1-2 get x -> b @2", [/does not fit/]],
  ["an unknown write where no index is left", "0-1 put x a @1\n 0- put x b\n 2-5 put y c @2\n 3-6 get x -> b @2", [
    /does not fit/,
  ]],
  ["an unknown write where one index is left", "0-1 put x a @1\n 0- put x b\n 2-5 put y c @2\n 3-6 get x -> b @3", []],
  ["an unknown write called after that index was known", "0-1 get y -> none @3\n 2- put x b\n 0-9 get x -> b @3", [
    /does not fit/,
  ]],
  ["two unknown writes at once where one index is left", "0- incr x\n 0- incr x\n 2-3 get x -> 2 @1", [/does not fit/]],
  ["two unknown writes at once where two indexes are left", "0- incr x\n 0- incr x\n 2-3 get x -> 2 @2", []],
  ["an unknown write before a write, where no index is left", "0-1 put x a @1\n 0- delete x\n 2-3 put x b -> true @2", [
    /does not fit/,
  ]],
  ["an operation without index", "0-1 put x a", [/without index/]],
  ["an unknown read", "0-1 put x a @1\n 2- get x", []],
];

for (const [name, text, patterns] of CASES) {
  Deno.test(`certificate: ${name}`, () => {
    const violations = checkCertificate(parseNotation(text));
    assertEquals(violations.length, patterns.length, violations.join("\n"));
    for (const [at, pattern] of patterns.entries()) assertMatch(violations[at] ?? "", pattern);
  });
}

Deno.test("certificate: a violation names the operations", () => {
  assertEquals(checkCertificate(parseNotation("0-1 put x a @1\n 2-3 get x -> b @1")), [
    'The result does not fit the state ("a"): client 0 put "x" "a": gave null, 0..1 ns, index 1; ' +
    'then client 1 get "x": gave "b", 2..3 ns, index 1',
  ]);
});

Deno.test("certificate: an operation that returns before its call is malformed", () => {
  const violations = checkCertificate(parseNotation("5-3 put x a @1\n 6-7 get x -> a @1"));
  assertEquals(violations.length, 1);
  assertMatch(violations[0] ?? "", /^Malformed operation, "return" 3 is before "call" 5: client 0/);
});

Deno.test("certificate: many violations are counted, not told", () => {
  const lines = Array.from({ length: 50 }, (_, at) => `${at}-${at} get x -> b @1`);
  const violations = checkCertificate(parseNotation(lines.join("\n")));
  assertEquals(violations.length, 21);
  assertEquals(violations.at(-1), "and 30 more");
});

Deno.test("certificate: a history without any index is told apart", () => {
  assertEquals(hasIndexes(parseNotation("0-1 put x a\n 2-3 get x -> a")), false);
  assertEquals(hasIndexes(parseNotation("0-1 put x a\n 2-3 get x -> a @1")), true);
});
