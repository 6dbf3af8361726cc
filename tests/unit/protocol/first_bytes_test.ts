/** Which protocol the first bytes of a connection mean, however they arrive. */

import { assertEquals } from "@std/assert";
import { type Language, readOpening, UNDECIDED_BYTES_MAX } from "../../../lib/protocol/first_bytes.ts";

/** First bytes, the protocol that they mean, how many PINGs are answered before it, and what is left for it. */
const CASES: readonly (readonly [bytes: string, language: Language | undefined, pings: number, rest: string])[] = [
  ["*1\r\n$4\r\nPING\r\n", "resp", 0, "*1\r\n$4\r\nPING\r\n"],
  ["*", "resp", 0, "*"],
  ["\r\n*1\r\n", "resp", 0, "*1\r\n"],
  ["AUTH secret\r\n", "resp", 0, "AUTH secret\r\n"],
  ["auth secret\r\n", "resp", 0, "auth secret\r\n"],
  ["info replication\r\n", "resp", 0, "info replication\r\n"],
  ["HELLO 3\r\n", "resp", 0, "HELLO 3\r\n"],
  ["SELECT 0\r\n", "resp", 0, "SELECT 0\r\n"],
  ["LPUSH a b\r\n", "resp", 0, "LPUSH a b\r\n"],
  ["DELEX a\r\n", "resp", 0, "DELEX a\r\n"],
  ["slowlog get\r\n", "resp", 0, "slowlog get\r\n"],
  // Commands that Redis does not have.
  ["REVISION a\r\n", "text", 0, "REVISION a\r\n"],
  ["SESSION OPEN\r\n", "text", 0, "SESSION OPEN\r\n"],
  ["PING\r\ninfo replication\r\n", "resp", 1, "info replication\r\n"],
  ["ping\nPING\r\nPUT a b\n", "text", 2, "PUT a b\n"],
  ["PING\r\n", undefined, 1, ""],
  ["\r\n\n\r\n", undefined, 0, ""],
  ["INFO", undefined, 0, "INFO"],
  ["INFO\n", "text", 0, "INFO\n"],
  ["PING hello\r\n", "text", 0, "PING hello\r\n"],
  // Words that the text protocol has, too.
  ["GET a\r\n", "text", 0, "GET a\r\n"],
  ["SET a b\r\n", "text", 0, "SET a b\r\n"],
  ["DEL a\r\n", "text", 0, "DEL a\r\n"],
  ["QUIT\r\n", "text", 0, "QUIT\r\n"],
  ["WATCH\r\n", "text", 0, "WATCH\r\n"],
  ["HELP\r\n", "text", 0, "HELP\r\n"],
  ["POST / HTTP/1.1\r\n", "text", 0, "POST / HTTP/1.1\r\n"],
  ["GET / HTTP/1.1\r\n", "text", 0, "GET / HTTP/1.1\r\n"],
  ["nonsense\r\n", "text", 0, "nonsense\r\n"],
  [" INFO\r\n", "text", 0, " INFO\r\n"],
  [`AUTH ${"x".repeat(4_000)}\r\n`, "resp", 0, `AUTH ${"x".repeat(4_000)}\r\n`],
  [`AUTH ${"x".repeat(UNDECIDED_BYTES_MAX)}\r\n`, "text", 0, `AUTH ${"x".repeat(UNDECIDED_BYTES_MAX)}\r\n`],
  [`GET ${"x".repeat(4_000)}`, "text", 0, `GET ${"x".repeat(4_000)}`],
  ["INFO x", undefined, 0, "INFO x"],
];

Deno.test("the first line decides, unless it is empty or a PING", () => {
  for (const [bytes, language, pings, rest] of CASES) {
    assertEquals(readOpening(bytes, false), { language, pings, rest }, JSON.stringify(bytes));
  }
});

Deno.test("however the bytes are cut, the same is chosen and the same is left", () => {
  for (const [bytes, language, pings, rest] of CASES) {
    let undecided = "";
    let answered = 0;
    let chosen: Language | undefined;
    let left = "";
    for (const byte of bytes) {
      if (chosen !== undefined) {
        left += byte;
        continue;
      }
      const opening = readOpening(undecided + byte, false);
      answered += opening.pings;
      chosen = opening.language;
      undecided = opening.rest;
      if (chosen !== undefined) left = opening.rest;
    }
    const found = chosen === undefined ? undecided : left;
    assertEquals([chosen, answered, found], [language, pings, rest], JSON.stringify(bytes));
  }
});

Deno.test("what does not end is the text protocol's, at the end of the input or of the patience", () => {
  assertEquals(readOpening("INFO", true), { language: "text", pings: 0, rest: "INFO" });
  assertEquals(readOpening("", true), { language: "text", pings: 0, rest: "" });
  const long = "x".repeat(UNDECIDED_BYTES_MAX - 1);
  assertEquals(readOpening(long, false).language, undefined);
  assertEquals(readOpening(`${long}x`, false).language, "text");
});
