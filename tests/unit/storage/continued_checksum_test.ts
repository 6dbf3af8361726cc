/** Checksums over a whole file are made piece by piece; in a hot loop this goes wrong on Deno 2.4 if done naively. */

import { assertEquals } from "@std/assert";
import { checksum } from "../../../lib/base/checksum.ts";

Deno.test("a checksum made of many pieces is that of the whole, however often it is made", () => {
  const bytes = Uint8Array.from({ length: 4_000 }, (_, at) => (at * 193) ^ (at >> 5));
  const pieces = Array.from({ length: 200 }, (_, at) => bytes.subarray(at * 20, (at + 1) * 20));
  for (let round = 0; round < 200; round++) {
    let sum = 0;
    for (const piece of pieces) sum = checksum(piece, sum);
    assertEquals(sum, checksum(bytes), `round ${round}`);
  }
});

Deno.test("an empty piece changes nothing", () => {
  for (const sum of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) assertEquals(checksum(new Uint8Array(0), sum), sum);
});
