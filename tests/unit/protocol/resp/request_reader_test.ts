/** Requests out of bytes: however they are split, whatever they announce, and what is held meanwhile. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Random } from "../../../../lib/base/random.ts";
import { BEFORE_LOGIN_BYTES_MAX, BEFORE_LOGIN_WORDS_MAX, FAIR_SHARE_BYTES } from "../../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import {
  BULK_BYTES_MAX,
  INLINE_BYTES_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_WORDS_MAX,
} from "../../../../lib/protocol/resp/limits.ts";
import { RequestReader } from "../../../../lib/protocol/resp/request_reader.ts";
import { assertLinear } from "../../../fuzz/timing.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";

const WORD_BYTES_MAX = 100;

interface Bench {
  readonly reader: RequestReader;
  readonly budget: MemoryBudget;
}

function makeBench(
  { memoryBytesMax = 1_000_000_000, wordBytesMax = WORD_BYTES_MAX, isBeforeLogin = (): boolean => false } = {},
): Bench {
  const budget = new MemoryBudget(memoryBytesMax);
  return { budget, reader: new RequestReader(budget, { wordBytesMax, isBeforeLogin }) };
}

/** Everything that is read out of the pieces; a refusal and the final problem are texts. */
function readAll({ reader }: Bench, pieces: readonly string[]): unknown[] {
  const found: unknown[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      found.push("refusal" in next ? next.refusal : next);
    }
    if (reader.problem !== undefined) return [...found, reader.problem];
  }
  return found;
}

function read(...pieces: readonly string[]): unknown[] {
  return readAll(makeBench(), pieces);
}

const LONG = "x".repeat(WORD_BYTES_MAX + 1);

/** Bytes and the requests in them. */
const STREAMS: readonly (readonly [string, readonly unknown[]])[] = [
  [encodeRequest("GET", "k") + encodeRequest("SET", "", "\r\n\0\xff*1\r\n$4"), [["GET", "k"], [
    "SET",
    "",
    "\r\n\0\xff*1\r\n$4",
  ]]],
  [`*0\r\n*-1\r\n${encodeRequest("PING")}`, [["PING"]]],
  [`${encodeRequest("SET", "k", LONG)}${encodeRequest("PING")}`, [
    `ERR a word of 101 bytes is too long (limit ${WORD_BYTES_MAX})`,
    ["PING"],
  ]],
  [`${encodeRequest("SET", LONG, "v", LONG)}${encodeRequest("A")}${encodeRequest(LONG)}${encodeRequest("B")}`, [
    `ERR a word of 101 bytes is too long (limit ${WORD_BYTES_MAX})`,
    ["A"],
    `ERR a word of 101 bytes is too long (limit ${WORD_BYTES_MAX})`,
    ["B"],
  ]],
  [`PING\r\n\r\n \nSET k "a b\\x00"\n${encodeRequest("GET", "k")}QUIT\n`, [
    ["PING"],
    ["SET", "k", "a b\0"],
    ["GET", "k"],
    ["QUIT"],
  ]],
  [`${encodeRequest("PING")}SET "k\n`, [["PING"], "ERR Protocol error: unbalanced quotes in request"]],
  [`${encodeRequest("PING")}*2\r\n$3\r\nGET\r\n+k\r\n`, [["PING"], "ERR Protocol error: expected '$', got '+'"]],
  [`*1\r\n\0`, ["ERR Protocol error: expected '$', got '?'"]],
];

Deno.test("a stream gives the same requests wherever it is split once or twice, and byte by byte", () => {
  for (const [bytes, requests] of STREAMS) {
    assertEquals(read(bytes), requests, JSON.stringify(bytes));
    assertEquals(read(...bytes), requests, `${JSON.stringify(bytes)} byte by byte`);
    for (let first = 1; first < bytes.length; first++) {
      const [head, tail] = [bytes.slice(0, first), bytes.slice(first)];
      assertEquals(read(head, tail), requests, `${JSON.stringify(bytes)} split at ${first}`);
      for (let second = 1; second < tail.length; second += 7) {
        const way = [head, tail.slice(0, second), tail.slice(second)];
        assertEquals(read(...way), requests, `${JSON.stringify(bytes)} split at ${first} and ${first + second}`);
      }
    }
  }
});

Deno.test("counts and lengths that are none end the stream with the words of Redis, wherever they are split", () => {
  const counts = [
    "",
    "x",
    "1x",
    "1.0",
    "+1",
    " 1",
    "--1",
    "-",
    "1 ",
    "0x1",
    "9".repeat(16),
    String(REQUEST_WORDS_MAX + 1),
  ];
  const lengths = [...counts.slice(0, -1), "-1", "-5", String(BULK_BYTES_MAX + 1)];
  const cases = [
    ...counts.map((text) => [`*${text}\r\n`, "ERR Protocol error: invalid multibulk length"] as const),
    ...lengths.map((text) => [`*1\r\n$${text}\r\n`, "ERR Protocol error: invalid bulk length"] as const),
    [`*1\rX$1\r\na\r\n`, "ERR Protocol error: invalid multibulk length"] as const,
    [`*${"1".repeat(200)}`, "ERR Protocol error: invalid multibulk length"] as const,
    [`*1\r\n$${"0".repeat(200)}`, "ERR Protocol error: invalid bulk length"] as const,
  ];
  for (const [bytes, problem] of cases) {
    const after = encodeRequest("PING");
    assertEquals(read(bytes + after), [problem], JSON.stringify(bytes));
    assertEquals(read(...bytes, after), [problem], `${JSON.stringify(bytes)} byte by byte`);
  }
});

Deno.test("the most words, the longest word and the longest inline request are taken; one more is not", () => {
  const words = `*${REQUEST_WORDS_MAX}\r\n`;
  assertEquals(read(words), []);
  assertEquals(read(encodeRequest("x".repeat(WORD_BYTES_MAX))), [["x".repeat(WORD_BYTES_MAX)]]);
  const inline = "x".repeat(INLINE_BYTES_MAX);
  assertEquals(read(`${inline}\n`), [[inline]]);
  for (const pieces of [[`${inline}x\n`], [inline, "x", "\n"], [`${inline}x`], ["x", inline]]) {
    assertEquals(read(...pieces), ["ERR Protocol error: too big inline request"], `${pieces.length} pieces`);
  }
});

Deno.test("a longest announced word is read over in pieces, and nothing of it is held", () => {
  const bench = makeBench();
  assertEquals(readAll(bench, [`*2\r\n$3\r\nGET\r\n$${BULK_BYTES_MAX}\r\n`]), []);
  const piece = "x".repeat(1 << 20);
  for (let left = BULK_BYTES_MAX; left > 0; left -= piece.length) {
    assertEquals(readAll(bench, [piece]), []);
    assertEquals(bench.budget.bytes, 0);
  }
  assertEquals(readAll(bench, [`\r\n${encodeRequest("PING")}`]), [
    `ERR a word of ${BULK_BYTES_MAX} bytes is too long (limit ${WORD_BYTES_MAX})`,
    ["PING"],
  ]);
});

Deno.test("a request that fits no command of the log is refused whole, and the next one is read", () => {
  const word = "x".repeat(1 << 20);
  const bench = makeBench({ wordBytesMax: word.length });
  const words = Array.from({ length: Math.ceil(REQUEST_BYTES_MAX / word.length) + 3 }, () => word);
  assertEquals(readAll(bench, [encodeRequest("MSET", ...words) + encodeRequest("PING")]), [
    `ERR the request is too long (limit ${REQUEST_BYTES_MAX} bytes)`,
    ["PING"],
  ]);
  // Words cost something even when they are empty.
  const many = Math.ceil(REQUEST_BYTES_MAX / 24) + 1;
  assertEquals(readAll(bench, [`*${many}\r\n${"$0\r\n\r\n".repeat(many)}${encodeRequest("PING")}`]), [
    `ERR the request is too long (limit ${REQUEST_BYTES_MAX} bytes)`,
    ["PING"],
  ]);
});

Deno.test("what an unfinished request holds is counted, and given back with its end", () => {
  const bytes = encodeRequest("SET", "k".repeat(50), "v".repeat(90));
  for (let at = 1; at < bytes.length; at++) {
    const bench = makeBench();
    assertEquals(readAll(bench, [bytes.slice(0, at)]), []);
    const held = bench.budget.bytes;
    const wordsHeld = at >= 70 ? 50 : 0;
    assert(held >= wordsHeld, `${held} bytes are counted, at least ${wordsHeld} are held after ${at}`);
    assertLess(held, at + 200, `bytes counted after ${at}`);
    assertEquals(readAll(bench, [bytes.slice(at)]).length, 1);
    assertEquals(bench.budget.bytes, 0, `after the end, split at ${at}`);
  }
});

Deno.test("what is held is given back when the stream is cleared, and after a problem", () => {
  const cleared = makeBench();
  readAll(cleared, ["*2\r\n$3\r\nGET\r\n", "$50\r\nxxx", "xx"]);
  assert(cleared.budget.bytes > 0);
  cleared.reader.clear();
  assertEquals(cleared.budget.bytes, 0);
  assertEquals(cleared.reader.hasInput, false);
  const broken = makeBench();
  assertEquals(readAll(broken, ["*3\r\n$3\r\nGET\r\n", "$50\r\nxxx"]), []);
  assert(broken.budget.bytes > 0);
  assertEquals(readAll(broken, ["x".repeat(47), "\r\n", "$?\r\n"]), ["ERR Protocol error: invalid bulk length"]);
  assertEquals(broken.budget.bytes, 0);
});

Deno.test("while all clients hold too much, one that holds more than its share is refused, and goes on", () => {
  const word = "x".repeat(FAIR_SHARE_BYTES);
  const bytes = encodeRequest("MSET", word, word, word, word);
  const refused = "BUSY all clients together send too much; try again later";
  for (const size of [1, 4_096, 65_536]) {
    const bench = makeBench({ memoryBytesMax: 0, wordBytesMax: 1_000_000 });
    bench.budget.add(1);
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
    assertEquals(readAll(bench, pieces), [refused], `pieces of ${size}`);
    assertEquals(readAll(bench, [encodeRequest("PING")]), [["PING"]], `pieces of ${size}`);
    assertEquals(bench.budget.bytes, 1);
  }
});

Deno.test("random requests in random pieces come out as they went in", () => {
  const random = new Random(4_711);
  for (let round = 0; round < 300; round++) {
    const requests = Array.from(
      { length: random.between(1, 6) },
      () =>
        Array.from({ length: random.between(1, 5) }, () => {
          return Array.from({ length: random.below(40) }, () => String.fromCharCode(random.below(256))).join("");
        }),
    );
    const bytes = requests.map((words) => encodeRequest(...words)).join("");
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = random.between(1, 12);
      pieces.push(bytes.slice(at, at + length));
      at += length;
    }
    const bench = makeBench();
    assertEquals(readAll(bench, pieces), requests, `round ${round}`);
    assertEquals(bench.budget.bytes, 0);
  }
});

Deno.test("the work is linear in the bytes, whatever they are and however they are split", () => {
  const run = (pieces: readonly string[]) => readAll(makeBench({ wordBytesMax: 100_000_000 }), pieces);
  const inPieces = (bytes: string, size: number) => {
    return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.slice(at * size, at * size + size));
  };
  assertLinear("one word in pieces of 16 bytes", {
    make: (size) => inPieces(encodeRequest("x".repeat(size * 4)), 16),
    run,
  });
  assertLinear("many requests at once", { make: (size) => [encodeRequest("GET", "k").repeat(size)], run });
  assertLinear("many words, byte by byte", { make: (size) => [...`*${size}\r\n${"$1\r\nx\r\n".repeat(size)}`], run });
  assertLinear("inline requests", { make: (size) => ["GET k\n".repeat(size)], run });
  assertLinear("an inline request byte by byte", { make: (size) => [..."x".repeat(size)], run });
  assertLinear("empty requests", { make: (size) => ["*0\r\n".repeat(size)], run });
});

Deno.test("before login a request has few words, and short ones, in whatever pieces it comes", () => {
  const words = (count: number) => Array.from({ length: count }, () => "w");
  const [longest, longer] = [0, 1].map((more) => "x".repeat(BEFORE_LOGIN_BYTES_MAX + more));
  const complaint = (what: string) => `ERR Protocol error: unauthenticated ${what}`;
  const cases: readonly (readonly [bytes: string, found: unknown])[] = [
    [encodeRequest(...words(BEFORE_LOGIN_WORDS_MAX)), words(BEFORE_LOGIN_WORDS_MAX)],
    [encodeRequest(...words(BEFORE_LOGIN_WORDS_MAX + 1)), complaint("multibulk length")],
    [encodeRequest("AUTH", longest ?? ""), ["AUTH", longest]],
    [encodeRequest("AUTH", longer ?? ""), complaint("bulk length")],
    [`${longest}\n`, [longest]],
    [`${longer}\n`, complaint("inline request")],
  ];
  for (const [bytes, found] of cases) {
    for (const size of [1_000, 10_000, bytes.length]) {
      const pieces = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, at) => bytes.slice(at * size, (at + 1) * size),
      );
      const limits = { wordBytesMax: 1_000_000 };
      const strange = makeBench({ ...limits, isBeforeLogin: () => true });
      assertEquals(readAll(strange, pieces), [found], bytes.slice(0, 20));
      assertEquals(strange.reader.isOverBeforeLogin, typeof found === "string");
      assertEquals(strange.budget.bytes, 0);
      const known = makeBench(limits);
      assertEquals(readAll(known, pieces).length, 1);
      assertEquals([known.reader.problem, known.reader.isOverBeforeLogin], [undefined, false], "after login");
    }
  }
});

Deno.test("a line without an end is given up before login as soon as it is too long", () => {
  const { reader, budget } = makeBench({ isBeforeLogin: () => true });
  for (let sent = 0; sent <= BEFORE_LOGIN_BYTES_MAX; sent += 1_000) {
    reader.push("x".repeat(1_000));
    assertEquals(reader.next(), undefined);
  }
  assertEquals([reader.problem, budget.bytes], ["ERR Protocol error: unauthenticated inline request", 0]);
});
