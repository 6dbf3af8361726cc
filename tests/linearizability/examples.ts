/** Histories whose verdict is known, by hand; indexes are what a store would have answered. */

import type { Operation } from "./history.ts";
import { parseNotation } from "./notation.ts";

/** A history, and what it shows. */
export interface Example {
  readonly name: string;
  readonly operations: readonly Operation[];
}

const READING = ["GET", "STRLEN", "GETRANGE", "EXISTS", "TYPE"];

/** Linearizable, with indexes that fit. */
export const LINEARIZABLE: readonly Example[] = [
  example("nothing at all", ""),
  example("a write and a read after it", "0-1 put x a -> true @1\n 2-3 get x -> a @1"),
  example("a read of a key that nobody wrote", "0-1 get x -> none @0"),
  example("a read beside a write shows the old value", "0-9 put x a @1\n 1-8 get x -> none @0"),
  example("a read beside a write shows the new value", "0-9 put x a @1\n 1-8 get x -> a @1"),
  example("a read called when the write returns is beside it", "0-5 put x a @1\n 5-8 get x -> none @0"),
  example("two writes side by side in either order", "0-9 put x a @2\n 1-8 put x b @1\n 10-11 get x -> a @2"),
  example(
    "reads side by side see the new value, then the old one",
    "0-9 put x a @1\n 1-7 get x -> a @1\n 2-8 get x -> none @0",
  ),
  example(
    "delete tells whether the key existed",
    "0-1 put x a @1\n 2-3 delete x -> true @2\n 4-5 delete x -> false @3",
  ),
  example("put tells whether it created the key", "0-1 put x a -> true @1\n 2-3 put x b -> false @2"),
  example("other keys are other registers", "0-1 put x a @1\n 2-3 get y -> none @1\n 4-5 delete y -> false @2"),
  example("an unknown write never seen", "0-1 put x a @1\n 2- put x b\n 4-5 get x -> a @1"),
  example("an unknown write seen late", "0-1 put x a @1\n 2- put x b\n 4-5 get x -> a @1\n 6-7 get x -> b @2"),
  example(
    "an unknown write seen, then overwritten",
    "0- put x a\n 1-2 get x -> a @1\n 3-4 put x b -> false @2\n 5-6 get x -> b @2",
  ),
  example("an unknown write with its index", "0- put x a @1\n 1-2 get x -> a @1\n 3-4 get x -> a @1"),
  example("an unknown delete seen late", "0-1 put x a @1\n 2- delete x\n 3-4 get x -> a @1\n 5-6 put x b -> true @3"),
  example("an unknown put makes a delete succeed", "0- put x a\n 1-2 delete x -> true @2"),
  example(
    "of two unknown puts the one that nobody read makes the delete succeed",
    "0- put x a\n 1- put x b\n 2-3 delete x -> true @2\n 4-5 get x -> a @3\n 6-7 delete x -> true @4",
  ),
  example(
    "one unknown value twice, by two writes",
    "0- put x a\n 1- put x a\n 2-3 get x -> a @1\n 4-5 put x b @2\n 6-7 get x -> a @3",
  ),
  example("counters", "0-1 incr x -> 1 @1\n 2-9 incr x 5 -> 8 @3\n 3-8 incr x 2 -> 3 @2\n 10-11 get x -> 8 @3"),
  example("two unknown increments at once", "0-1 incr x -> 1 @1\n 2- incr x 2\n 3- incr x 4\n 5-6 get x -> 7 @3"),
  example("an unknown increment between known ones", "0- incr x 2\n 1-2 incr x -> 1 @1\n 3-4 incr x -> 4 @3"),
  example("of two unknown puts the one that explains a sum", "0- put x 5\n 1- put x 7\n 2-3 incr x -> 8 @2"),
  called("calls on one value", [
    [["APPEND", "x", "ab"], 2, [0, 1, 1]],
    [["SETRANGE", "x", "1", "cd"], 3, [2, 9, 3]],
    [["APPEND", "x", "e"], 3, [3, 8, 2]],
    [["GET", "x"], "acd", [10, 11, 3]],
  ]),
  called("an unknown call explains an answer", [
    [["SET", "x", "5"], { s: "OK" }, [0, 1, 1]],
    [["DECRBY", "x", "3"], null, [2]],
    [["SET", "x", "7", "IFEQ", "2"], { s: "OK" }, [4, 5, 3]],
    [["GET", "x"], "7", [6, 7, 3]],
  ]),
];

/** Not linearizable, whatever the indexes. */
export const NOT_LINEARIZABLE: readonly Example[] = [
  example("a stale read", "0-1 put x a @1\n 2-3 put x b @2\n 4-5 get x -> a @1"),
  example("a stale read that claims to be new", "0-1 put x a @1\n 2-3 put x b @2\n 4-5 get x -> a @2"),
  example("a lost write", "0-1 put x a @1\n 2-3 get x -> none @0"),
  example("a lost update: both found the same old value", "0-9 incr x -> 1 @1\n 1-8 incr x -> 1 @2"),
  example("a lost update: both created the key", "0-9 put x a -> true @1\n 1-8 put x b -> true @2"),
  example("a value that nobody wrote", "0-1 put x a @1\n 2-3 get x -> b @1"),
  example("a value from the future", "0-1 get x -> a @1\n 2-3 put x a @1"),
  example("a value of another key", "0-1 put x a @1\n 2-3 get y -> a @1"),
  example("reads that go back", "0-9 put x a @1\n 1-2 get x -> a @1\n 3-4 get x -> none @0"),
  example(
    "two readers that see two writes in different orders",
    "0-9 put x a @1\n 0-9 put x b @2\n 1-2 get x -> a @1\n 1-2 get x -> b @2\n 3-4 get x -> b @2\n 3-4 get x -> a @1\n 5-6 get x -> b @2",
  ),
  example("an unknown write seen, then unseen", "0-1 put x a @1\n 2- put x b\n 3-4 get x -> b @2\n 5-6 get x -> a @3"),
  example("an unknown write seen before its call", "0-1 get x -> a @1\n 2- put x a"),
  example(
    "an unknown write that takes effect twice",
    "0- put x a\n 2-3 get x -> a @1\n 4-5 put x b @2\n 6-7 get x -> b @2\n 8-9 get x -> a @3",
  ),
  example(
    "an unknown delete that takes effect twice",
    "0- delete x\n 1-2 put x a @1\n 3-4 put x b -> true @3\n 5-6 put x c -> true @5",
  ),
  example(
    "a known write that takes effect twice",
    "0-1 put x a @1\n 2-3 put x b @2\n 4-5 get x -> b @2\n 6-7 get x -> a @3",
  ),
  example("a deleted key that comes back", "0-1 put x a @1\n 2-3 delete x -> true @2\n 4-5 get x -> a @2"),
  example("a delete that finds nothing", "0-1 put x a @1\n 2-3 delete x -> false @2"),
  example("a delete that finds what is not there", "0-1 delete x -> true @1"),
  example("an unknown increment that takes effect twice", "0- incr x 2\n 1-2 incr x -> 3 @2\n 3-4 incr x -> 6 @4"),
  example("a number that no increments give", "0- incr x 2\n 1- incr x 2\n 2-3 get x -> 3 @2"),
  called("an append that is lost", [
    [["APPEND", "x", "a"], 1, [0, 1, 1]],
    [["APPEND", "x", "b"], 1, [2, 3, 2]],
  ]),
  called("two that both find no key", [
    [["SETNX", "x", "a"], 1, [0, 9, 1]],
    [["SETNX", "x", "b"], 1, [1, 8, 2]],
  ]),
  called("a condition that did not hold", [
    [["SET", "x", "a"], { s: "OK" }, [0, 1, 1]],
    [["DELEX", "x", "IFEQ", "b"], 1, [2, 3, 2]],
  ]),
  called("a call that reads what is gone", [
    [["SET", "x", "a"], { s: "OK" }, [0, 1, 1]],
    [["GETDEL", "x"], "a", [2, 3, 2]],
    [["STRLEN", "x"], 1, [4, 5, 2]],
  ]),
];

type Called = readonly [
  words: readonly string[],
  answer: unknown,
  times: readonly [call: number, end?: number, index?: number],
];

/** An example of calls: words, answer, and call, return and index; only the call where the outcome is unknown. */
function called(name: string, calls: readonly Called[]): Example {
  const operations = calls.map(([words, answer, [call, end, index]], client): Operation => ({
    client,
    operation: READING.includes(words[0] ?? "") ? "ask" : "call",
    key: words[1] ?? "",
    argument: JSON.stringify(words),
    result: end === undefined ? null : JSON.stringify(answer),
    outcome: end === undefined ? "unknown" : "ok",
    call,
    return: end ?? null,
    index: index ?? null,
  }));
  return { name, operations };
}

function example(name: string, text: string): Example {
  return { name, operations: parseNotation(text) };
}
