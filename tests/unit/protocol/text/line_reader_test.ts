/** Lines out of chunks, with a bound on their length and on the memory of all readers together. */

import { assertEquals } from "@std/assert";
import { BEFORE_LOGIN_BYTES_MAX, FAIR_SHARE_BYTES } from "../../../../lib/net/limits.ts";
import { LINE_BYTES_MAX } from "../../../../lib/protocol/text/limits.ts";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import { LineReader } from "../../../../lib/protocol/text/line_reader.ts";

function readAll(reader: LineReader, chunk: string): string[] {
  reader.push(chunk);
  const lines: string[] = [];
  for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line);
  return lines;
}

Deno.test("Lines end with a newline, with or without a carriage return", () => {
  const reader = new LineReader(new MemoryBudget(1_000_000));
  assertEquals(readAll(reader, "a\r\n\nb\rc\n\r\n\r\r\nd"), ["a", "", "b\rc", "", "\r"]);
  assertEquals(reader.unfinished, 5);
  assertEquals(readAll(reader, "e\n"), ["de"]);
  assertEquals(reader.unfinished, undefined);
});

Deno.test("Bytes that come one by one make the same lines, and their memory is given back", () => {
  const budget = new MemoryBudget(1_000_000);
  const reader = new LineReader(budget);
  const lines: string[] = [];
  for (const byte of `${"\xff\x00x".repeat(2_000)}\r\nshort\n`) lines.push(...readAll(reader, byte));
  assertEquals(lines, ["\xff\x00x".repeat(2_000), "short"]);
  assertEquals(budget.bytes, 0);
});

Deno.test("The longest line is taken and one byte more is not, in whatever pieces it comes", () => {
  for (const end of ["\n", "\r\n"]) {
    for (const piece of [LINE_BYTES_MAX + 10, 65_536, LINE_BYTES_MAX, LINE_BYTES_MAX + 1]) {
      for (const [length, problem] of [[LINE_BYTES_MAX, undefined], [LINE_BYTES_MAX + 1, "TooLong"]] as const) {
        const reader = new LineReader(new MemoryBudget(10_000_000));
        const text = `${"x".repeat(length)}${end}`;
        const lines: string[] = [];
        for (let at = 0; at < text.length; at += piece) lines.push(...readAll(reader, text.slice(at, at + piece)));
        const what = `${JSON.stringify(end)} ${piece} ${length}`;
        assertEquals(lines.map((line) => line.length), problem === undefined ? [LINE_BYTES_MAX] : [], what);
        assertEquals(reader.problem, problem, what);
      }
    }
  }
});

Deno.test("A line without an end is given up as soon as it is too long, and its memory given back", () => {
  const budget = new MemoryBudget(10_000_000);
  const reader = new LineReader(budget);
  for (let sent = 0; sent <= LINE_BYTES_MAX && reader.problem === undefined; sent += 65_536) {
    readAll(reader, "x".repeat(65_536));
  }
  assertEquals(readAll(reader, "xx"), []);
  assertEquals(reader.problem, "TooLong");
  assertEquals(budget.bytes, 0);
});

Deno.test("When all hold too much, who holds more than its share is refused, and who holds little is not", () => {
  const budget = new MemoryBudget(1_000);
  budget.add(1_001);
  const small = new LineReader(budget);
  assertEquals(readAll(small, "x".repeat(1_000)), []);
  assertEquals(small.problem, undefined);
  const big = new LineReader(budget);
  assertEquals(readAll(big, "x".repeat(FAIR_SHARE_BYTES + 1)), []);
  assertEquals(big.problem, "NoMemory");
});

Deno.test("Before login a line is short, in whatever pieces it comes", () => {
  for (const end of ["\n", "\r\n"]) {
    for (const length of [BEFORE_LOGIN_BYTES_MAX, BEFORE_LOGIN_BYTES_MAX + 1]) {
      for (const piece of [1_000, BEFORE_LOGIN_BYTES_MAX + 1, BEFORE_LOGIN_BYTES_MAX + 10]) {
        for (const isBeforeLogin of [true, false]) {
          const budget = new MemoryBudget(10_000_000);
          const reader = new LineReader(budget, () => isBeforeLogin);
          const text = `${"x".repeat(length)}${end}`;
          const lines: string[] = [];
          for (let at = 0; at < text.length; at += piece) lines.push(...readAll(reader, text.slice(at, at + piece)));
          const isTaken = !isBeforeLogin || length === BEFORE_LOGIN_BYTES_MAX;
          assertEquals(lines.map((line) => line.length), isTaken ? [length] : []);
          assertEquals(reader.problem, isTaken ? undefined : "TooLongBeforeLogin");
          assertEquals(budget.bytes, 0);
        }
      }
    }
  }
});
