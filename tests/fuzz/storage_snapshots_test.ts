/** Snapshot files: read as they were written, refused when damaged, and never a reason to take memory. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { checksum } from "../../lib/base/checksum.ts";
import { CorruptionError, FormatVersionError } from "../../lib/base/errors.ts";
import type { Random } from "../../lib/base/random.ts";
import { ZERO_ENTRY_ID } from "../../lib/raft/types.ts";
import { seal } from "../../lib/storage/binary.ts";
import { COMPRESSED_BLOCK_BYTES_MAX, COMPRESSIONS, HAS_ZSTD, packBlock } from "../../lib/storage/block_codec.ts";
import {
  BLOCK_HEADER_BYTES,
  encodeBlockHeader,
  encodeFooter,
  encodeSnapshotHead,
  readSnapshot,
  type SnapshotSummary,
} from "../../lib/storage/snapshot_format.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate, splice } from "./mutators.ts";
import { ReadOnlyFile } from "./read_only_disk.ts";
import { assertLinear } from "./timing.ts";
import { anyConfiguration, anyCount, anyEntryId } from "./values.ts";

/** What the reader keeps in memory of a file that is shorter. */
const WINDOW_BYTES = 1_048_576;

/** The parts of a file, each of which can be forged. */
interface Parts {
  readonly head: string;
  /** As they lie there. */
  readonly blocks: readonly string[];
  /** What they hold, as the footer tells it. */
  readonly plainBytes: number;
}

/** Those that this runtime writes. */
const WRITTEN = COMPRESSIONS.filter((name) => name !== "zstd" || HAS_ZSTD);

function anyParts(random: Random): Parts {
  const compression = random.pick(WRITTEN);
  const head = { lastIncluded: anyEntryId(random), configuration: anyConfiguration(random), compression };
  const blocks = Array.from(
    { length: random.below(4) },
    () => `b${anyBytes(random, random.chance(0.02) ? 2_000 : 30)}`.repeat(random.pick([1, 1, 20])),
  );
  if (compression === "off") return { head: bytesToString(encodeSnapshotHead(head)), blocks, plainBytes: 0 };
  const plainBytes = blocks.reduce((sum, block) => sum + block.length, 0);
  const packed = blocks.map((block) => bytesToString(packBlock(stringToBytes(block), compression)));
  return { head: bytesToString(encodeSnapshotHead(head)), blocks: packed, plainBytes };
}

/** The file of these parts; the footer tells what `total` makes of the checksum. */
function fileOf({ head, blocks, plainBytes }: Parts): string {
  let bytes = head;
  for (const block of blocks) bytes += headerOf(block) + block;
  return bytes + bytesToString(encodeFooter(blocks.length, checksum(stringToBytes(bytes)), plainBytes));
}

function headerOf(block: string): string {
  const header = new Uint8Array(BLOCK_HEADER_BYTES);
  encodeBlockHeader(stringToBytes(block), header);
  return bytesToString(header);
}

/** What a file holds. */
interface Content {
  readonly blocks: readonly string[];
  readonly summary: SnapshotSummary;
}

function read(content: string): Content {
  const file = new ReadOnlyFile("file", content);
  const blocks: string[] = [];
  const reader = readSnapshot(file);
  try {
    for (;;) {
      const step = reader.next();
      if (step.done === true) return { blocks, summary: step.value };
      blocks.push(bytesToString(step.value));
    }
  } finally {
    for (const { length } of blocks) {
      require(length <= Math.max(content.length, COMPRESSED_BLOCK_BYTES_MAX), `A block of ${length} bytes`);
    }
    const most = Math.max(WINDOW_BYTES, content.length);
    require(file.largestRead <= most, `A read of ${file.largestRead} bytes from a file of ${content.length}`);
  }
}

/** A file, and the contents that it may turn out to have. */
interface FileInput {
  readonly written: readonly string[];
  readonly bytes: string;
  readonly state: "whole" | "damaged" | "forged";
}

function makeFile(random: Random): FileInput {
  const parts = anyParts(random);
  const whole = fileOf(parts);
  if (random.chance(0.2)) return { written: [whole], bytes: whole, state: "whole" };
  if (random.chance(0.1) && parts.blocks.length > 0) {
    return { written: [], bytes: otherBlocks(parts, random), state: "damaged" };
  }
  if (random.chance(0.5)) {
    const other = random.chance(0.1) ? fileOf(anyParts(random)) : "";
    const bytes = other === "" ? mutate(whole, random) : splice(whole, other, random);
    return { written: [whole, other], bytes, state: "damaged" };
  }
  if (random.chance(0.4)) return { written: [], bytes: forgeLength(whole, random), state: "forged" };
  return {
    written: [],
    bytes: random.pick([forgeHead, forgeHead, forgeBlocks])(parts, random),
    state: "forged",
  };
}

/** Other bytes in the blocks, and a footer that fits them: only the blocks' own checksums tell. */
function otherBlocks({ head, blocks, plainBytes }: Parts, random: Random): string {
  const at = random.below(blocks.length);
  let bytes = head;
  blocks.forEach((block, place) => bytes += headerOf(block) + (place === at ? `c${block.slice(1)}` : block));
  return bytes + bytesToString(encodeFooter(blocks.length, checksum(stringToBytes(bytes)), plainBytes));
}

/** Blocks that were never packed, or otherwise than they say, with checksums that fit. */
function forgeBlocks(parts: Parts, random: Random): string {
  const blocks = parts.blocks.map((block) => random.chance(0.5) ? `${mutate(block, random)}b` : block);
  return fileOf({ ...parts, blocks, plainBytes: random.chance(0.5) ? parts.plainBytes : anyCount(random) });
}

/** Another text in the head, with a right length and checksums. */
function forgeHead({ head, blocks, plainBytes }: Parts, random: Random): string {
  const meta = mutate(head.slice(16, -4), random);
  const bytes = stringToBytes(`${head.slice(0, 16)}${meta}1234`);
  const view = new DataView(bytes.buffer);
  if (random.chance(0.1)) view.setUint32(8, anyCount(random) % 2 ** 32, true);
  view.setUint32(12, meta.length, true);
  seal(bytes);
  return fileOf({ head: bytesToString(bytes), blocks, plainBytes });
}

/** Another number somewhere: the length of the head, of a block, the count in the footer. */
function forgeLength(whole: string, random: Random): string {
  const bytes = stringToBytes(whole);
  const at = random.pick([8, 12, whole.length - 24, random.below(whole.length - 4)]);
  new DataView(bytes.buffer).setUint32(at, anyCount(random) % 2 ** 32, true);
  if (random.chance(0.3)) seal(bytes);
  return bytesToString(bytes);
}

fuzz("snapshot files", {
  make: makeFile,
  check: ({ written, bytes, state }) => {
    let content: Content;
    try {
      content = read(bytes);
    } catch (error) {
      if (state === "whole") throw error;
      if (error instanceof CorruptionError) {
        require(error.offset >= 0 && error.offset <= bytes.length, `Damage at offset ${error.offset}`);
        return "corrupt";
      }
      if (error instanceof FormatVersionError) return "newer";
      throw error;
    }
    if (state !== "forged") {
      require(written.includes(bytes), "A damaged file is read");
      const { compression } = content.summary;
      const stored = (block: string): string => {
        return compression === "off" ? block : bytesToString(packBlock(stringToBytes(block), compression));
      };
      const expected = content.blocks.map(stored).map((block) => headerOf(block) + block).join("");
      requireSame(bytes.slice(bytes.length - 32 - expected.length, bytes.length - 32), expected, "The blocks");
    }
    return state === "damaged" ? "whole" : state;
  },
  outcomes: ["corrupt", "newer", "whole", "forged"],
});

Deno.test("snapshot files take linear time", () => {
  const file = (parts: Parts) => new ReadOnlyFile("file", fileOf(parts));
  // Not as text: the engine's own conversion of megabytes is uneven.
  const run = (content: ReadOnlyFile) => Array.from(readSnapshot(content), (block) => block.length);
  const one = (size: number) => Array.from({ length: size }, () => "b");
  assertLinear("small blocks", {
    make: (size) => file({ head: anyHead(0), blocks: one(size), plainBytes: 0 }),
    run,
    size: 8_192,
  });
  const long = (size: number) => file({ head: anyHead(0), blocks: ["b".repeat(size)], plainBytes: 0 });
  assertLinear("one long block", { make: long, run, size: 2 ** 20 });
  assertLinear("many members", {
    make: (size) => file({ head: anyHead(size), blocks: [], plainBytes: 0 }),
    run,
    size: 4_096,
  });
});

function anyHead(members: number): string {
  const ids = Array.from({ length: members }, (_, id) => id);
  const configuration = {
    members: ids.map((id) => ({ id, address: "", clientAddress: "", identity: "" })),
    voters: ids,
    votersOld: [],
    learners: [],
  };
  return bytesToString(encodeSnapshotHead({ lastIncluded: ZERO_ENTRY_ID, configuration }));
}
