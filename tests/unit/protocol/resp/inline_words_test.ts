/** Inline requests are split as Redis splits them; the rows are what redis-server 7.0.15 makes of the lines. */

import { assertEquals } from "@std/assert";
import { Random } from "../../../../lib/base/random.ts";
import { splitInline } from "../../../../lib/protocol/resp/inline_words.ts";
import { assertLinear } from "../../../fuzz/timing.ts";
import { RespBench } from "./session_support.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";

/** Lines and their words; undefined for those whose quotes are not balanced. */
const LINES: readonly (readonly [line: string, words: readonly string[] | undefined])[] = [
  ["", []],
  [" \t \v\f", []],
  ["ECHO a", ["ECHO", "a"]],
  [" \tECHO\t a \t", ["ECHO", "a"]],
  ['ECHO "a b"', ["ECHO", "a b"]],
  ["ECHO 'a b'", ["ECHO", "a b"]],
  ['ECHO ""', ["ECHO", ""]],
  ["ECHO ''", ["ECHO", ""]],
  ['"" a', ["", "a"]],
  ['"EC\\x48O" a', ["ECHO", "a"]],
  // A quote in the middle of a word opens, and its end is the end of the word.
  ['ECHO a"b c"', ["ECHO", "ab c"]],
  ["ECHO it's'", ["ECHO", "its"]],
  ["ECHO it's fine", undefined],
  ['ECHO "a"b', undefined],
  ["ECHO 'a'b", undefined],
  ["ECHO 'a'\"b\"", undefined],
  ['ECHO "a', undefined],
  ["ECHO 'a", undefined],
  ['ECHO "a\\"', undefined],
  ['ECHO "a\\', undefined],
  ["ECHO 'a\\'", undefined],
  // Escapes.
  ['ECHO "\\n\\r\\t\\b\\a"', ["ECHO", "\n\r\t\b\x07"]],
  ['ECHO "\\"\\\\\\q\\x"', ["ECHO", '"\\qx']],
  ['ECHO "\\x00\\xfF\\xZZ\\x1"', ["ECHO", "\0\xffxZZx1"]],
  ["ECHO '\\'\\n\\\\\"'", ["ECHO", "'\\n\\\\\""]],
  ["ECHO a\\nb \\x41", ["ECHO", "a\\nb", "\\x41"]],
  // Bytes that separate words only at their beginning; Redis never answers a line with a NUL.
  ["ECHO \va\vb\fc", ["ECHO", "a\vb\fc"]],
  ['ECHO "a"\vb', ["ECHO", "a", "b"]],
  ["ECHO a\rb", ["ECHO", "a", "b"]],
  ["ECHO a\0b c", ["ECHO", "a\0b", "c"]],
  ["ECHO \xe9\xff", ["ECHO", "\xe9\xff"]],
];

Deno.test("an inline request is split into words as Redis splits it", () => {
  for (const [line, words] of LINES) assertEquals(splitInline(line), words, JSON.stringify(line));
});

Deno.test("an inline request in a session of the Redis protocol may have quotes and escapes", async () => {
  const client = new RespBench().connect();
  const requests = [
    encodeRequest("PING"),
    `set k a"b\\x43 \\q"\r\n`,
    "GET k\r\n",
    "ECHO 'it\\'s'\r\n",
    "\r\n",
    "PING ''\n",
  ];
  assertEquals(await client.send(requests.join("")), "+PONG\r\n+OK\r\n$5\r\nabC q\r\n$4\r\nit's\r\n$0\r\n\r\n");
  assertEquals(
    await client.send('ECHO "a"b\r\nPING\r\n'),
    "-ERR Protocol error: unbalanced quotes in request\r\n",
  );
});

Deno.test("random lines of quotes, escapes and blanks take linear time and no byte is lost in single quotes", () => {
  const random = new Random(7);
  const alphabet = [..."\"'\\xn0aF \t\0\v"];
  for (let round = 0; round < 2_000; round++) {
    const bytes = Array.from({ length: random.below(40) }, () => alphabet[random.below(alphabet.length)] ?? "");
    const text = bytes.filter((byte) => byte !== "'" && byte !== "\\").join("");
    assertEquals(splitInline(`ECHO '${text}'`), ["ECHO", text]);
    splitInline(bytes.join(""));
  }
  const run = splitInline;
  assertLinear("escapes", { make: (size) => `"${'\\"'.repeat(size)}`, run });
  assertLinear("bytes in quotes", { make: (size) => `'${"x".repeat(size)}'`, run });
  assertLinear("words", { make: (size) => "x ".repeat(size), run });
});
