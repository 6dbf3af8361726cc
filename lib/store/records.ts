/** Records by the hash of their key: where each one lies, and whether a change fits there. */

import { assert, fail } from "../base/assert.ts";
import { ExpectedKeys } from "./expected_keys.ts";
import { KeyHash, type Seed } from "./key_hash.ts";
import { GROWTH_SHARE, LargeValue, LargeValues, type Part } from "./large.ts";
import type { HashedRecord } from "./digest.ts";
import type { RecordView } from "./record.ts";
import {
  HEAD_BYTES,
  KEY_BYTES_MAX,
  type RecordFacts,
  type RecordSize,
  recordUnits,
  type Segment,
  SEGMENT_UNITS,
  SMALL_VALUE_BYTES_MAX,
  UNIT_BYTES,
  UNIT_MASK,
} from "./segment.ts";
import { Shard } from "./shard.ts";
import { Slab } from "./slab.ts";
import { Span } from "./span.ts";

const HASH_BITS = 32;
/** Bytes of the first table of a shard. */
const TABLE_BYTES_MIN = 64;
/** A value that shrinks leaves at most its own length and so much more unused; else its record is written anew. */
const UNUSED_BYTES_MAX = 64;
/** Bytes of a record beside head, key and value: the deadline, and what fills up. */
const FILLED_BYTES_MAX = 24;

const NO_BYTES = new Span();
const NO_SLOT = -1;

/** What a record shall be, as it is put together. One of them is used again and again. */
export class Draft implements RecordFacts {
  revision = 0;
  createRevision = 0;
  version = 0;
  deadline = 0;
  type = 0;
  /** The whole value; undefined for what it is. */
  value: Span | undefined = undefined;
  /** What is to be overwritten in it. */
  part: Part | undefined = undefined;
  /** The whole value again, when it is large and its buffer is to be taken over. */
  large: LargeValue | undefined = undefined;
  /** For `Records`: the value so far, the length that it shall have, and the slot of a large one. */
  base = NO_BYTES;
  length = 0;
  slot = NO_SLOT;
}

/** Told of a large value whose record dies although an open cut needs it. */
export type OnKept = (place: number, value: LargeValue) => void;

/** A record as `Records.visit` shows it. */
export interface VisitedRecord extends HashedRecord {
  readonly large: LargeValue | undefined;
}

/** What records are made with. */
export interface RecordsParts {
  readonly seed: Seed;
  readonly shards: number;
  readonly onKept: OnKept;
}

/** The size of a record that is about to be made, in an object that is used again. */
class Size implements RecordSize {
  keyBytes = 0;
  room: number | undefined = 0;
  hasDeadline = false;
}

/**
 * The tables, the segments and the large values.
 *
 * Invariants: each live record is in the table of its shard; each slot of a large value belongs to one live record.
 */
export class Records {
  readonly slab: Slab = new Slab((from, to) => this.#relocate(from, to));
  readonly expected: ExpectedKeys;
  #large = new LargeValues();
  readonly #hash: KeyHash;
  readonly #shards: Shard[];
  readonly #shift: number;
  readonly #onKept: OnKept;
  #tableBytes = 0;
  #longestTableBytes = 0;
  readonly #size = new Size();
  readonly #key = new Span();

  constructor({ seed, shards, onKept }: RecordsParts) {
    const bits = Math.log2(shards);
    assert(Number.isInteger(bits) && bits <= HASH_BITS / 2, `Cannot make ${shards} shards: it must be a power of two`);
    this.#hash = new KeyHash(seed);
    this.#shards = Array.from({ length: shards }, (_, number) => new Shard(number));
    this.#shift = HASH_BITS / 2 - bits;
    this.#onKept = onKept;
    this.expected = new ExpectedKeys({ hash: this.#hash, slab: this.slab, shardOf: (hash) => this.#shardOf(hash) });
  }

  /** The large values of these records; after `clear` there are others. */
  get large(): LargeValues {
    return this.#large;
  }

  /** Bytes of the tables. */
  get tableBytes(): number {
    return this.#tableBytes;
  }

  /** Slots passed on the way to the key that takes longest to find. */
  get longestProbe(): number {
    return this.#shards.reduce((longest, shard) => Math.max(longest, shard.longestProbe), 0);
  }

  /** Bytes by which a key with a value of these lengths may let segments, tables and large values grow. */
  growthOf(keyBytes: number, valueBytes: number): number {
    const length = Math.ceil(valueBytes * (1 + GROWTH_SHARE));
    const record = HEAD_BYTES + FILLED_BYTES_MAX + keyBytes + Math.min(length, SMALL_VALUE_BYTES_MAX);
    const large = length > SMALL_VALUE_BYTES_MAX ? length + FILLED_BYTES_MAX : 0;
    return this.slab.growthOf(record) + large + Math.max(this.#longestTableBytes, TABLE_BYTES_MIN);
  }

  /** Finds the record of a key; whether there is one. If not, `into` knows where it would belong. */
  find(key: Span, into: RecordView): boolean {
    const { bytes, start, end } = key;
    const length = end - start;
    const hash = this.#hash.of(key);
    const shard = this.#shardOf(hash);
    const { table, mask } = shard;
    into.hash = hash;
    into.shard = shard;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const place = table[2 * slot + 1] ?? 0;
      if (place === 0) return false;
      if (table[2 * slot] !== hash) continue;
      const segment = this.slab.segmentOf(place);
      const unit = place & UNIT_MASK;
      if (segment.keyBytesOf(unit) !== length) continue;
      const own = segment.bytes;
      const at = segment.keyAt(unit);
      let offset = 0;
      while (offset < length && own[at + offset] === bytes[start + offset]) offset++;
      if (offset < length) continue;
      into.slot = slot;
      into.locate(segment, unit, this.#largeOf(segment, unit));
      return true;
    }
  }

  /**
   * Goes through the records whose key hashes begin with the bits of a bucket, of which there are `2 ** bits`. False where a table or the head of a record
   * leads astray: then nothing behind it can be read.
   */
  visit(
    bucket: number,
    { bits, seen }: { readonly bits: number; readonly seen: (record: VisitedRecord) => boolean },
  ): boolean {
    const shift = HASH_BITS - bits;
    const number = (bucket * 2 ** shift) >>> 0;
    const shard = this.#shardOf(number);
    const { table, mask } = shard;
    for (let slot = 0; slot <= mask; slot++) {
      const place = table[2 * slot + 1] ?? 0;
      const hash = table[2 * slot] ?? 0;
      if (place === 0) continue;
      if (this.#shardOf(hash) !== shard) return false;
      if (hash >>> shift !== bucket) continue;
      const segment = this.slab.segmentOf(place);
      const unit = place & UNIT_MASK;
      if (!isReadable(segment, unit)) return false;
      const large = this.#largeOf(segment, unit);
      if (segment.isLarge(unit) && segment.valueBytesOf(unit) !== large?.length) return false;
      const at = segment.keyAt(unit);
      const own = this.#hash.of(this.#key.set(segment.bytes, at, at + segment.keyBytesOf(unit)));
      if (own !== hash || !shard.leadsTo(hash, slot) || !seen({ segment, unit, large, hash })) return false;
    }
    return true;
  }

  /** Makes a record for a key that `at` has not found; `at` leads to it then. */
  add(key: Span, at: RecordView, draft: Draft): void {
    assert(
      key.length <= KEY_BYTES_MAX,
      `Cannot store a key of ${key.length} bytes: at most ${KEY_BYTES_MAX} are allowed`,
    );
    const { shard, hash } = at;
    at.large = undefined;
    draft.base = draft.value ?? NO_BYTES;
    this.#measure(at, draft);
    const place = this.#lay(key, at, draft);
    const before = shard.capacity;
    shard.add(hash, place);
    this.#tableBytes += shard.capacity - before;
    this.#longestTableBytes = Math.max(this.#longestTableBytes, shard.capacity);
  }

  /** Changes a record where it is, or writes another in its place; `at` leads to that then. */
  change(at: RecordView, draft: Draft): void {
    const { segment, unit, large } = at;
    const slot = large === undefined ? NO_SLOT : segment.slotOf(unit);
    draft.base = draft.value ?? at.value;
    this.#measure(at, draft);
    if (canStay(at, draft)) {
      if (draft.slot === NO_SLOT) fillValue(segment, unit, draft);
      describe(segment, unit, draft);
      at.locate(segment, unit, this.#largeOf(segment, unit));
    } else {
      // The whole value is copied, whatever of it changes.
      draft.value = draft.base;
      at.shard.move(at.slot, this.#lay(at.key, at, draft));
      this.#bury(segment, unit, large);
    }
    if (slot !== NO_SLOT && slot !== draft.slot) this.#large.remove(slot);
  }

  /** Takes a record out. */
  remove({ shard, slot, segment, unit, large }: RecordView): void {
    const before = shard.capacity;
    shard.remove(slot);
    this.#tableBytes += shard.capacity - before;
    this.#bury(segment, unit, large);
    if (large !== undefined) this.#large.remove(segment.slotOf(unit));
  }

  /** Forgets all records in the time that the shards take; what an open cut holds stays with it. */
  clear(): void {
    this.slab.clear();
    this.#large = new LargeValues();
    for (const shard of this.#shards) shard.clear();
    this.#tableBytes = 0;
    this.#longestTableBytes = 0;
  }

  /** Works out how long the value will be, and puts a large one into its slot. */
  #measure({ segment, unit, large }: RecordView, draft: Draft): void {
    const { base, part } = draft;
    draft.length = part === undefined ? base.length : Math.max(base.length, part.at + part.bytes.length);
    draft.slot = NO_SLOT;
    if (draft.length <= SMALL_VALUE_BYTES_MAX) return;
    if (large !== undefined && draft.value === undefined && (part === undefined || part.at >= base.length)) {
      draft.slot = segment.slotOf(unit);
      if (part !== undefined) this.#large.append(draft.slot, part);
    } else draft.slot = this.#large.add(draft.large ?? LargeValue.of(base, part));
  }

  /** Appends a record with the whole value; `at` leads to it then. */
  #lay(key: Span, at: RecordView, draft: Draft): number {
    const size = this.#size;
    size.keyBytes = key.length;
    size.hasDeadline = draft.deadline !== 0;
    const grows = draft.part !== undefined && draft.base.length > 0;
    size.room = draft.slot !== NO_SLOT
      ? undefined
      : grows
      ? Math.min(SMALL_VALUE_BYTES_MAX, Math.ceil(draft.length * (1 + GROWTH_SHARE)))
      : draft.length;
    const place = this.slab.allocate(recordUnits(size));
    const segment = this.slab.segmentOf(place);
    const unit = place & UNIT_MASK;
    segment.lay(unit, key, size);
    if (draft.slot === NO_SLOT) fillValue(segment, unit, draft);
    describe(segment, unit, draft);
    at.locate(segment, unit, this.#largeOf(segment, unit));
    return place;
  }

  #bury(segment: Segment, unit: number, large?: LargeValue): void {
    const isKept = this.slab.kill(segment, unit);
    if (isKept && large !== undefined) this.#onKept(segment.number * SEGMENT_UNITS + unit, large);
  }

  #largeOf(segment: Segment, unit: number): LargeValue | undefined {
    return segment.isLarge(unit) ? this.#large.get(segment.slotOf(unit)) : undefined;
  }

  #shardOf(hash: number): Shard {
    // In two steps: a shift by 32, for a single shard, would be none.
    return this.#shards[(hash >>> (HASH_BITS / 2)) >>> this.#shift] ??
      fail("Cannot find a shard: the hash is out of range");
  }

  #relocate(from: number, to: number): void {
    const segment = this.slab.segmentOf(to);
    const at = segment.keyAt(to & UNIT_MASK);
    const hash = this.#hash.of(this.#key.set(segment.bytes, at, at + segment.keyBytesOf(to & UNIT_MASK)));
    const shard = this.#shardOf(hash);
    shard.move(shard.slotOf(hash, from), to);
  }
}

/** Whether what lies there has the lengths of a record that lives: what has not must not be read. */
function isReadable(segment: Segment, unit: number): boolean {
  if (unit + HEAD_BYTES / UNIT_BYTES > segment.top || segment.isDead(unit)) return false;
  const end = unit + segment.unitsOf(unit);
  const room = end * UNIT_BYTES - segment.valueAt(unit);
  return end <= segment.top && room >= (segment.isLarge(unit) ? 0 : segment.valueBytesOf(unit));
}

/** Whether a record can take what is drafted for it without being written anew. */
function canStay({ segment, unit, large }: RecordView, { length, slot, deadline }: Draft): boolean {
  if (segment.isNeeded(unit) || (deadline !== 0 && !segment.hasDeadline(unit))) return false;
  if (slot !== NO_SLOT || large !== undefined) return slot !== NO_SLOT && large !== undefined;
  const room = segment.roomOf(unit);
  return length <= room && room <= 2 * length + UNUSED_BYTES_MAX;
}

/** Writes a value into its record: all of it, or the part that changes. */
function fillValue(segment: Segment, unit: number, { base, value, part }: Draft): void {
  const { bytes } = segment;
  const at = segment.valueAt(unit);
  if (value !== undefined) value.copyTo(bytes, at);
  if (part === undefined) return;
  if (part.at > base.length) bytes.fill(0, at + base.length, at + part.at);
  part.bytes.copyTo(bytes, at + part.at);
}

function describe(segment: Segment, unit: number, draft: Draft): void {
  segment.describe(unit, draft);
  segment.setValueBytes(unit, draft.length);
  if (draft.slot !== NO_SLOT) segment.setSlot(unit, draft.slot);
}
