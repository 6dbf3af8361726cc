/** Draws the calls of the workload: every call of the table in lib/kv has a place in one of the tables here. */

import type { Random } from "../../lib/base/random.ts";
import type { Call, Compare } from "../../lib/kv/commands.ts";

/** Where a maker gets its words from. */
export interface Words {
  readonly random: Random;
  /** The date of the simulated clusters, in ms since 1970. */
  now(): number;
  /** A key of a family, which is the beginning of its name. */
  key(family: string): string;
  /** A value that is used once. */
  value(): string;
}

type Make = (words: Words) => Call;
type Table = Readonly<Record<string, Make>>;

/** Keys that hold numbers, keys that hold text, and keys that calls on several keys and on deadlines share. */
export const FAMILY = { number: "sc", text: "st", shared: "m", session: "x" } as const;

const COUNTERS: Table = {
  SET: (words) => ["SET", number(words), amount(words), ...words.random.pick([[], [], ["NX"], ["XX"], ["GET"]])],
  INCR: (words) => ["INCR", number(words)],
  DECR: (words) => ["DECR", number(words)],
  INCRBY: (words) => ["INCRBY", number(words), amount(words)],
  DECRBY: (words) => ["DECRBY", number(words), amount(words)],
  INCRBYFLOAT: (words) => ["INCRBYFLOAT", number(words), words.random.pick(["0.5", "-1.5", "2"])],
  GETSET: (words) => ["GETSET", number(words), amount(words)],
  GETDEL: (words) => ["GETDEL", number(words)],
};

const TEXTS: Table = {
  SET: (words) => ["SET", text(words), words.value(), "GET"],
  SETNX: (words) => ["SETNX", text(words), words.value()],
  APPEND: (words) => ["APPEND", text(words), piece(words)],
  SETRANGE: (words) => ["SETRANGE", text(words), `${words.random.below(40)}`, piece(words)],
  GETDEL: (words) => ["GETDEL", text(words)],
  DELEX: (words) => ["DELEX", text(words), ...words.random.pick([[], ["IFEQ", "x"], ["IFNE", "x"]])],
  DEL: (words) => ["DEL", text(words)],
  "SET IFEQ": (words) => ["SET", text(words), "x", "IFEQ", words.random.pick(["x", "y"])],
  "SET x": (words) => ["SET", text(words), words.random.pick(["x", "y"])],
};

const TEXT_QUERIES: Table = {
  GET: (words) => ["GET", text(words)],
  "GET number": (words) => ["GET", number(words)],
  STRLEN: (words) => ["STRLEN", text(words)],
  GETRANGE: (words) => ["GETRANGE", text(words), `${place(words)}`, `${place(words)}`],
  EXISTS: (words) => ["EXISTS", number(words)],
  TYPE: (words) => ["TYPE", text(words)],
};

const SHARED: Table = {
  SET: (words) => ["SET", shared(words), words.value(), ...deadlineOption(words)],
  "SET KEEPTTL": (words) => ["SET", shared(words), words.value(), "KEEPTTL"],
  SETEX: (words) => ["SETEX", shared(words), `${words.random.between(1, 4)}`, words.value()],
  PSETEX: (words) => ["PSETEX", shared(words), milliseconds(words), words.value()],
  GETEX: (words) => ["GETEX", shared(words), ...words.random.pick([["PERSIST"], ["PX", milliseconds(words)]])],
  EXPIRE: (words) => ["EXPIRE", shared(words), `${words.random.between(-1, 4)}`, ...condition(words)],
  PEXPIRE: (words) => ["PEXPIRE", shared(words), milliseconds(words), ...condition(words)],
  EXPIREAT: (words) => ["EXPIREAT", shared(words), `${Math.ceil(date(words) / 1_000)}`, ...condition(words)],
  PEXPIREAT: (words) => ["PEXPIREAT", shared(words), `${date(words)}`, ...condition(words)],
  PERSIST: (words) => ["PERSIST", shared(words)],
  MSET: (words) => ["MSET", ...pairs(words)],
  MSETNX: (words) => ["MSETNX", ...pairs(words)],
  DEL: (words) => ["DEL", shared(words), shared(words)],
  UNLINK: (words) => ["UNLINK", shared(words)],
  RENAME: (words) => ["RENAME", shared(words), shared(words)],
  RENAMENX: (words) => ["RENAMENX", shared(words), shared(words)],
  COPY: (words) => ["COPY", shared(words), `${shared(words)}'`, ...words.random.pick([[], ["REPLACE"]])],
  APPEND: (words) => ["APPEND", shared(words), piece(words)],
  INCR: (words) => ["INCR", shared(words)],
  DELEX: (words) => ["DELEX", shared(words)],
};

const SHARED_QUERIES: Table = {
  MGET: (words) => ["MGET", shared(words), shared(words), shared(words)],
  EXISTS: (words) => ["EXISTS", shared(words), shared(words)],
  TOUCH: (words) => ["TOUCH", shared(words)],
  TTL: (words) => ["TTL", shared(words)],
  PTTL: (words) => ["PTTL", shared(words)],
  EXPIRETIME: (words) => ["EXPIRETIME", shared(words)],
  PEXPIRETIME: (words) => ["PEXPIRETIME", shared(words)],
  REVISION: (words) => ["REVISION", shared(words)],
  OBJECT: (words) => ["OBJECT", "ENCODING", shared(words)],
  MEMORY: (words) => ["MEMORY", "USAGE", shared(words)],
  DBSIZE: () => ["DBSIZE"],
  KEYS: (words) => ["KEYS", `${words.random.pick(Object.values(FAMILY))}*`],
  SCAN: (words) => ["SCAN", "0", "MATCH", `${words.random.pick(Object.values(FAMILY))}*`, "COUNT", "100000"],
  RANGE: (words) => ["RANGE", shared(words), words.random.pick(["", "n"]), "LIMIT", "3", ...keysOnly(words)],
  PREFIX: (words) => ["PREFIX", "m", "AFTER", shared(words), "LIMIT", "4", ...keysOnly(words)],
  RANDOMKEY: () => ["RANDOMKEY"],
  GETEX: (words) => ["GETEX", shared(words)],
};

const FLUSHES: Table = { FLUSHALL: () => ["FLUSHALL"], FLUSHDB: () => ["FLUSHDB"] };

/** A call that changes one key of a family of its own, to be judged in histories. */
export function makeCallOnOneKey(words: Words): Call {
  return draw(words.random.chance(0.5) ? COUNTERS : TEXTS, words);
}

/** A call that reads one such key. */
export function makeQueryOnOneKey(words: Words): Call {
  return draw(TEXT_QUERIES, words);
}

/** A call on keys that other calls on several keys, and on deadlines, change as well. */
export function makeSharedCall(words: Words): Call {
  return draw(SHARED, words);
}

/** A call that reads such keys. */
export function makeSharedQuery(words: Words): Call {
  return draw(SHARED_QUERIES, words);
}

/** A call that removes every key there is. */
export function makeFlush(words: Words): Call {
  return draw(FLUSHES, words);
}

/** Comparisons and calls of a transaction on shared keys. */
export function makeTransaction(words: Words): {
  readonly type: "Transaction";
  readonly compares: readonly Compare[];
  readonly then: readonly Call[];
  readonly otherwise: readonly Call[];
} {
  const { random } = words;
  const some = (most: number, make: () => Call) => Array.from({ length: random.between(0, most) }, make);
  const part = () => random.chance(0.5) ? makeSharedCall(words) : transactionQuery(words);
  const compares = Array.from({ length: random.between(0, 2) }, () => makeCompare(words));
  // A value of its own tells it from every other.
  const own: Call = ["SET", shared(words), words.value()];
  return { type: "Transaction", compares, then: [own, ...some(2, part)], otherwise: some(2, part) };
}

/** Names of the calls in the workload. */
export const CALLS_IN_WORKLOAD: ReadonlySet<string> = new Set(
  [COUNTERS, TEXTS, TEXT_QUERIES, SHARED, SHARED_QUERIES, FLUSHES].flatMap((table) =>
    Object.keys(table).map((name) => name.split(" ")[0] ?? "")
  ),
);

/** Within a transaction nothing is answered that depends on a node: chance and the memory of cursors. */
function transactionQuery(words: Words): Call {
  for (;;) {
    const call = makeSharedQuery(words);
    if (call[0] !== "RANDOMKEY" && call[0] !== "SCAN") return call;
  }
}

/** A comparison of a shared key. */
export function makeCompare(words: Words): Compare {
  const { random } = words;
  const field = random.pick(["VALUE", "VERSION", "CREATE", "MOD", "EXISTS"] as const);
  const operator = random.pick(["=", "!=", "<", ">"] as const);
  return { key: shared(words), field, operator, operand: `${random.below(field === "EXISTS" ? 2 : 40)}` };
}

function draw(table: Table, words: Words): Call {
  const make = table[words.random.pick(Object.keys(table))];
  return make === undefined ? [] : make(words);
}

function number(words: Words): string {
  return words.key(FAMILY.number);
}

function text(words: Words): string {
  return words.key(FAMILY.text);
}

function shared(words: Words): string {
  return words.key(FAMILY.shared);
}

function amount({ random }: Words): string {
  return `${random.between(-50, 50)}`;
}

function piece({ random }: Words): string {
  return random.pick(["x", "yy", "\u00ff\x00", "x7"]);
}

function place({ random }: Words): number {
  return random.between(-20, 20);
}

function milliseconds({ random }: Words): string {
  return `${random.between(1, 3_000)}`;
}

/** Soon by the clock of most nodes; that of a node whose clock is ahead may have passed it. */
function date({ random, now }: Words): number {
  return Math.ceil(now()) + random.between(1, 4_000);
}

function deadlineOption(words: Words): readonly string[] {
  return words.random.pick([[], ["EX", "1"], ["PX", milliseconds(words)], ["NX", "PX", milliseconds(words)]]);
}

function condition({ random }: Words): readonly string[] {
  return random.pick([[], [], ["NX"], ["XX"], ["GT"], ["LT"]]);
}

function keysOnly({ random }: Words): readonly string[] {
  return random.pick([[], ["KEYS"]]);
}

function pairs(words: Words): readonly string[] {
  return [shared(words), words.value(), shared(words), words.value()];
}

/** A call that would show if it were done twice. */
export function makeSessionCall(words: Words): Call {
  const key = words.key(FAMILY.session);
  return words.random.chance(0.5) ? ["INCR", key] : ["APPEND", key, "1"];
}
