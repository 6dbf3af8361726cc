/** The checksum is the CRC-32 that files and frames of other programs can be checked with. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { checksum } from "../../../lib/base/checksum.ts";

const CHECK = new TextEncoder().encode("123456789");

Deno.test("the checksum of the standard's check string is the standard's", () => {
  assertEquals(checksum(CHECK), 0xcbf43926);
  assertEquals(checksum(new Uint8Array(0)), 0);
});

Deno.test("a checksum continues from the one of the bytes before", () => {
  for (let cut = 0; cut <= CHECK.length; cut++) {
    assertEquals(checksum(CHECK.subarray(cut), checksum(CHECK.subarray(0, cut))), 0xcbf43926);
  }
});

Deno.test("a checksum goes on being right when the call is hot, whatever it continues from", () => {
  // Old versions of Deno took start values from 0x80000000 on wrongly, once the call had been optimized.
  const random = new Random(9);
  const bytes = Uint8Array.from({ length: 300 }, () => random.below(256));
  const whole = checksum(bytes);
  for (let round = 0; round < 50_000; round++) {
    const cut = round % bytes.length;
    const continued = checksum(bytes.subarray(cut), checksum(bytes.subarray(0, cut)));
    if (continued !== whole) assertEquals(continued, whole, `round ${round}, cut ${cut}`);
  }
});

Deno.test("a checksum is never negative", () => {
  // These have the highest bit set.
  assertEquals(checksum(Uint8Array.of(0)), 0xd202ef8d);
  assertEquals(checksum(Uint8Array.of(0xff)), 0xff000000);
});

Deno.test("each flipped bit changes the checksum", () => {
  for (let bit = 0; bit < CHECK.length * 8; bit++) {
    const damaged = CHECK.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assertNotEquals(checksum(damaged), 0xcbf43926, `bit ${bit}`);
  }
});
