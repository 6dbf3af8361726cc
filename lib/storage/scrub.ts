/**
 * Reads once more what lies durable in a directory, in order and piece by piece, and tells what is not what was written. Changes nothing.
 *
 * Bytes on a disk rot. A start finds that, but then it may be too late: what is found while the process still has all of it in memory is
 * repaired from there (lib/node/scrub).
 */

import { lacksResources } from "../base/accepting.ts";
import { checksum } from "../base/checksum.ts";
import { AccessError, CorruptionError, DiskFailureError, FormatVersionError } from "../base/errors.ts";
import type { EntryId } from "../raft/types.ts";
import type { Damage } from "./damage.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { decodeNodeFile } from "./node_file.ts";
import { readSnapshot, type SnapshotInput } from "./snapshot_format.ts";
import {
  decodeRecordHeader,
  decodeSegmentHeader,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from "./wal_format.ts";

/** Bytes of the log that are read at once. */
export const SCRUB_PIECE_BYTES = 262_144;
/** Bytes of a snapshot that its reader takes at once. */
const WINDOW_BYTES = 1_048_576;

/** What is damaged: the newest snapshot or the one before it, a segment of the log, the file with term and vote, or that with the keys. */
export type DamagedPart =
  | { readonly type: "Snapshot"; readonly id: EntryId; readonly isNewest: boolean }
  | { readonly type: "Segment"; readonly name: string }
  | { readonly type: "NodeFile" }
  | { readonly type: "KeyFile" };

/** A piece was read and found right; `next` is what will be read next, as far as that is known. */
export interface ScrubbedPiece {
  readonly type: "Read";
  readonly bytes: number;
  readonly next: { readonly path: string; readonly offset: number; readonly bytes: number };
}

/** The rest of a file is not looked at. */
export interface FoundDamage {
  readonly type: "Damaged";
  readonly damage: Damage;
  readonly part: DamagedPart;
}

/** What there is to tell of one step. */
export type ScrubStep = ScrubbedPiece | FoundDamage;

/** A segment as far as it is durable. */
export interface DurableSegment {
  readonly name: string;
  readonly sequence: number;
  /** Behind the last durable record. */
  readonly end: number;
}

/** Where files are read. */
export interface ScrubbedDirectory {
  readonly disk: Disk;
  readonly directory: string;
}

type Reading = Generator<ScrubbedPiece, Damage | undefined>;

/** Reads one snapshot. */
export function scrubSnapshot(disk: Disk, path: string): Reading {
  return reading(path, { disk, read: readBlocks });
}

/** Reads one segment, every record up to its durable end. */
export function scrubSegment({ disk, directory }: ScrubbedDirectory, segment: DurableSegment): Reading {
  return reading(`${directory}/${segment.name}`, { disk, read: (file) => readRecords(file, segment) });
}

/** Reads the file with term and vote. */
export function scrubNodeFile(disk: Disk, path: string): Reading {
  return reading(path, { disk, read: (file) => readSmall(file, (bytes) => decodeNodeFile(bytes, path)) });
}

/** Reads the file with the keys of an encrypted directory; `examine` throws for what is wrong with it. */
export function scrubKeyFile(
  disk: Disk,
  { path, examine }: { readonly path: string; readonly examine: (bytes: Uint8Array) => void },
): Reading {
  return reading(path, { disk, read: (file) => readSmall(file, examine) });
}

/**
 * The same reading as long as the file is kept: one that is removed meanwhile is let go with the next step, since the system keeps its room
 * for whoever has it open, and nothing of it matters any more.
 */
export function* whileKept(reading: Reading, isKept: () => boolean): Reading {
  try {
    while (isKept()) {
      const step = reading.next();
      if (step.done === true) return isKept() ? step.value : undefined;
      yield step.value;
    }
    return undefined;
  } finally {
    reading.return(undefined);
  }
}

/** Opens the file for `read`; what cannot be read is damage like what is wrong. */
function* reading(
  path: string,
  { disk, read }: { readonly disk: Disk; readonly read: (file: DiskFile) => Reading },
): Reading {
  let file: DiskFile | undefined;
  try {
    file = disk.open(path, "read");
    return yield* read(file);
  } catch (error) {
    if (error instanceof CorruptionError) return { file: path, offset: error.offset, what: error.what };
    // The process is out of descriptors, and nothing is wrong with the file: the next round looks again.
    if (error instanceof AccessError && lacksResources(error.cause)) return undefined;
    // What was of this version when it was opened has not become of another one.
    const isDamage = error instanceof FormatVersionError || error instanceof DiskFailureError ||
      error instanceof AccessError;
    if (isDamage) return { file: path, offset: 0, what: error.message };
    throw error;
  } finally {
    file?.close();
  }
}

function* readBlocks(file: DiskFile): Reading {
  let [at, told] = [0, 0];
  const input: SnapshotInput = {
    path: file.path,
    size: () => file.size(),
    readAt: (offset, target) => {
      const count = file.readAt(offset, target);
      at = offset + count;
      return count;
    },
  };
  const blocks = readSnapshot(input);
  for (;;) {
    yield { type: "Read", bytes: at - told, next: { path: file.path, offset: at, bytes: WINDOW_BYTES } };
    told = at;
    if (blocks.next().done === true) {
      yield { type: "Read", bytes: at - told, next: { path: file.path, offset: at, bytes: 0 } };
      return undefined;
    }
  }
}

function* readSmall(file: DiskFile, decode: (bytes: Uint8Array) => unknown): Reading {
  const bytes = new Uint8Array(file.size());
  file.readAt(0, bytes);
  decode(bytes);
  yield { type: "Read", bytes: bytes.length, next: { path: file.path, offset: bytes.length, bytes: 0 } };
  return undefined;
}

function* readRecords(file: DiskFile, { name, sequence, end }: DurableSegment): Reading {
  const pieces = new Pieces(file, end);
  const header = decodeSegmentHeader(yield* pieces.take(SEGMENT_HEADER_BYTES), file.path);
  const isOwn = header?.sequence === sequence &&
    [false, true].some((taken) => segmentName(header, () => taken) === name);
  if (header === undefined || !isOwn) return { file: file.path, offset: 0, what: "the segment header is damaged" };
  let { firstNumber: number, chain, epoch } = header;
  while (pieces.offset < end) {
    const offset = pieces.offset;
    const damage = { file: file.path, offset, what: `record ${number} is damaged` };
    const record = decodeRecordHeader(yield* pieces.take(RECORD_HEADER_BYTES), { file: file.path, offset: 0 });
    const follows = record?.number === number && record.chain === chain && record.epoch >= epoch &&
      record.sequence === sequence && record.offset === offset;
    if (record === undefined || !follows || pieces.offset + record.bodyBytes > end) return damage;
    let sum = 0;
    for (let left = record.bodyBytes; left > 0;) {
      const piece = yield* pieces.some(left);
      if (piece.length === 0) return damage;
      sum = checksum(piece, sum);
      left -= piece.length;
    }
    if (sum !== record.bodyChecksum) return damage;
    [number, chain, epoch] = [number + 1, record.checksum, record.epoch];
  }
  return undefined;
}

/** A file from front to end, a piece at a time. */
class Pieces {
  /** Behind what was taken. */
  offset = 0;
  readonly #file: DiskFile;
  readonly #end: number;
  readonly #buffer: Uint8Array;
  #from = 0;
  #to = 0;

  constructor(file: DiskFile, end: number) {
    this.#file = file;
    this.#end = end;
    this.#buffer = new Uint8Array(Math.min(SCRUB_PIECE_BYTES, Math.max(end, SEGMENT_HEADER_BYTES)));
  }

  /** `count` bytes, fewer at the end; valid until the next call. */
  *take(count: number): Generator<ScrubbedPiece, Uint8Array> {
    if (this.#to - this.#from < count) yield* this.#fill();
    return this.#shift(count);
  }

  /** At least one byte and at most `count`; none at the end. */
  *some(count: number): Generator<ScrubbedPiece, Uint8Array> {
    if (this.#to === this.#from) yield* this.#fill();
    return this.#shift(count);
  }

  #shift(count: number): Uint8Array {
    const bytes = this.#buffer.subarray(this.#from, Math.min(this.#to, this.#from + count));
    this.#from += bytes.length;
    this.offset += bytes.length;
    return bytes;
  }

  *#fill(): Generator<ScrubbedPiece, void> {
    this.#buffer.copyWithin(0, this.#from, this.#to);
    [this.#from, this.#to] = [0, this.#to - this.#from];
    const at = this.offset + this.#to;
    const wanted = this.#buffer.subarray(this.#to, Math.min(this.#buffer.length, this.#to + this.#end - at));
    const count = this.#file.readAt(at, wanted);
    this.#to += count;
    yield { type: "Read", bytes: count, next: { path: this.#file.path, offset: at + count, bytes: SCRUB_PIECE_BYTES } };
  }
}
