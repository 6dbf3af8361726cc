/** Snapshots whose blocks are compressed: the file, what a reader makes of it, and what is refused. */

import { assert, assertEquals, assertLess, assertMatch, assertThrows } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { checksum } from "../../../lib/base/checksum.ts";
import { CorruptionError, FormatVersionError } from "../../../lib/base/errors.ts";
import { type Compression, HAS_ZSTD } from "../../../lib/storage/block_codec.ts";
import { inspectDirectory } from "../../../lib/storage/inspect.ts";
import {
  BLOCK_HEADER_BYTES,
  checkSnapshot,
  encodeBlockHeader,
  encodeFooter,
  encodeSnapshotHead,
  readSnapshot,
  SNAPSHOT_VERSION,
} from "../../../lib/storage/snapshot_format.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { snapshotOfVersion } from "../../support/other_version.ts";
import { DIRECTORY, failure, flip, id, ONE, open, pathOf, textsOf } from "./support.ts";

const COMPRESSIONS: readonly Compression[] = HAS_ZSTD ? ["deflate", "zstd"] : ["deflate"];
const BLOCKS = [
  "short",
  "a line that comes again and again\n".repeat(200),
  "\x00\xff".repeat(40),
  "x".repeat(3_000_000),
];
const PLAIN_BYTES = BLOCKS.reduce((sum, block) => sum + block.length, 0);

async function write(
  disk: MemoryDisk,
  compression: Compression,
  blocks: readonly string[] = BLOCKS.slice(0, 3),
): Promise<Uint8Array> {
  const storage = await open(disk);
  const writer = storage.createSnapshot(id(5, 1), ONE, compression);
  for (const block of blocks) writer.write(stringToBytes(block));
  await writer.finish();
  await storage.close();
  return disk.contents(pathOf(5, 1)) ?? new Uint8Array(0);
}

function inputOf(bytes: Uint8Array) {
  const readAt = (offset: number, target: Uint8Array) => {
    const part = bytes.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  };
  return { path: "file", size: () => bytes.length, readAt };
}

Deno.test("a compressed snapshot gives its blocks back, tells how it is compressed, and is shorter", async () => {
  const plain = await write(new MemoryDisk(), "off", BLOCKS);
  for (const compression of COMPRESSIONS) {
    const disk = new MemoryDisk();
    const bytes = await write(disk, compression, BLOCKS);
    const storage = await open(disk);
    const source = storage.openSnapshot();
    assert(source !== undefined);
    assertEquals(textsOf(source), BLOCKS);
    const { description } = source;
    const told = [description.compression, description.plainBytes, description.bytes];
    assertEquals(told, [compression, PLAIN_BYTES, bytes.length]);
    source.close();
    await storage.close();
    assertLess(bytes.length, plain.length - 6_000);
    const [shown] = (await inspectDirectory(disk, DIRECTORY)).snapshots;
    assertEquals([shown?.compression, shown?.plainBytes, shown?.blocks], [compression, PLAIN_BYTES, 4]);
  }
});

Deno.test("a compressed snapshot is a head that says so, blocks with a codec each, and a footer with the bytes in them", async () => {
  const bytes = await write(new MemoryDisk(), "deflate");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = view.getUint32(12, true);
  assertEquals(view.getUint32(8, true), 3);
  const meta = JSON.parse(bytesToString(bytes, 16, 16 + length));
  assertEquals(Object.keys(meta), ["lastIncludedIndex", "lastIncludedTerm", "configuration", "compression"]);
  assertEquals(meta.compression, "deflate");
  const first = 16 + length + 4;
  const stored = bytes.subarray(first + 8, first + 8 + 6);
  assertEquals([view.getUint32(first, true), view.getUint32(first + 4, true)], [6, checksum(stored)]);
  assertEquals(bytesToString(stored), "\x00short");
  const second = first + 14;
  assertEquals([bytes[second + 8], view.getUint32(second + 9, true)], [1, BLOCKS[1]?.length]);
  const footer = bytes.length - 32;
  assertEquals(view.getUint32(footer + 20, true), 5 + (BLOCKS[1]?.length ?? 0) + 80);
});

Deno.test("every bit flip of a compressed snapshot is noticed", async () => {
  for (const compression of COMPRESSIONS) {
    const disk = new MemoryDisk();
    const { length } = await write(disk, compression);
    for (let bit = 0; bit < length * 8; bit++) {
      const image = disk.crash();
      flip(image, pathOf(5, 1), bit);
      const error = await failure(CorruptionError, () => open(image));
      assertEquals(error.file, pathOf(5, 1), `bit ${bit}`);
    }
  }
});

/** What a reader yields, and what it returns. */
function drain<T>(reading: Generator<Uint8Array, T>): { readonly lengths: readonly number[]; readonly summary: T } {
  const lengths: number[] = [];
  for (let step = reading.next();; step = reading.next()) {
    if (step.done === true) return { lengths, summary: step.value };
    lengths.push(step.value.length);
  }
}

Deno.test("the check of a snapshot says what the reading of it says, and leaves the blocks compressed", async () => {
  for (const compression of ["off", ...COMPRESSIONS] as const) {
    const input = inputOf(await write(new MemoryDisk(), compression, BLOCKS));
    const [read, checked] = [drain(readSnapshot(input)), drain(checkSnapshot(input))];
    assertEquals(checked.summary, read.summary);
    assertEquals(read.lengths, BLOCKS.map(({ length }) => length));
    assertEquals(checked.lengths[1] === read.lengths[1], compression === "off");
  }
});

/** A file whose checksums are right, with a block that nobody can decompress. */
function writtenWrong(): Uint8Array<ArrayBuffer> {
  const head = encodeSnapshotHead({ lastIncluded: id(5, 1), configuration: ONE, compression: "deflate" });
  const block = Uint8Array.of(1, 5, 0, 0, 0, 0xff, 0xff, 0xff);
  const header = new Uint8Array(BLOCK_HEADER_BYTES);
  encodeBlockHeader(block, header);
  const whole = new Uint8Array([...head, ...header, ...block]);
  return new Uint8Array([...whole, ...encodeFooter(1, checksum(whole), 5)]);
}

Deno.test("a block that was written wrong passes the check of checksums, and no reading of it", () => {
  const input = inputOf(writtenWrong());
  assertEquals(drain(checkSnapshot(input)).summary.plainBytes, 5);
  assertThrows(() => drain(readSnapshot(input)), CorruptionError, "block 0 cannot be decompressed");
});

Deno.test("a snapshot that another node has written wrong gets no name here", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const receiver = storage.receiveSnapshot(id(5, 1), ONE);
  receiver.write(0, writtenWrong());
  const error = await failure(CorruptionError, () => receiver.finish());
  assertMatch(error.message, /block 0 cannot be decompressed/);
  assertEquals(disk.contents(pathOf(5, 1)), undefined);
  await storage.close();
});

Deno.test("where the runtime has no zstd a file with it is refused in one line, before any block, and no other one is", async () => {
  const head = encodeSnapshotHead({ lastIncluded: id(5, 1), configuration: ONE, compression: "zstd" });
  const read = (bytes: Uint8Array) => Array.from(readSnapshot(inputOf(bytes), () => {}, false));
  const error = assertThrows(() => read(head), FormatVersionError);
  assertMatch(error.message, /^Cannot read file: it is compressed with zstd, and this program runs on a Deno .*$/);
  assertEquals(read(await write(new MemoryDisk(), "deflate")).length, 3);
});

Deno.test("the version of a file and what it says of its compression must go together", async () => {
  const plain = await write(new MemoryDisk(), "off");
  const packed = await write(new MemoryDisk(), "deflate");
  for (const bytes of [snapshotOfVersion(plain, SNAPSHOT_VERSION), snapshotOfVersion(packed, SNAPSHOT_VERSION - 1)]) {
    assertThrows(() => Array.from(readSnapshot(inputOf(bytes))), CorruptionError, "the head cannot be read");
  }
});

Deno.test("a footer that tells another number of bytes than the blocks have is damage", () => {
  const head = encodeSnapshotHead({ lastIncluded: id(5, 1), configuration: ONE, compression: "deflate" });
  const bytes = new Uint8Array([...head, ...encodeFooter(0, checksum(head), 1)]);
  assertThrows(() => Array.from(readSnapshot(inputOf(bytes))), CorruptionError, "blocks are missing");
});
