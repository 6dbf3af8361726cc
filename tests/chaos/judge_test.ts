import { assertEquals, assertMatch } from "@std/assert";

import type { Operation } from "../linearizability/history.ts";
import type { LedgerWrite } from "../support/ledger.ts";
import { countLeftOut, type Evidence, judge } from "./judge.ts";
import { LogBook } from "./log_book.ts";

/** Three nodes that keep what one client was told: two values of a key, its deletion, and a last value. */
const LOG: readonly string[] = [
  "Index 1, Term 1: (no-op)",
  'Index 2, Term 1: PUT "k" "u1-1."',
  'Index 3, Term 1: PUT "k" "u1-2."',
  'Index 4, Term 1: DELETE "k"',
  'Index 5, Term 1: PUT "k" "u1-3."',
];

function operation(name: "get" | "put" | "delete", told: Partial<Operation>): Operation {
  const blank = { client: 1, key: "k", argument: null, result: null, outcome: "ok", index: null } as const;
  return { ...blank, operation: name, call: 0, return: 0, ...told };
}

const OPERATIONS: readonly Operation[] = [
  operation("get", { call: 1, return: 5 }),
  operation("put", { argument: "u1-1.", call: 10, return: 20 }),
  operation("get", { result: "u1-1.", call: 21, return: 29 }),
  operation("put", { argument: "u1-2.", call: 30, return: 40 }),
  operation("get", { result: "u1-2.", call: 41, return: 49 }),
  operation("delete", { result: true, call: 50, return: 60 }),
  operation("get", { call: 61, return: 69 }),
  operation("put", { argument: "u1-3.", call: 70, return: 80 }),
  operation("get", { result: "u1-3.", call: 90, return: 99 }),
];

function bookOf(lines: readonly string[]): LogBook {
  const book = new LogBook();
  book.take(lines, { committed: 1_000, source: "a test" });
  return book;
}

function ledgerOf(operations: readonly Operation[]): LedgerWrite[] {
  return operations.filter((one) => one.operation !== "get").map(({ key, argument, call, ...told }) => {
    return { key, value: argument, call, return: told.return };
  });
}

function evidence(changes: Partial<Evidence> = {}): Evidence {
  const finals = new Map([0, 1, 2].map((node) => [node, new Map<string, string | null>([["k", "u1-3."]])]));
  return { ledger: ledgerOf(OPERATIONS), operations: OPERATIONS, refused: [], finals, book: bookOf(LOG), ...changes };
}

function replaced(at: number, told: Partial<Operation>): Operation[] {
  return OPERATIONS.map((one, place) => place === at ? { ...one, ...told } : one);
}

/** One of the problems says so. */
function assertFound(changed: Partial<Evidence>, what: RegExp): void {
  assertMatch(judge(evidence(changed)).join("\n"), what);
}

Deno.test("a run that kept its promises is found without fault", () => {
  assertEquals(judge(evidence()), []);
});

Deno.test("an acknowledged write that no node has, or one of the nodes has not, is noticed", () => {
  const never: LedgerWrite = { key: "never", value: "u9-1.", call: 1, return: 2 };
  assertFound({ ledger: [...ledgerOf(OPERATIONS), never] }, /^key never on node 0: promised was u9-1\./m);
  assertFound(
    { ledger: [...ledgerOf(OPERATIONS), never] },
    /u9-1\. to never was acknowledged and is nowhere in the log/,
  );
  const { finals } = evidence();
  assertFound({ finals: new Map([...finals, [1, new Map([["k", null]])]]) }, /^key k on node 1: .* read was nothing$/m);
  assertFound({ finals: new Map([...finals, [2, new Map()]]) }, /^key k on node 2: .* read was not answered$/m);
});

Deno.test("a stale read is noticed by both checks", () => {
  const stale = { operations: replaced(4, { result: "u1-1." }) };
  assertFound(stale, /^certificate of k: /m);
  assertFound(stale, /^search: /m);
});

Deno.test("reads that saw no value when there was one, and deletions that found nothing, are noticed by both checks", () => {
  for (
    const operations of [replaced(2, { result: null }), replaced(8, { result: null }), replaced(5, { result: false })]
  ) {
    assertFound({ operations }, /^certificate of k: /m);
    assertFound({ operations }, /^search: /m);
  }
});

Deno.test("a value that came back after its deletion is noticed by both checks", () => {
  const returned = { operations: replaced(6, { result: "u1-2." }) };
  assertFound(returned, /^certificate of k: /m);
  assertFound(returned, /^search: /m);
});

Deno.test("a write that was refused and is in the log all the same is noticed", () => {
  assertFound({ refused: ["u1-3."] }, /^the write of u1-3\. was refused and stands in the log at 5$/m);
});

Deno.test("a write that was refused and was read all the same is noticed, wherever its entry is", () => {
  const read = operation("get", { key: "other", result: "u5-5.", call: 90, return: 95 });
  assertFound(
    { refused: ["u5-5."], operations: [...OPERATIONS, read] },
    /^the write of u5-5\. was refused and was read from other$/m,
  );
});

Deno.test("a deletion that was refused and is in the log all the same is noticed", () => {
  const book = bookOf([...LOG, 'Index 6, Term 1: PUT "j" "u1-4."', 'Index 7, Term 1: DELETE "j"']);
  const stored = operation("put", { key: "j", argument: "u1-4.", call: 90, return: 95 });
  const finals = new Map([0, 1, 2].map((node) => [node, new Map([["k", "u1-3."], ["j", "u1-4."]])]));
  const operations = [...OPERATIONS, stored];
  assertFound(
    { operations, ledger: ledgerOf(operations), finals, book },
    /^1 deletions of j stand in the log, and only 0 were acknowledged or left open$/m,
  );
});

Deno.test("a write of unknown outcome is in the log or not, as it likes", () => {
  const unknown = operation("put", { argument: "u1-4.", outcome: "unknown", call: 82, return: null });
  const operations = [...OPERATIONS, unknown];
  const ledger = ledgerOf(operations);
  assertEquals(judge(evidence({ operations, ledger })), []);
  const finals = new Map([0, 1, 2].map((node) => [node, new Map([["k", "u1-4."]])]));
  const book = bookOf([...LOG, 'Index 6, Term 1: PUT "k" "u1-4."']);
  const done = operations.toSpliced(8, 1);
  assertEquals(judge(evidence({ operations: done, ledger, finals, book })), []);
});

Deno.test("a log that changed after it was committed is noticed", () => {
  const book = bookOf(LOG);
  book.take(['Index 3, Term 2: PUT "k" "u7-7."'], { committed: 100, source: "node 2" });
  assertFound({ book }, /^entry 3 was committed as /m);
});

Deno.test("a deletion of unknown outcome leaves no doubt about the others", () => {
  const unknown = operation("delete", { outcome: "unknown", call: 82, return: null });
  const last = operation("get", { call: 100, return: 110 });
  const finals = new Map([0, 1, 2].map((node) => [node, new Map([["k", null]])]));
  const operations = [...OPERATIONS, unknown, last];
  const done = bookOf([...LOG, 'Index 6, Term 1: DELETE "k"']);
  assertEquals(judge(evidence({ operations, ledger: ledgerOf(operations), finals, book: done })), []);
  // Nobody deleted it: then the last read is wrong, though a client of the text protocol alone could not tell.
  assertFound({ operations, ledger: ledgerOf(operations), finals }, /^certificate of k: /m);
});

/** What another client did to other keys, so that there is a lot else to check. */
function bystanders(count: number): { readonly operations: readonly Operation[]; readonly lines: readonly string[] } {
  const numbers = Array.from({ length: count }, (_, at) => at);
  return {
    operations: numbers.map((at) => {
      return operation("put", { client: 2, key: `b${at}`, argument: `u2-${at}.`, call: 200 + at, return: 200 + at });
    }),
    lines: numbers.map((at) => `Index ${6 + at}, Term 1: PUT "b${at}" "u2-${at}."`),
  };
}

/** A run in which the entry of one of the bystanders' writes was never seen. */
function withMissedEntry(own: readonly Operation[], count = 200): Partial<Evidence> {
  const { operations, lines } = bystanders(count);
  const all = [...own, ...operations];
  const values = new Map<string, string | null>([
    ["k", "u1-3."],
    ...operations.map(({ key, argument }) => {
      return [key, argument] as const;
    }),
  ]);
  const finals = new Map([0, 1, 2].map((node) => [node, values]));
  return { operations: all, ledger: ledgerOf(all), finals, book: bookOf([...LOG, ...lines.toSpliced(3, 1)]) };
}

Deno.test("one entry that was missed stops no check of keys whose writes were all seen", () => {
  assertEquals(judge(evidence(withMissedEntry(OPERATIONS))), []);
  assertEquals(countLeftOut(evidence(withMissedEntry(OPERATIONS))), 1);
  for (const own of [replaced(2, { result: null }), replaced(8, { result: null }), replaced(5, { result: false })]) {
    assertFound(withMissedEntry(own), /^certificate of k: /m);
  }
});

Deno.test("more acknowledged writes than entries are out of sight: one of them is lost", () => {
  const missed = evidence(withMissedEntry(OPERATIONS));
  // Overwritten by the last value, so that what the nodes hold in the end says nothing about it.
  const lost: LedgerWrite = { key: "k", value: "u1-9.", call: 1, return: 2 };
  assertFound(
    { ...missed, ledger: [...missed.ledger, lost] },
    /^the write of u1-9\. to k was acknowledged and is nowhere in the log$/m,
  );
});

Deno.test("a run of which more than the bound was not checked fails", () => {
  assertEquals(judge(evidence(withMissedEntry(OPERATIONS, 41))), []);
  assertFound(
    withMissedEntry(OPERATIONS, 40),
    /^1 of 49 operations were not checked, since 1 log entries were never seen; at most 2 % may be$/m,
  );
});
