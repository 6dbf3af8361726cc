/** No body holds the magic of a record, whatever a client puts into it. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { applyMask, maskBody } from "../../../lib/storage/record_mask.ts";
import { RECORD_MAGIC } from "../../../lib/storage/wal_format.ts";

/** Whether the magic is anywhere, or would be with the last bytes of a header before it. The rule once more, as simple as it can be. */
function holdsMagic(bytes: Uint8Array): boolean {
  const places = Array.from(bytes.keys());
  return RECORD_MAGIC.subarray(1).includes(bytes[0] ?? 0) ||
    places.some((at) => RECORD_MAGIC.every((byte, more) => bytes[at + more] === byte));
}

function assertMasked(body: Uint8Array, seed: number): void {
  const before = body.slice();
  const { mask, bytes } = maskBody(body, seed);
  assert(!holdsMagic(bytes));
  assertEquals(bytes.length, body.length);
  assertEquals(body, before);
  assertEquals(applyMask(bytes, mask), body);
  assertEquals(mask !== 0, holdsMagic(body));
  if (mask === 0) assert(bytes === body, "copied");
}

Deno.test("the magic stands in no masked body, and the mask gives the body back", () => {
  const random = new Random(3);
  for (let round = 0; round < 20_000; round++) {
    const bytes = Array.from({ length: random.below(24) }, () => random.chance(0.1) ? random.below(256) : 0x43);
    for (let left = random.below(3); left > 0; left--) {
      bytes.splice(random.below(bytes.length + 1), 0, ...RECORD_MAGIC.subarray(random.below(2), 4 - random.below(2)));
    }
    assertMasked(Uint8Array.from(bytes), random.below(2 ** 32));
  }
});

Deno.test("the magic is found at every place, and full of it a body is masked too", () => {
  for (let at = 0; at < 40; at++) {
    const body = new Uint8Array(44);
    body.set(RECORD_MAGIC, at);
    assertMasked(body, at);
  }
  const full = Uint8Array.from({ length: 40_000 }, (_, at) => RECORD_MAGIC[at & 3] ?? 0);
  for (const seed of [0, 1, 0xffffffff]) assertMasked(full, seed);
});
