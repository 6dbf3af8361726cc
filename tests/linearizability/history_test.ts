/** Histories as JSON lines: what comes back is what went out, and what cannot be read says where and why. */

import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { generateHistory } from "./generator.ts";
import { HistoryError, type Operation, readHistory, writeHistory } from "./history.ts";

const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");

const WRITE: Operation = {
  client: 3,
  operation: "put",
  key: "k",
  argument: "v",
  result: true,
  outcome: "ok",
  call: 12,
  return: 40,
  index: 7,
};

Deno.test("one operation a line, its fields in a fixed order", () => {
  assertEquals(
    writeHistory([WRITE]),
    '{"client":3,"operation":"put","key":"k","argument":"v","result":true,"call":12,"return":40,"index":7,"outcome":"ok"}\n',
  );
});

Deno.test("every byte string and every kind of operation comes back as it was", () => {
  const operations: Operation[] = [
    { ...WRITE, key: ALL_BYTES, argument: ALL_BYTES },
    { ...WRITE, operation: "get", key: "", argument: null, result: ALL_BYTES },
    { ...WRITE, operation: "incr", result: -4 },
    { ...WRITE, result: null, outcome: "unknown", return: null, index: null },
    ...generateHistory(new Random(5), { operations: 200, clients: 4, keys: 3, unknownShare: 0.2 }),
  ];
  assertEquals(readHistory(writeHistory(operations)), operations);
});

Deno.test("the file may end without a newline, have empty lines and further fields", () => {
  const line = writeHistory([WRITE]).trim();
  assertEquals(readHistory(`\n${line.replace("{", '{"node":2,')}\r\n\n${line}`), [WRITE, WRITE]);
  assertEquals(readHistory(""), []);
});

const BAD: readonly (readonly [line: string, complaint: string])[] = [
  ["{", "Cannot read history line 2: "],
  ["[]", "line 2: not a JSON object"],
  ["null", "line 2: not a JSON object"],
  [lineWith("client", '"a"'), '"client" must be a whole number, and is "a"'],
  [lineWith("operation", '""'), '"operation" must be a name'],
  [lineWith("key", "1"), '"key" must be a byte string, and is 1'],
  [lineWith("key", '"\\u0100"'), '"key" must be a byte string'],
  [lineWith("argument", "{}"), '"argument" must be a byte string or null'],
  [lineWith("result", '"\u20ac"'), '"result" must be a byte string, number, boolean or null'],
  [lineWith("call", "-1"), '"call" must be a time of 0 or more, and is -1'],
  [lineWith("call", "41"), '"return" 40 is before "call" 41'],
  [lineWith("return", "null"), '"return" must be a time, the outcome is ok'],
  [lineWith("outcome", '"unknown"'), '"return" must be null, the outcome is unknown'],
  [lineWith("outcome", '"maybe"'), '"outcome" must be "ok" or "unknown"'],
  [lineWith("index", "1.5"), '"index" must be a whole number or null, and is 1.5'],
  [writeHistory([WRITE]).replace('"index":7,', ""), '"index" must be a whole number or null, and is missing'],
];

function lineWith(field: string, value: string): string {
  return writeHistory([WRITE]).replace(new RegExp(`"${field}":[^,}]+`), `"${field}":${value}`);
}

Deno.test("a line that cannot be read is named, with what is wrong", () => {
  for (const [line, complaint] of BAD) {
    const error = assertThrows(() => readHistory(writeHistory([WRITE]) + line));
    assertInstanceOf(error, HistoryError);
    assertEquals(error.line, 2);
    assertStringIncludes(error.message, complaint);
  }
});
