/** Byte strings carry all 256 bytes unharmed, and text keeps its meaning or is refused. */

import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import {
  bytesToString,
  byteStringToText,
  stringToBytes,
  textToByteString,
  writeString,
} from "../../../lib/base/bytes.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
/** Around the lengths at which writing changes from a loop to the runtime's encoder, to base64, and to several pieces of it. */
const LENGTHS = [0, 1, 2, 31, 32, 33, 34, 63, 64, 65, 1_000, 4_095, 4_096, 49_151, 49_152, 49_153, 100_000];

Deno.test("every byte becomes the character of the same number, and comes back", () => {
  const text = bytesToString(EVERY_BYTE);
  assertEquals([...text].map((character) => character.charCodeAt(0)), [...EVERY_BYTE]);
  assertEquals(stringToBytes(text), EVERY_BYTE);
});

Deno.test("bytes 0x80 to 0x9f are latin1 and not windows-1252", () => {
  // TextDecoder("latin1") would give U+20AC for the first of these.
  assertEquals(bytesToString(Uint8Array.of(0x80, 0x8d, 0x9f)), "\u0080\u008d\u009f");
});

Deno.test("a part of a buffer is read, also when the buffer is itself a part of another", () => {
  const part = EVERY_BYTE.subarray(0x40, 0x50);
  assertEquals(bytesToString(part), "@ABCDEFGHIJKLMNO");
  assertEquals(bytesToString(part, 14), "NO");
  assertEquals(bytesToString(part, 1, 3), "AB");
  assertEquals(bytesToString(part, 3, 3), "");
});

Deno.test("a byte string does not change with the buffer that it was read from", () => {
  const bytes = Uint8Array.of(0x61, 0x62);
  const text = bytesToString(bytes);
  bytes.fill(0);
  assertEquals(text, "ab");
});

Deno.test("writing keeps each byte, whatever the length and wherever a byte beyond ASCII stands", () => {
  for (const length of LENGTHS) {
    for (const at of new Set([-1, 0, Math.floor(length / 2), length - 2, length - 1])) {
      for (const byte of [0x80, 0xff]) {
        const expected = Uint8Array.from({ length }, (_, index) => index === at ? byte : 0x20 + index % 0x5f);
        assertEquals(stringToBytes(bytesToString(expected)), expected, `length ${length}, byte ${byte} at ${at}`);
      }
    }
  }
});

Deno.test("writing touches nothing before and after its place", () => {
  for (const length of LENGTHS) {
    for (const byte of [0x61, 0xe9]) {
      const target = new Uint8Array(length + 8).fill(0x2e);
      assertEquals(writeString(String.fromCharCode(byte).repeat(length), target, 4), length);
      const expected = new Uint8Array(length + 8).fill(0x2e).fill(byte, 4, 4 + length);
      assertEquals(target, expected, `length ${length}, byte ${byte}`);
    }
  }
});

Deno.test("writing past the end of the buffer is a bug of ours", () => {
  assertThrows(() => writeString("abc", new Uint8Array(2)), AssertionFailure);
  assertThrows(() => writeString("abc", new Uint8Array(4), 2), AssertionFailure);
  assertEquals(writeString("abc", new Uint8Array(3)), 3);
});

Deno.test("text becomes the bytes of its UTF-8 form and comes back", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", ""],
    ["plain \u0000\u007f", "plain \x00\x7f"],
    ["\u0080", "\xc2\x80"],
    ["é", "\xc3\xa9"],
    ["€", "\xe2\x82\xac"],
    ["😀", "\xf0\x9f\x98\x80"],
    ["\uffff", "\xef\xbf\xbf"],
    ["a".repeat(100) + "é", "a".repeat(100) + "\xc3\xa9"],
  ];
  for (const [text, bytes] of cases) {
    assertEquals(textToByteString(text), bytes);
    assertEquals(byteStringToText(bytes), text);
  }
});

Deno.test("a byte order mark is text like any other, and not eaten", () => {
  assertEquals(textToByteString("\ufeffkey"), "\xef\xbb\xbfkey");
  assertEquals(byteStringToText("\xef\xbb\xbfkey"), "\ufeffkey");
});

Deno.test("a lone surrogate becomes U+FFFD", () => {
  for (const text of ["\ud800", "\udc00", "\udc00\ud800"]) {
    assertEquals(textToByteString(text), "\xef\xbf\xbd".repeat(text.length));
  }
});

Deno.test("bytes that are not UTF-8 have no text, so that two different keys never look alike", () => {
  const cases = [
    "\x80", // A continuation without a start.
    "\xff",
    "\xc3", // Cut off.
    "\xe2\x82",
    "\xc0\xaf", // Longer than needed.
    "\xed\xa0\x80", // A surrogate.
    "\xf4\x90\x80\x80", // Beyond U+10FFFF.
    "fine until here \xe9",
  ];
  for (const bytes of cases) assertEquals(byteStringToText(bytes), undefined, JSON.stringify(bytes));
});

Deno.test("byte strings order like the bytes they stand for", () => {
  const strings = [...EVERY_BYTE].map((byte) => String.fromCharCode(byte));
  const shuffled = strings.toReversed().sort((a, b) => a < b ? -1 : 1);
  assertEquals(shuffled, strings);
});
