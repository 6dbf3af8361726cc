/** Blocks that are compressed one by one: what comes back is what was given, and nothing expands beyond what it says. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import zlib from "node:zlib";
import { Random } from "../../../lib/base/random.ts";
import {
  BLOCK_PREFIX_BYTES,
  COMPRESSED_BLOCK_BYTES_MAX,
  HAS_ZSTD,
  packBlock,
  unpackBlock,
} from "../../../lib/storage/block_codec.ts";

/** Those of this runtime; the other one is tested where there is it. */
const CODECS = HAS_ZSTD ? (["deflate", "zstd"] as const) : (["deflate"] as const);

function textOf(bytes: number): Uint8Array {
  const line = (at: number) => `{"id":${at},"name":"user ${at * 7_919 % 1_000}","active":true}\n`;
  const text = Array.from({ length: Math.ceil(bytes / 40) }, (_, at) => line(at)).join("");
  return new TextEncoder().encode(text).slice(0, bytes);
}

function noiseOf(bytes: number): Uint8Array {
  const random = new Random(7);
  return Uint8Array.from({ length: bytes }, () => random.below(256));
}

/** A block as somebody else may have made it. */
function forged(codec: number, length: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_PREFIX_BYTES + content.length);
  bytes[0] = codec;
  new DataView(bytes.buffer).setUint32(1, length, true);
  bytes.set(content, BLOCK_PREFIX_BYTES);
  return bytes;
}

Deno.test("a block comes back as it was, compressed where that is shorter, and as it is where not", () => {
  for (const codec of CODECS) {
    for (const length of [1, 2, 63, 64, 1_000, 65_536, COMPRESSED_BLOCK_BYTES_MAX]) {
      for (const block of [textOf(length), new Uint8Array(length)]) {
        const packed = packBlock(block, codec);
        assertEquals(unpackBlock(packed), block, `${codec}, ${length}`);
        assert(packed.length <= length + 1, `${codec}: ${length} bytes became ${packed.length}`);
      }
    }
    assertLess(packBlock(textOf(65_536), codec).length, 65_536 / 3);
    const noise = noiseOf(65_536);
    const packed = packBlock(noise, codec);
    assertEquals([packed.length, packed[0]], [noise.length + 1, 0]);
    assertEquals(unpackBlock(packed), noise);
  }
});

Deno.test("a block longer than the limit is not compressed, since that would take too long", () => {
  for (const codec of CODECS) {
    const block = new Uint8Array(COMPRESSED_BLOCK_BYTES_MAX + 1);
    const packed = packBlock(block, codec);
    assertEquals([packed.length, packed[0]], [block.length + 1, 0]);
    assertEquals(unpackBlock(packed), block);
  }
});

Deno.test("nothing expands beyond what a block says, and none says more than the limit", () => {
  // 64 MiB of zeros in 64 KiB.
  const bomb = zlib.deflateRawSync(new Uint8Array(67_108_864), { level: 9 });
  assertGreater(67_108_864 / bomb.length, 900);
  for (const length of [1, 1_000, COMPRESSED_BLOCK_BYTES_MAX]) {
    assertEquals(unpackBlock(forged(1, length, bomb)), "it does not hold what it says");
  }
  for (const length of [0, COMPRESSED_BLOCK_BYTES_MAX + 1, 2 ** 32 - 1]) {
    for (const codec of [1, 2]) assertEquals(unpackBlock(forged(codec, length, bomb)), "it tells an impossible length");
  }
});

Deno.test("what is no block is refused, whatever it holds", () => {
  const cases: readonly [Uint8Array, string][] = [
    [new Uint8Array([0]), "it is empty"],
    [new Uint8Array([1, 1, 0, 0, 0]), "it is too short"],
    [new Uint8Array([3, 1, 0, 0, 0, 0]), "its codec 3 is unknown"],
    [new Uint8Array([255]), "its codec 255 is unknown"],
    [forged(1, 10, noiseOf(50)), "it does not hold what it says"],
    [forged(2, 10, noiseOf(50)), "it does not hold what it says"],
  ];
  for (const [packed, why] of cases) assertEquals(unpackBlock(packed), why);
  for (const codec of CODECS) {
    const packed = packBlock(textOf(5_000), codec);
    for (const length of [4_999, 5_001]) {
      const other = packed.slice();
      new DataView(other.buffer).setUint32(1, length, true);
      assertEquals(unpackBlock(other), "it does not hold what it says", `${codec} says ${length}`);
    }
    for (const cut of [1, 10, packed.length >> 1]) {
      assertEquals(typeof unpackBlock(packed.subarray(0, packed.length - cut)), "string", `${codec} cut by ${cut}`);
    }
  }
});
