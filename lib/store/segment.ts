/**
 * One run of records in a buffer, and how a record lies in it.
 *
 * A record begins at a multiple of 8 bytes, its unit. Its head has 32 bytes, all numbers in the order of the machine:
 *
 *      0  f64  revision              log index of the last change
 *      8  f64  create revision       log index of the change that made the key
 *     16  u32  version               number of changes; its upper 16 bits stand at 28
 *     20  u32  bytes of the value
 *     24  u32  bytes of the key (17 bits), units of the whole record (15 bits)
 *     28  u32  type (8 bits), flags (8 bits), upper bits of the version (16 bits)
 *     32  f64  deadline in ms, only where the flag says so
 *         key, filled up to 4 bytes; value, with room to grow; or, for a large value, the u32 of its slot
 *
 * Units and keys can so be found by walking, and words of key and value can be hashed four bytes at a time.
 */

import type { Span } from "./span.ts";

/** Bytes of a unit: places and sizes are counted in units. */
export const UNIT_BYTES = 8;
/** A place is the number of a segment and, in its lower bits, the unit in it. */
export const SEGMENT_SHIFT = 17;
/** Units of the longest segment: 1 MiB. */
export const SEGMENT_UNITS = 131_072;
/** What of a place is the unit. */
export const UNIT_MASK = 131_071;
/** Longest key. */
export const KEY_BYTES_MAX = 65_536;
/** Values above this lie outside, in buffers of their own. */
export const SMALL_VALUE_BYTES_MAX = 65_536;
/** Bytes of a record's head. */
export const HEAD_BYTES = 32;
const DEADLINE_BYTES = 8;
const SLOT_BYTES = 4;

const KEY_BITS = 17;
const KEY_MASK = 2 ** KEY_BITS - 1;
const TYPE_MASK = 0xff;
const HAS_DEADLINE = 0x100;
const IS_LARGE = 0x200;
const IS_DEAD = 0x400;
const VERSION_SHIFT = 16;
const TWO_32 = 2 ** 32;

/** What is known of a record beside its key and its value. */
export interface RecordFacts {
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
  /** In ms since 1970; 0 for none. */
  readonly deadline: number;
  /** What kind of value it is, for the users of the store: 0 to 255. */
  readonly type: number;
}

/** How long a record shall be. */
export interface RecordSize {
  readonly keyBytes: number;
  /** Bytes kept for the value; `undefined` for a large one. */
  readonly room: number | undefined;
  readonly hasDeadline: boolean;
}

/** Units that a record takes. */
export function recordUnits({ keyBytes, room, hasDeadline }: RecordSize): number {
  const head = HEAD_BYTES + (hasDeadline ? DEADLINE_BYTES : 0);
  return (head + ((keyBytes + 3) & ~3) + (room ?? SLOT_BYTES) + UNIT_BYTES - 1) >>> 3;
}

/** A buffer of records, one behind the other, with three views of it. All fields are for this folder alone. */
export class Segment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  /** Units in use from the beginning, and those of them whose record is dead. */
  top = 0;
  garbage = 0;
  /** An open cut still needs what lived from unit `heldFrom` to `heldTop` when it was opened. */
  heldFrom = 0;
  heldTop = 0;
  /** A bit for each unit: the record there died, and the open cut needs it all the same. Made with the first such record. */
  kept: Uint8Array | undefined = undefined;

  constructor(readonly number: number, readonly units: number) {
    this.bytes = new Uint8Array(units * UNIT_BYTES);
    this.words = new Uint32Array(this.bytes.buffer);
    this.doubles = new Float64Array(this.bytes.buffer);
  }

  revisionOf(unit: number): number {
    return this.doubles[unit] ?? 0;
  }

  createRevisionOf(unit: number): number {
    return this.doubles[unit + 1] ?? 0;
  }

  versionOf(unit: number): number {
    return (this.words[2 * unit + 4] ?? 0) + this.versionHighOf(unit) * TWO_32;
  }

  versionHighOf(unit: number): number {
    return (this.words[2 * unit + 7] ?? 0) >>> VERSION_SHIFT;
  }

  valueBytesOf(unit: number): number {
    return this.words[2 * unit + 5] ?? 0;
  }

  keyBytesOf(unit: number): number {
    return (this.words[2 * unit + 6] ?? 0) & KEY_MASK;
  }

  unitsOf(unit: number): number {
    return (this.words[2 * unit + 6] ?? 0) >>> KEY_BITS;
  }

  typeOf(unit: number): number {
    return (this.words[2 * unit + 7] ?? 0) & TYPE_MASK;
  }

  deadlineOf(unit: number): number {
    return this.hasDeadline(unit) ? this.doubles[unit + 4] ?? 0 : 0;
  }

  /** Whether the record has room for a deadline. */
  hasDeadline(unit: number): boolean {
    return ((this.words[2 * unit + 7] ?? 0) & HAS_DEADLINE) !== 0;
  }

  isLarge(unit: number): boolean {
    return ((this.words[2 * unit + 7] ?? 0) & IS_LARGE) !== 0;
  }

  isDead(unit: number): boolean {
    return ((this.words[2 * unit + 7] ?? 0) & IS_DEAD) !== 0;
  }

  /** Offset in bytes of the key. */
  keyAt(unit: number): number {
    return unit * UNIT_BYTES + HEAD_BYTES + (this.hasDeadline(unit) ? DEADLINE_BYTES : 0);
  }

  /** Offset in bytes of the value, or of a large value's slot. */
  valueAt(unit: number): number {
    return this.keyAt(unit) + ((this.keyBytesOf(unit) + 3) & ~3);
  }

  /** Where a large value lies. */
  slotOf(unit: number): number {
    return this.words[this.valueAt(unit) >>> 2] ?? 0;
  }

  /** Bytes that a value may have without moving the record. */
  roomOf(unit: number): number {
    return (unit + this.unitsOf(unit)) * UNIT_BYTES - this.valueAt(unit);
  }

  /** Whether an open cut may still want what is here. */
  isNeeded(unit: number): boolean {
    return unit < this.heldTop && unit >= this.heldFrom;
  }

  /** Whether an open cut has not gone through all of it yet. */
  get isHeld(): boolean {
    return this.heldFrom < this.heldTop;
  }

  /** Writes the parts of a new record that never change as long as it lives, its key included. */
  lay(unit: number, key: Span, size: RecordSize): void {
    const units = recordUnits(size);
    this.words[2 * unit + 6] = size.keyBytes | (units << KEY_BITS);
    this.words[2 * unit + 7] = (size.hasDeadline ? HAS_DEADLINE : 0) | (size.room === undefined ? IS_LARGE : 0);
    key.copyTo(this.bytes, this.keyAt(unit));
  }

  /** Writes the parts that change in place. */
  describe(unit: number, { revision, createRevision, version, deadline, type }: RecordFacts): void {
    const flags = (this.words[2 * unit + 7] ?? 0) & (HAS_DEADLINE | IS_LARGE);
    this.doubles[unit] = revision;
    this.doubles[unit + 1] = createRevision;
    this.words[2 * unit + 4] = version % TWO_32;
    this.words[2 * unit + 7] = type | flags | (Math.floor(version / TWO_32) << VERSION_SHIFT);
    if (flags & HAS_DEADLINE) this.doubles[unit + 4] = deadline;
  }

  /** Writes the length of the value. */
  setValueBytes(unit: number, bytes: number): void {
    this.words[2 * unit + 5] = bytes;
  }

  /** Writes the place of a large value. */
  setSlot(unit: number, slot: number): void {
    this.words[this.valueAt(unit) >>> 2] = slot;
  }

  /** The record here is no longer that of its key. Whether an open cut keeps it. */
  kill(unit: number): boolean {
    this.words[2 * unit + 7] = (this.words[2 * unit + 7] ?? 0) | IS_DEAD;
    this.garbage += this.unitsOf(unit);
    if (!this.isNeeded(unit)) return false;
    this.kept ??= new Uint8Array((this.units + 7) >>> 3);
    this.kept[unit >>> 3] = (this.kept[unit >>> 3] ?? 0) | (1 << (unit & 7));
    return true;
  }

  /** Whether the record here belongs to the open cut, which needs this unit. */
  wasAlive(unit: number): boolean {
    if (!this.isDead(unit)) return true;
    return this.kept !== undefined && ((this.kept[unit >>> 3] ?? 0) & (1 << (unit & 7))) !== 0;
  }
}
