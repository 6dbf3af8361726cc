/** The checksum is the CRC-32 that files and frames of other programs can be checked with. */

import { assertEquals, assertNotEquals } from "@std/assert";
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
