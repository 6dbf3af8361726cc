import { assertEquals, assertThrows } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { RequestBuffer } from "../../../lib/client/request_buffer.ts";
import type { Word } from "../../../lib/client/words.ts";

function encode(...words: Word[]): string {
  const buffer = new RequestBuffer();
  buffer.append(words);
  return bytesToString(buffer.take());
}

Deno.test("words are counted in bytes: text as UTF-8, bytes as they are, numbers in decimal", () => {
  assertEquals(encode("SET", "k", ""), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  assertEquals(encode("\u00fc\u20ac"), "*1\r\n$5\r\n\xc3\xbc\xe2\x82\xac\r\n");
  assertEquals(encode("a\ud800b"), "*1\r\n$5\r\na\xef\xbf\xbdb\r\n");
  assertEquals(encode(Uint8Array.of(0, 13, 10, 255)), "*1\r\n$4\r\n\x00\r\n\xff\r\n");
  assertEquals(encode(-12, 2n ** 64n), "*2\r\n$3\r\n-12\r\n$20\r\n18446744073709551616\r\n");
});

Deno.test("requests gather behind each other, also past the size of the buffer", () => {
  const buffer = new RequestBuffer();
  const long = "\u00e9".repeat(100_000);
  buffer.append(["A", "1"]);
  buffer.append(["B", long]);
  buffer.append(["C"]);
  const bytes = bytesToString(buffer.take());
  const encoded = `*2\r\n$1\r\nB\r\n$200000\r\n${"\xc3\xa9".repeat(100_000)}\r\n`;
  assertEquals(bytes === `*2\r\n$1\r\nA\r\n$1\r\n1\r\n${encoded}*1\r\n$1\r\nC\r\n`, true);
  assertEquals(buffer.length, 0);
});

Deno.test("what was taken stays while more is gathered", () => {
  const buffer = new RequestBuffer();
  buffer.append(["ONE"]);
  const first = buffer.take();
  buffer.append(["TWO"]);
  assertEquals(bytesToString(first), "*1\r\n$3\r\nONE\r\n");
  assertEquals(bytesToString(buffer.take()), "*1\r\n$3\r\nTWO\r\n");
  buffer.append(["THREE"]);
  assertEquals(bytesToString(buffer.take()), "*1\r\n$5\r\nTHREE\r\n");
});

Deno.test("a word that cannot be sent leaves nothing behind", () => {
  const buffer = new RequestBuffer();
  for (const bad of [1.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => buffer.append(["INCRBY", "k", bad]), TypeError, "not a whole number");
  }
  assertEquals(buffer.length, 0);
  buffer.append(["PING"]);
  assertEquals(bytesToString(buffer.take()), "*1\r\n$4\r\nPING\r\n");
});
