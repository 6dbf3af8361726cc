/**
 * The blocks of a snapshot as bytes. JSON blocks begin with "{", blocks of keys with "K"; then come records one behind the other:
 *
 *     offset  0  length of the key, 4 bytes; 4  length of the value, 4 bytes; little-endian, like all that follows
 *             8  create revision; 16  revision; 24  version; 32  deadline in ms since 1970, 0 for none: doubles
 *            40  key, then value
 */

import { bytesToString, stringToBytes } from "../base/bytes.ts";
import { EXPECTED_KEYS_MAX, type ExpectedKeys } from "../store/expected_keys.ts";
import type { RecordView } from "../store/record.ts";
import { Span } from "../store/span.ts";

const KEYS = "K".charCodeAt(0);
const JSON_START = "{".charCodeAt(0);
const HEAD_BYTES = 40;
const CAPACITY = 131_072;
/** Head, first block and footer of a file, and what blocks of 64 KiB have beside their records, as a part of these. */
const FILE_BYTES = 4_096;
const BLOCKS_SHARE = 1 / 1_024;
/** Longest form of a byte in JSON. */
const JSON_BYTES_PER_BYTE = 6;

/** Bytes at most of the snapshot of so many keys, and of sessions and users that hold `otherBytes` in memory. */
export function snapshotBytesMax(
  { size, bytes }: { readonly size: number; readonly bytes: number },
  otherBytes: number,
): number {
  const blocks = size * HEAD_BYTES + bytes + JSON_BYTES_PER_BYTE * otherBytes;
  return Math.ceil(FILE_BYTES + blocks * (1 + BLOCKS_SHARE));
}

/** One key as a block holds it. `key` and `value` are parts of the block. */
export interface BlockRecord {
  readonly key: Span;
  readonly value: Span;
  readonly createRevision: number;
  readonly revision: number;
  readonly version: number;
  /** 0 for none. */
  readonly deadline: number;
}

/** Puts records together to a block. */
export class KeyBlock {
  #bytes = new Uint8Array(CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes so far; 0 without records. */
  get length(): number {
    return this.#length;
  }

  /** Adds a record. */
  add({ key, value, createRevision, revision, version, deadline }: RecordView | BlockRecord): void {
    const start = Math.max(this.#length, 1);
    const keyStart = start + HEAD_BYTES;
    const end = keyStart + key.length + value.length;
    if (end > this.#bytes.length) this.#grow(end);
    const view = this.#view;
    view.setUint32(start, key.length, true);
    view.setUint32(start + 4, value.length, true);
    view.setFloat64(start + 8, createRevision, true);
    view.setFloat64(start + 16, revision, true);
    view.setFloat64(start + 24, version, true);
    view.setFloat64(start + 32, deadline, true);
    key.copyTo(this.#bytes, keyStart);
    value.copyTo(this.#bytes, keyStart + key.length);
    this.#length = end;
  }

  /** The block, valid until the next call of `add`, which begins another one. */
  take(): Uint8Array {
    this.#bytes[0] = KEYS;
    const block = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    // What one long value took is given back.
    if (this.#bytes.length > CAPACITY) this.#grow(0);
    return block;
  }

  #grow(needed: number): void {
    const old = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(Math.max(CAPACITY, needed));
    this.#bytes.set(old);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** Whether a block holds keys. */
export function isKeyBlock(block: Uint8Array): boolean {
  return block[0] === KEYS;
}

/** Who hears of the keys of a block some records ahead: `EXPECTED_KEYS_MAX` at most, then `fetch`, then these records are taken. */
export type KeysAhead = Pick<ExpectedKeys, "add" | "fetch">;

/**
 * Gives every record of such a block to `take`, in an object that is used again. False when the block ends in the middle of one, or `take`
 * refuses.
 */
export function readKeyBlock(block: Uint8Array, take: (record: BlockRecord) => boolean, ahead?: KeysAhead): boolean {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const key = new Span();
  const value = new Span();
  const record = { key, value, createRevision: 0, revision: 0, version: 0, deadline: 0 };
  let at = 1;
  let toldTo = 1;
  while (at + HEAD_BYTES <= block.length) {
    if (ahead !== undefined && at === toldTo) toldTo = tellOf(view, { from: at, ahead });
    const keyStart = at + HEAD_BYTES;
    const valueStart = keyStart + view.getUint32(at, true);
    const end = valueStart + view.getUint32(at + 4, true);
    if (end > block.length) return false;
    record.createRevision = view.getFloat64(at + 8, true);
    record.revision = view.getFloat64(at + 16, true);
    record.version = view.getFloat64(at + 24, true);
    record.deadline = view.getFloat64(at + 32, true);
    key.set(block, keyStart, valueStart);
    value.set(block, valueStart, end);
    if (!take(record)) return false;
    at = end;
  }
  return at === block.length && at > 1;
}

/** Tells of the keys of the next records that are whole; returns where these records end. */
function tellOf(view: DataView, { from, ahead }: { readonly from: number; readonly ahead: KeysAhead }): number {
  const block = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const key = new Span();
  let at = from;
  for (let count = 0; count < EXPECTED_KEYS_MAX && at + HEAD_BYTES <= block.length; count++) {
    const keyStart = at + HEAD_BYTES;
    const valueStart = keyStart + view.getUint32(at, true);
    const end = valueStart + view.getUint32(at + 4, true);
    if (end > block.length) break;
    ahead.add(key.set(block, keyStart, valueStart));
    at = end;
  }
  ahead.fetch();
  return at;
}

/** Adds `by` to both revisions of every record of such a block, where it lies. The block must be whole. */
export function raiseRevisions(block: Uint8Array, by: number): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  for (let at = 1; at < block.length;) {
    for (const offset of [at + 8, at + 16]) view.setFloat64(offset, view.getFloat64(offset, true) + by, true);
    at += HEAD_BYTES + view.getUint32(at, true) + view.getUint32(at + 4, true);
  }
}

/** Takes the deadline off every record of such a block, where it lies. The block must be whole. */
export function dropDeadlines(block: Uint8Array): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  for (let at = 1; at < block.length;) {
    view.setFloat64(at + 32, 0, true);
    at += HEAD_BYTES + view.getUint32(at, true) + view.getUint32(at + 4, true);
  }
}

/** A block of JSON, an object of byte strings. */
export function jsonBlock(content: object): Uint8Array {
  return stringToBytes(JSON.stringify(content));
}

/** What such a block holds; undefined for other bytes. */
export function readJsonBlock(block: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (block[0] !== JSON_START) return undefined;
  try {
    return JSON.parse(bytesToString(block));
  } catch {
    return undefined; // The caller tells a block it cannot read by its shape.
  }
}
