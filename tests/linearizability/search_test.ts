/** The search explains what it refuses, says when it gives up, and is not thrown by what Raft histories are full of. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { generateHistory } from "./generator.ts";
import { parseNotation } from "./notation.ts";
import { describeSearchResult, searchLinearization } from "./search.ts";

Deno.test("search: a refusal shows the longest order and the operation that fits nowhere", () => {
  const history = parseNotation(`
    0-1 put x a
    2-3 put x b
    4-9 put x c
    5-8 get x -> a
    0-1 put y a
  `);
  const found = searchLinearization(history);
  assert(found.type === "NotLinearizable");
  assertEquals(found.key, "x");
  assertEquals(found.deadlock.tail, history.slice(0, 1));
  assertEquals(found.deadlock.stuck, history[1]);
  assertEquals(found.deadlock.reader, history[3]);
  assertEquals(
    describeSearchResult(found),
    [
      'Not linearizable: key "x". The longest order found has 1 operations and ends with',
      '  client 0 put "x" "a": gave null, 0..1 ns, index unknown',
      'which leaves "a". Then no place is left for',
      '  client 1 put "x" "b": gave null, 2..3 ns, index unknown',
      "That state is still needed by",
      '  client 3 get "x": gave "a", 5..8 ns, index unknown',
    ].join("\n"),
  );
});

Deno.test("search: a state with readers ahead is left if a later write brings it back", () => {
  const history = parseNotation(
    "0-1 put x a\n 2-3 put x b\n 4-5 put x a\n 6-7 get x -> a\n 8-9 delete x\n 10-11 get x -> none",
  );
  assertEquals(searchLinearization(history), { type: "Linearizable" });
});

Deno.test("search: too many dead ends leave it undecided, and that names the key and the limit", () => {
  const history = parseNotation("0-1 put y a\n 0-9 put x a\n 0-9 put x b\n 10-11 get x -> a\n 12-13 get x -> b");
  const found = searchLinearization(history, { deadEndsMax: 0 });
  assertEquals(found, { type: "Undecided", key: "x", deadEndsMax: 0 });
  assertStringIncludes(describeSearchResult(found), 'key "x" led into more than 0 dead ends');
  assertEquals(searchLinearization(history).type, "NotLinearizable");
});

Deno.test("search: a read of what nobody could have written is found at once, and named", () => {
  const history = parseNotation("0-1 get x -> none\n 0-9 put x a\n 10-11 get x -> c");
  const found = searchLinearization(history, { deadEndsMax: 0 });
  assert(found.type === "NotLinearizable");
  assertEquals(found.deadlock.stuck, history[2]);
  assertEquals(found.deadlock.tail, history.slice(0, 1));
});

Deno.test("search: indexes are ignored", () => {
  const history = generateHistory(new Random(3), { operations: 300, clients: 5, keys: 2, unknownShare: 0.1 });
  const scrambled = history.map((operation, at) => ({ ...operation, index: history.length - at }));
  assertEquals(searchLinearization(scrambled), { type: "Linearizable" });
});

Deno.test("search: a malformed or unheard-of operation is refused", () => {
  const [read] = parseNotation("5-6 get x -> none");
  assert(read !== undefined);
  assertThrows(() => searchLinearization([{ ...read, return: 4 }]), RangeError, 'is before "call"');
  assertThrows(() => searchLinearization([{ ...read, operation: "fetch" }]), RangeError, 'operation "fetch"');
});

Deno.test("search: unknown reads say nothing", () => {
  assertEquals(searchLinearization(parseNotation("0-1 put x a\n 2- get x -> b")), { type: "Linearizable" });
});

for (const clients of [5, 10]) {
  Deno.test(`search: 500 operations of ${clients} clients on one key, one write in five unknown, are decided`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const shape = { operations: 500, clients, keys: 1, unknownShare: 0.2, stepMaxNs: 1_000 };
      const history = generateHistory(new Random(seed), shape);
      const found = searchLinearization(history);
      assertEquals(found.type, "Linearizable", `seed ${seed}: ${describeSearchResult(found)}`);
      const reads = history.filter(({ operation, result }) => operation === "get" && result !== null);
      const [first, last] = [reads.at(0), reads.at(-1)];
      assert(first !== undefined && last !== undefined, `seed ${seed}`);
      const stale = history.map((operation) => operation === last ? { ...last, result: first.result } : operation);
      assertEquals(searchLinearization(stale).type, "NotLinearizable", `seed ${seed}`);
      const invented = history.map((operation) => operation === last ? { ...last, result: "other" } : operation);
      assertEquals(searchLinearization(invented).type, "NotLinearizable", `seed ${seed}`);
    }
  });
}
