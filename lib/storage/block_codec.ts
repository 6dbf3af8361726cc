/** Blocks of a snapshot as they lie in a file: each compressed by itself, or as it is where that is no shorter. */

import zlib from "node:zlib";
import { assert } from "../base/assert.ts";
import { viewOf } from "./binary.ts";

/** How the blocks of a file are compressed. A single one may still lie there as it is. */
export type Compression = "off" | "deflate" | "zstd";

/** The names, for those who read them from outside. */
export const COMPRESSIONS: readonly Compression[] = ["off", "deflate", "zstd"];

/**
 * A longer block, which holds one long value, is not compressed: it would stop the event loop for more than about 10 ms. Also what a
 * compressed block may hold at most, whatever it says.
 */
export const COMPRESSED_BLOCK_BYTES_MAX = 2_097_152;
/** What stands in front of a compressed block: codec and length. One that lies as it is has the codec alone. */
export const BLOCK_PREFIX_BYTES = 5;

const AS_IT_IS = 0;
const DEFLATE = 1;
const ZSTD = 2;
const CODECS = { deflate: DEFLATE, zstd: ZSTD } as const;
/** The first levels gain most of what there is to gain, several times as fast as the usual ones. */
const DEFLATE_LEVEL = 2;
const ZSTD_LEVEL = 1;
/** `ZSTD_c_compressionLevel` and `ZSTD_d_windowLogMax`, which zlib's constants name from the runtimes on that have zstd. */
const ZSTD_LEVEL_PARAMETER = 100;
const ZSTD_WINDOW_PARAMETER = 100;
/** A window of 2 MiB, the longest compressed block: a frame that asks for more memory is none of ours. */
const ZSTD_WINDOW_LOG_MAX = 21;

type Convert = (bytes: Uint8Array, options: object) => Uint8Array;

/** Deno 2.4 has none, nor types for it. */
const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as {
  readonly zstdCompressSync?: Convert;
  readonly zstdDecompressSync?: Convert;
};

/** Whether this runtime reads and writes zstd. */
export const HAS_ZSTD: boolean = zstdCompressSync !== undefined && zstdDecompressSync !== undefined;

/** The block as it is to lie in a file of that compression, which must not be "off" and one that this runtime has. */
export function packBlock(block: Uint8Array, compression: keyof typeof CODECS): Uint8Array {
  const packed = block.length > COMPRESSED_BLOCK_BYTES_MAX ? block : compress(block, compression);
  if (packed.length + BLOCK_PREFIX_BYTES > block.length) {
    const bytes = new Uint8Array(1 + block.length);
    bytes[0] = AS_IT_IS;
    bytes.set(block, 1);
    return bytes;
  }
  const bytes = new Uint8Array(BLOCK_PREFIX_BYTES + packed.length);
  bytes[0] = CODECS[compression];
  viewOf(bytes).setUint32(1, block.length, true);
  bytes.set(packed, BLOCK_PREFIX_BYTES);
  return bytes;
}

/** Bytes of the block that `packed` holds, as it says itself. */
export function plainBytesOf(packed: Uint8Array): number {
  if (packed[0] === AS_IT_IS) return packed.length - 1;
  return packed.length > BLOCK_PREFIX_BYTES ? viewOf(packed).getUint32(1, true) : 0;
}

/** The block that `packed` holds, a view of it where it lies as it is. A text says why there is none. */
export function unpackBlock(packed: Uint8Array): Uint8Array | string {
  const codec = packed[0];
  if (codec === AS_IT_IS) return packed.length > 1 ? packed.subarray(1) : "it is empty";
  if (codec !== DEFLATE && codec !== ZSTD) return `its codec ${codec} is unknown`;
  if (packed.length <= BLOCK_PREFIX_BYTES) return "it is too short";
  const length = viewOf(packed).getUint32(1, true);
  if (length === 0 || length > COMPRESSED_BLOCK_BYTES_MAX) return "it tells an impossible length";
  const content = packed.subarray(BLOCK_PREFIX_BYTES);
  const block = codec === DEFLATE ? inflate(content, length) : unzstd(content, length);
  return block?.length === length ? block : "it does not hold what it says";
}

function compress(block: Uint8Array, compression: keyof typeof CODECS): Uint8Array {
  if (compression === "deflate") return zlib.deflateRawSync(block, { level: DEFLATE_LEVEL });
  assert(zstdCompressSync !== undefined, "Cannot compress with zstd: this runtime has none");
  return zstdCompressSync(block, { params: { [ZSTD_LEVEL_PARAMETER]: ZSTD_LEVEL } });
}

function inflate(content: Uint8Array, length: number): Uint8Array | undefined {
  return attempt(() => zlib.inflateRawSync(content, { maxOutputLength: length, chunkSize: chunkOf(length) }));
}

function unzstd(content: Uint8Array, length: number): Uint8Array | undefined {
  return attempt(() =>
    zstdDecompressSync?.(content, {
      maxOutputLength: length,
      chunkSize: chunkOf(length),
      params: { [ZSTD_WINDOW_PARAMETER]: ZSTD_WINDOW_LOG_MAX },
    })
  );
}

/** The whole block in one piece; 64 is the shortest that zlib takes. */
function chunkOf(length: number): number {
  return Math.max(64, length);
}

/** Undefined for what the codec cannot undo, or what would be longer than it says. */
function attempt(undo: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    const block = undo();
    // Not zlib's own kind of array, whose `slice` is no copy.
    return block && new Uint8Array(block.buffer, block.byteOffset, block.length);
  } catch {
    return undefined; // The caller tells where the block lies.
  }
}
