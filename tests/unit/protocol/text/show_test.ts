/** What people see of bytes, however many there are. */

import { assert, assertEquals } from "@std/assert";
import { bytesToString, textToByteString } from "../../../../lib/base/bytes.ts";
import { isPrintable, quote, show, showInPieces, SHOWN_PIECE_BYTES } from "../../../../lib/protocol/text/show.ts";

const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
/** The most that is made of a byte. */
const ESCAPE_LENGTH_MAX = 4;

const SHOWN: readonly (readonly [bytes: string, shown: string])[] = [
  ["", ""],
  ['say "hi" \\', 'say "hi" \\'],
  ["a\tb\n", '"a\\tb\\n"'],
  ['"\\\x7f', '"\\"\\\\\\x7f"'],
  [textToByteString("schön €"), textToByteString("schön €")],
  [textToByteString("ö\n"), textToByteString('"ö\\n"')],
  // C1 and the separators, and characters whose bytes are nearly theirs.
  [textToByteString("\x80"), '"\\xc2\\x80"'],
  [textToByteString("\x9f€\x85"), textToByteString('"\\xc2\\x9f€\\xc2\\x85"')],
  [textToByteString("\u2028x\u2029"), '"\\xe2\\x80\\xa8x\\xe2\\x80\\xa9"'],
  [textToByteString("\xa0\u2027\u202a\u2068 "), textToByteString("\xa0\u2027\u202a\u2068 ")],
  // No UTF-8: then only ASCII stays.
  ["\xc2", '"\\xc2"'],
  ["\xe2\x80", '"\\xe2\\x80"'],
  [`${textToByteString("ö")}\xff`, '"\\xc3\\xb6\\xff"'],
];

Deno.test("bytes are shown as they are where they are one line of text, else quoted", () => {
  for (const [bytes, shown] of SHOWN) {
    assertEquals(show(bytes), shown);
    assertEquals(isPrintable(bytes), bytes === shown);
    assertEquals([...showInPieces(bytes)].join(""), shown);
  }
});

Deno.test("a long value is shown in pieces, whole characters each, that make the same as all of it at once", () => {
  const mixed = textToByteString("a€\u2028\x80\n𝄞");
  const values = [ALL_BYTES, mixed, `${mixed}x`, "\x01", textToByteString("𝄞\n"), textToByteString("\u2028"), "\xff"];
  for (const value of values) {
    const long = value.repeat(Math.ceil(3.3 * SHOWN_PIECE_BYTES / value.length));
    const pieces = [...showInPieces(long)];
    assert(pieces.length >= 5, `${pieces.length} pieces`);
    assert(pieces.every((piece) => piece.length <= ESCAPE_LENGTH_MAX * (SHOWN_PIECE_BYTES + 3)), "too long");
    assert(pieces.join("") === quote(long), "another text");
  }
});

Deno.test("random bytes are shown so that the escapes say what they were", () => {
  for (let round = 0; round < 200; round++) {
    const bytes = bytesToString(crypto.getRandomValues(new Uint8Array(40)));
    const read = quote(bytes).slice(1, -1).replace(/\\(x..|.)/g, (_, escape: string) => {
      if (escape === "n") return "\n";
      if (escape === "t") return "\t";
      return escape.length === 1 ? escape : String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    });
    assertEquals(read, bytes);
  }
});
