/** Quotes and escapes: what is shown reads back as the same bytes, and broken quotes are told apart. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../../lib/base/random.ts";
import { readKeyAndValue } from "../../../../lib/protocol/text/arguments.ts";
import { nextToken, type Token } from "../../../../lib/protocol/text/lexer.ts";
import { isPrintable, quote, shorten, show } from "../../../../lib/protocol/text/show.ts";

const ROUNDS = 5_000;

function token(line: string): Token {
  const read = nextToken(line, 0);
  if (read?.type !== "Token") throw new Error(`Not a token: ${JSON.stringify(line)}`);
  return read;
}

function randomBytes(random: Random, lengthMax: number): string {
  // Half of the bytes are the ones that quoting is about.
  const special = "\"\\'\n\t\r \x00\x7f\xc3\xbc\xe2\x82\xac\xff";
  let bytes = "";
  for (let left = random.below(lengthMax + 1); left > 0; left--) {
    bytes += random.chance(0.5) ? special.charAt(random.below(special.length)) : String.fromCharCode(random.below(256));
  }
  return bytes;
}

Deno.test("Quoted random bytes read back as the same bytes, on one line of printable UTF-8", () => {
  const random = new Random(1);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = randomBytes(random, 40);
    const quoted = quote(bytes);
    assert(isPrintable(quoted), `round ${round}`);
    assertEquals(token(quoted), { type: "Token", text: bytes, quoted: true, end: quoted.length }, `round ${round}`);
  }
});

Deno.test("PUT reads back every key and value that is shown in quotes", () => {
  const random = new Random(2);
  for (let round = 0; round < ROUNDS; round++) {
    const key = `k${randomBytes(random, 20)}`;
    const value = randomBytes(random, 40);
    const read = readKeyAndValue(` ${quote(key)} ${quote(value)}`, 0);
    assertEquals(read, { type: "KeyValue", key, value }, `round ${round}`);
  }
});

Deno.test("Every single byte survives its escape", () => {
  for (let code = 0; code < 256; code++) {
    const hex = code.toString(16).padStart(2, "0");
    assertEquals(token(`"\\x${hex}"`).text, String.fromCharCode(code));
    assertEquals(token(`"\\x${hex.toUpperCase()}"`).text, String.fromCharCode(code));
  }
});

Deno.test("Single quotes take everything as it is", () => {
  assertEquals(token(`'a\\n"b' c`), { type: "Token", text: 'a\\n"b', quoted: true, end: 7 });
});

const PRINTABLE: readonly (readonly [bytes: string, printable: boolean])[] = [
  ["", true],
  ["plain ~", true],
  [' "lead', true],
  ["\xc3\xbc\xe2\x82\xac\xf0\x9f\x8c\x8d", true],
  ["\n", false],
  ["\x1b[2J", false],
  ["\x7f", false],
  ["\xc2\x80", false],
  ["\xc2\x9f", false],
  ["\xc2\xa0", true],
  ["\xe2\x80\xa8", false],
  ["\x80", false],
  ["\xc3", false],
  ["\xc0\xaf", false],
  ["\xed\xa0\x80", false],
  ["\xef\xbb\xbfx", true],
];

Deno.test("Printable is valid UTF-8 on one line", () => {
  for (const [bytes, printable] of PRINTABLE) assertEquals(isPrintable(bytes), printable, JSON.stringify(bytes));
});

Deno.test("Readable characters stay readable beside escaped ones, unless the bytes are no UTF-8", () => {
  assertEquals(show("\xc3\xbc\n\xc2\x85"), '"\xc3\xbc\\n\\xc2\\x85"');
  assertEquals(show("\xc3\xbc\xff"), '"\\xc3\\xbc\\xff"');
});

Deno.test("A long word is cut between characters and between escapes", () => {
  assertEquals(shorten("abc", 40), "abc");
  assertEquals(shorten("\xe2\x82\xac".repeat(50), 3), "\xe2\x82\xac".repeat(3));
  assertEquals(shorten(`a${"\xe2\x82\xac".repeat(50)}`, 3), `a${"\xe2\x82\xac".repeat(2)}`);
  assertEquals(shorten("ab\x00cd", 5), "ab");
  assertEquals(shorten("ab\x00cd", 6), "ab\\x00");
});

Deno.test("A long line of quotes and backslashes takes linear time", () => {
  const pieces = 250_000;
  const line = `"${'\\"\\\\'.repeat(pieces)}"`;
  assertEquals(token(line).text.length, pieces * 2);
  assertEquals(nextToken(line.slice(0, -1), 0)?.type, "LexicalError");
});
