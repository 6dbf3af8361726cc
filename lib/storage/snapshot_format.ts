/** The bytes of a snapshot file: head, blocks, footer. Layout in docs/formats.md. */

import { checksum } from "../base/checksum.ts";
import { CorruptionError, FormatVersionError } from "../base/errors.ts";
import { decodeConfiguration } from "../raft/configuration_codec.ts";
import { type Configuration, type EntryId, toIndex, toTerm } from "../raft/types.ts";
import {
  BLOCK_PREFIX_BYTES,
  type Compression,
  COMPRESSIONS,
  HAS_ZSTD,
  plainBytesOf,
  unpackBlock,
} from "./block_codec.ts";
import { getUint53, hasMagic, isSealed, seal, setUint53, viewOf } from "./binary.ts";
import { canonicalConfiguration } from "./canonical.ts";
import type { DiskFile } from "./disk.ts";
import { isOtherVersion } from "./format_version.ts";

/** Version of the snapshot file. One that is not compressed has an earlier one, as programs of before read it (ADR 18, 44). */
export const SNAPSHOT_VERSION = 3;
/** Of a file that is not compressed, and of one whose configuration names no level either. */
const UNCOMPRESSED_VERSION = 2;
const LEVELLESS_VERSION = 1;
/** The longest block: room for the largest value, its key, and sessions. */
export const SNAPSHOT_BLOCK_BYTES_MAX = 33_554_432;
/** In front of each block: its length and its checksum. */
export const BLOCK_HEADER_BYTES = 8;

const MAGIC = new Uint8Array([0x01, 0x4b, 0x56, 0x53, 0x4e, 0x50, 0x02, 0x0a]);
const FOOTER_MAGIC = new Uint8Array([0x00, 0x00, 0x00, 0x00, 0x4b, 0x45, 0x4e, 0x44]);
const PREFIX_BYTES = 16;
const FOOTER_BYTES = 32;
const META_BYTES_MAX = 16_777_216;
const WINDOW_BYTES = 1_048_576;
const WITHOUT_ZSTD = {
  version: SNAPSHOT_VERSION,
  known: SNAPSHOT_VERSION,
  reason:
    "it is compressed with zstd, and this program runs on a Deno that has none: take a newer Deno, or the executable",
};

/** What a snapshot replaces. */
export interface SnapshotHead {
  readonly lastIncluded: EntryId;
  readonly configuration: Configuration;
  /** "off" when left out. */
  readonly compression?: Compression;
}

/** A snapshot whose every checksum was found right. */
export interface SnapshotSummary extends SnapshotHead {
  readonly compression: Compression;
  readonly bytes: number;
  /** Of all blocks before they were compressed. */
  readonly plainBytes: number;
  readonly blocks: number;
  /** CRC-32 of everything before the footer. */
  readonly checksum: number;
}

/** What a snapshot is read from. It is read from front to end, so that it may also be a stream, whose size is `Infinity`. */
export type SnapshotInput = Pick<DiskFile, "path" | "size" | "readAt">;

/** The head of the file: magic, version, length, JSON, checksum. */
export function encodeSnapshotHead({ lastIncluded, configuration, compression = "off" }: SnapshotHead): Uint8Array {
  const meta = new TextEncoder().encode(JSON.stringify({
    lastIncludedIndex: lastIncluded.index,
    lastIncludedTerm: lastIncluded.term,
    configuration: canonicalConfiguration(configuration),
    ...(compression === "off" ? {} : { compression }),
  }));
  const bytes = new Uint8Array(PREFIX_BYTES + meta.length + 4);
  bytes.set(MAGIC);
  viewOf(bytes).setUint32(8, versionOf(configuration, compression), true);
  viewOf(bytes).setUint32(12, meta.length, true);
  bytes.set(meta, PREFIX_BYTES);
  seal(bytes);
  return bytes;
}

function versionOf({ level }: Configuration, compression: Compression): number {
  if (compression !== "off") return SNAPSHOT_VERSION;
  return level === undefined ? LEVELLESS_VERSION : UNCOMPRESSED_VERSION;
}

/** Writes the length and the checksum of `block` at the start of `target`. */
export function encodeBlockHeader(block: Uint8Array, target: Uint8Array): void {
  const view = viewOf(target);
  view.setUint32(0, block.length, true);
  view.setUint32(4, checksum(block), true);
}

/**
 * The end of the file. It begins with four zeros, since no block is empty. `total` is the checksum of all bytes before it; `plainBytes`
 * stand in a compressed file alone.
 */
export function encodeFooter(blocks: number, total: number, plainBytes = 0): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  bytes.set(FOOTER_MAGIC);
  setUint53(viewOf(bytes), { offset: 8, value: blocks });
  viewOf(bytes).setUint32(16, total, true);
  setUint53(viewOf(bytes), { offset: 20, value: plainBytes });
  seal(bytes);
  return bytes;
}

/** The name of the file of a complete snapshot. */
export function snapshotName({ index, term }: EntryId): string {
  return `${String(index).padStart(20, "0")}-${term}.snap`;
}

/** The entry that a file name tells, or undefined when it is not a snapshot's. */
export function parseSnapshotName(name: string): EntryId | undefined {
  const match = /^(\d{20})-(\d+)\.snap$/.exec(name);
  return match === null ? undefined : { index: toIndex(Number(match[1])), term: toTerm(Number(match[2])) };
}

/** A block as it lies in a file, in an object that is used again. */
interface StoredBlock {
  bytes: Uint8Array;
  /** Offset of its header. */
  start: number;
  number: number;
  isPacked: boolean;
}

/**
 * Reads a snapshot from front to end and verifies every checksum. Yields each block as it was written, a view that is valid until the
 * next one, and returns the summary; `onHead` hears what the head says before the first block. Throws `CorruptionError`, or
 * `FormatVersionError` for another version, and for a compression that the runtime cannot undo (`hasZstd`).
 */
export function* readSnapshot(
  file: SnapshotInput,
  onHead: (head: SnapshotHead) => void = () => {},
  hasZstd = HAS_ZSTD,
): Generator<Uint8Array, SnapshotSummary> {
  const stored = storedBlocks(file, { onHead, hasZstd });
  for (let step = stored.next();; step = stored.next()) {
    if (step.done === true) return step.value;
    const { bytes, start, number, isPacked } = step.value;
    const block = isPacked ? unpackBlock(bytes) : bytes;
    if (typeof block === "string") {
      const what = `block ${number} cannot be decompressed: ${block}`;
      throw new CorruptionError(file.path, { offset: start, what });
    }
    yield block;
  }
}

/**
 * The same without undoing the compression: yields each block as it lies in the file. All that a disk or the way to it does to a file is
 * found, for half the processor time; a file that has been read whole once needs no more.
 */
export function* checkSnapshot(file: SnapshotInput): Generator<Uint8Array, SnapshotSummary> {
  const stored = storedBlocks(file, { hasZstd: HAS_ZSTD });
  for (let step = stored.next();; step = stored.next()) {
    if (step.done === true) return step.value;
    yield step.value.bytes;
  }
}

function* storedBlocks(
  file: SnapshotInput,
  { onHead, hasZstd }: { readonly onHead?: (head: SnapshotHead) => void; readonly hasZstd: boolean },
): Generator<StoredBlock, SnapshotSummary> {
  const reader = new SequentialReader(file);
  const head = readHead(reader, file);
  if (head.compression === "zstd" && !hasZstd) throw new FormatVersionError(file.path, WITHOUT_ZSTD);
  onHead?.(head);
  const isPacked = head.compression !== "off";
  const lengthMax = SNAPSHOT_BLOCK_BYTES_MAX + (isPacked ? BLOCK_PREFIX_BYTES : 0);
  const block: StoredBlock = { bytes: reader.last, start: 0, number: 0, isPacked };
  let plainBytes = 0;
  for (let blocks = 0;; blocks++) {
    const start = reader.offset;
    const total = reader.total;
    const length = viewOf(reader.take(BLOCK_HEADER_BYTES)).getUint32(0, true);
    if (length === 0) {
      readFooter(reader, { start, blocks, total, plainBytes: isPacked ? plainBytes : 0 });
      return { ...head, bytes: reader.offset, plainBytes, blocks, checksum: total };
    }
    const sum = viewOf(reader.last).getUint32(4, true);
    if (length > lengthMax) throw reader.damaged(start, `block ${blocks} has an impossible length`);
    const stored = reader.take(length);
    if (checksum(stored) !== sum) throw reader.damaged(start, `the checksum of block ${blocks} does not match`);
    plainBytes += isPacked ? plainBytesOf(stored) : length;
    block.bytes = stored;
    block.start = start;
    block.number = blocks;
    yield block;
  }
}

function readHead(reader: SequentialReader, file: SnapshotInput): Required<SnapshotHead> {
  const prefix = reader.take(PREFIX_BYTES);
  if (!hasMagic(prefix, { magic: MAGIC, offset: 0 })) throw reader.damaged(0, "it does not begin as a snapshot does");
  const version = viewOf(prefix).getUint32(8, true);
  const length = viewOf(prefix).getUint32(12, true);
  const found = { version, known: SNAPSHOT_VERSION };
  // What follows the version may mean something else in another one.
  if (isOther(version, false)) throw new FormatVersionError(file.path, found);
  if (length > META_BYTES_MAX) throw reader.damaged(12, "the head has an impossible length");
  const whole = new Uint8Array(PREFIX_BYTES + length + 4);
  whole.set(prefix);
  whole.set(reader.take(length + 4), PREFIX_BYTES);
  if (!isSealed(whole)) throw reader.damaged(0, "the checksum of the head does not match");
  if (isOther(version, true)) throw new FormatVersionError(file.path, found);
  const head = parseMeta(whole.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
  // The one goes with the other, so that no program takes a compressed block for the state.
  if (head === undefined || (head.compression === "off") !== (version < SNAPSHOT_VERSION)) {
    throw reader.damaged(PREFIX_BYTES, "the head cannot be read");
  }
  return head;
}

function isOther(version: number, sealed: boolean): boolean {
  return [LEVELLESS_VERSION, UNCOMPRESSED_VERSION, SNAPSHOT_VERSION].every((known) =>
    isOtherVersion({ version, known, sealed })
  );
}

function parseMeta(bytes: Uint8Array): Required<SnapshotHead> | undefined {
  const meta = parseJson(bytes);
  if (typeof meta !== "object" || meta === null) return undefined;
  const { lastIncludedIndex: index, lastIncludedTerm: term, ...more } = meta as Record<string, unknown>;
  const configuration = decodeConfiguration(more["configuration"]);
  const compression = COMPRESSIONS.find((known) => known === (more["compression"] ?? "off"));
  if (!isCount(index) || !isCount(term) || configuration === undefined || compression === undefined) return undefined;
  return { lastIncluded: { index: toIndex(index), term: toTerm(term) }, configuration, compression };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // The checksum is right, so a peer wrote this: the caller refuses it by its shape.
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

interface WantedFooter {
  readonly start: number;
  readonly blocks: number;
  readonly total: number;
  readonly plainBytes: number;
}

function readFooter(reader: SequentialReader, wanted: WantedFooter): void {
  const footer = new Uint8Array(FOOTER_BYTES);
  footer.set(reader.last);
  footer.set(reader.take(FOOTER_BYTES - BLOCK_HEADER_BYTES), BLOCK_HEADER_BYTES);
  if (!hasMagic(footer, { magic: FOOTER_MAGIC, offset: 0 }) || !isSealed(footer)) {
    throw reader.damaged(wanted.start, "the footer is damaged");
  }
  const [blocks, plainBytes] = [getUint53(viewOf(footer), 8), getUint53(viewOf(footer), 20)];
  if (blocks !== wanted.blocks || plainBytes !== wanted.plainBytes) {
    throw reader.damaged(wanted.start, "blocks are missing");
  }
  if (viewOf(footer).getUint32(16, true) !== wanted.total) {
    throw reader.damaged(wanted.start, "the checksum of the whole file does not match");
  }
  if (!reader.isAtEnd()) throw reader.damaged(reader.offset, "data follows the footer");
}

/** Reads a file from front to end through a buffer, and sums up what was taken. */
class SequentialReader {
  readonly size: number;
  offset = 0;
  /** Checksum of everything taken. */
  total = 0;
  /** What was taken last. */
  last = new Uint8Array(0);
  readonly #file: SnapshotInput;
  #window = new Uint8Array(WINDOW_BYTES);
  #from = 0;
  #to = 0;

  constructor(file: SnapshotInput) {
    this.#file = file;
    this.size = file.size();
  }

  /** The next `count` bytes, valid until the next call. Throws `CorruptionError` when the file is too short. */
  take(count: number): Uint8Array {
    if (count > this.size - this.offset) throw this.damaged(this.size, "the file is cut short");
    if (this.#to - this.#from < count) this.#fill(count);
    this.last = this.#window.subarray(this.#from, this.#from + count);
    this.#from += count;
    this.offset += count;
    this.total = checksum(this.last, this.total);
    return this.last;
  }

  /** Whether nothing follows what was taken. */
  isAtEnd(): boolean {
    return this.#to === this.#from && this.#file.readAt(this.offset, new Uint8Array(1)) === 0;
  }

  damaged(offset: number, what: string): CorruptionError {
    return new CorruptionError(this.#file.path, { offset, what });
  }

  #fill(count: number): void {
    const rest = this.#window.subarray(this.#from, this.#to);
    const target = count > this.#window.length ? new Uint8Array(count) : this.#window;
    target.set(rest);
    this.#window = target;
    this.#from = 0;
    this.#to = rest.length + this.#file.readAt(this.offset + rest.length, target.subarray(rest.length));
    if (this.#to < count) throw this.damaged(this.offset + this.#to, "the file is cut short");
  }
}
