/** The records of all keys as bytes, outside the heap that is garbage-collected: found by hash, in byte order, by deadline. */

import { assert } from "../base/assert.ts";
import { Cut } from "./cut.ts";
import { damageAsked, damageRecord } from "./damage.ts";
import { Deadlines } from "./deadlines.ts";
import { Digest } from "./digest.ts";
import type { ExpectedKeys } from "./expected_keys.ts";
import type { Seed } from "./key_hash.ts";
import type { Part } from "./large.ts";
import { Order, OrderCursor } from "./order.ts";
import { Changes, RecordView } from "./record.ts";
import { Draft, Records } from "./records.ts";
import { type RecordFacts, UNIT_BYTES } from "./segment.ts";
import { SLOT_BYTES } from "./shard.ts";
import { Span } from "./span.ts";
import { Sweep } from "./sweep.ts";

const SHARDS = 1_024;
/** Parts of a shard that are summed up each for itself: to go through one of a million keys takes a part of a millisecond. */
const BUCKETS_PER_SHARD = 4;
const NOTHING = { deadline: 0, type: 0 } as const;

/** How a store is made. */
export interface StoreOptions {
  readonly seed: Seed;
  /** A power of two. */
  readonly shards?: number;
}

/** What a key is set to. Hand the same object over again and again where it matters. */
export interface Write {
  readonly value: Span;
  /** Log index of the change. */
  readonly revision: number;
  /** In ms since 1970; 0 for none. */
  readonly deadline: number;
  /** What kind of value it is: 0 to 255. */
  readonly type: number;
}

/** A part of a value that is overwritten; zeros fill a gap in front of it. */
export interface Patch extends Part {
  readonly revision: number;
}

/** A record as a cut told of it. */
export interface SavedRecord extends Write, RecordFacts {}

/** Bytes of a store. What is neither used nor garbage is room for what comes. */
export interface StoreMemory {
  /** Of records, large values, tables and pages. */
  readonly used: number;
  /** Of records that are dead and not left out yet. */
  readonly garbage: number;
  /** Of the tables that lead from a hash to a record. */
  readonly tables: number;
  /** Of all buffers, those that an open cut holds included. */
  readonly capacity: number;
}

/**
 * Every key with its record.
 *
 * Invariants: the shards lead to one live record for each key of the order; `bytes` is the sum of the lengths of keys and values;
 * the deadlines are those of the records; the digest is the sum over all live records. Each operation takes a time that does not grow
 * with the number of keys but for the depth of the order.
 */
export class Store {
  readonly #changes = new Changes();
  readonly #records: Records;
  readonly #order = new Order();
  readonly #deadlines = new Deadlines();
  readonly #digest: Digest;
  /** Looks whether the memory still holds what was written there. */
  readonly sweep: Sweep;
  #bytes = 0;
  #cut: Cut | undefined = undefined;
  /** Used for each change, so that an operation allocates nothing. */
  readonly #at = new RecordView(this.#changes);
  readonly #draft = new Draft();

  constructor({ seed, shards = SHARDS }: StoreOptions) {
    this.#records = new Records({ seed, shards, onKept: (place, value) => this.#cut?.keep(place, value) });
    this.#digest = new Digest(shards * BUCKETS_PER_SHARD);
    const [records, order, deadlines, digest] = [this.#records, this.#order, this.#deadlines, this.#digest];
    this.sweep = new Sweep({ records, order, deadlines, digest, bits: Math.log2(shards * BUCKETS_PER_SHARD) });
  }

  /** Number of keys. */
  get size(): number {
    return this.#order.size;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that have a deadline. */
  get expiring(): number {
    return this.#deadlines.size;
  }

  /** The earliest deadline; undefined when no key has one. */
  get nextDeadline(): number | undefined {
    return this.#deadlines.first;
  }

  /** The digest of all records, version first; see `Digest`. */
  get digest(): string {
    return this.#digest.toString();
  }

  /** What it takes of the memory. */
  get memory(): StoreMemory {
    const { slab, large, tableBytes } = this.#records;
    const order = this.#order;
    const deadlines = this.#deadlines.order;
    return {
      used: slab.used + large.used + this.size * SLOT_BYTES + order.used + deadlines.used,
      garbage: slab.garbage,
      tables: tableBytes,
      capacity: slab.capacity + large.capacity + tableBytes + order.capacity + deadlines.capacity +
        (this.#cut?.orphanBytes ?? 0),
    };
  }

  /**
   * Bytes that count against a limit: all buffers, of the segments what cannot be used again. So a removal makes room at once, but
   * for a record that an open cut pins.
   */
  get heldBytes(): number {
    const { slab, large, tableBytes } = this.#records;
    const orders = this.#order.capacity + this.#deadlines.order.capacity;
    return slab.heldBytes + large.capacity + tableBytes + orders + (this.#cut?.orphanBytes ?? 0);
  }

  /** Slots passed on the way to the key that takes longest to find. */
  get longestProbe(): number {
    return this.#records.longestProbe;
  }

  /** Takes the keys that are asked for next, so that it takes less time. */
  get expected(): ExpectedKeys {
    return this.#records.expected;
  }

  /** A view to find records with. Make one for each purpose, and use it again. */
  makeView(): RecordView {
    return new RecordView(this.#changes);
  }

  /** A cursor through the keys in byte order. */
  makeCursor(): OrderCursor {
    return new OrderCursor(this.#order);
  }

  /** Finds the record of a key; whether there is one. */
  find(key: Span, into: RecordView): boolean {
    const isThere = this.#records.find(key, into);
    if (isThere && damageAsked !== undefined) damageRecord(into, { order: this.#order, deadlines: this.#deadlines });
    return isThere;
  }

  /** Sets a key to a value; whether the key is new. The value may be one of this store. */
  put(key: Span, write: Write): boolean {
    const isThere = this.#records.find(key, this.#at);
    this.#begin(write, write.value);
    if (isThere) this.#change();
    else this.#add(key);
    return !isThere;
  }

  /** Sets the key of a record to a value. The value may be one of this store. */
  replace(record: RecordView, write: Write): void {
    this.#at.follow(record);
    this.#begin(write, write.value);
    this.#change();
  }

  /** Overwrites a part of a key's value, or makes the key; returns the length of the value. The deadline stays. */
  patch(key: Span, patch: Patch): number {
    const isThere = this.#records.find(key, this.#at);
    const { revision } = patch;
    const { deadline, type } = isThere ? this.#at : NOTHING;
    this.#begin({ revision, deadline, type }, undefined);
    this.#draft.part = patch;
    if (isThere) this.#change();
    else this.#add(key);
    return this.#draft.length;
  }

  /** Changes the deadline of a record; 0 for none. */
  setDeadline(record: RecordView, { deadline, revision }: Pick<Write, "deadline" | "revision">): void {
    const { type } = record;
    this.#at.follow(record);
    this.#begin({ revision, deadline, type }, undefined);
    this.#change();
  }

  /** Gives a record's value another key, which may be there; the record goes. The buffer of a large value moves along. */
  rename(record: RecordView, to: Span, { revision, deadline }: Pick<Write, "deadline" | "revision">): void {
    const { type, value, large } = record;
    const from = Span.of(record.copyKey());
    const isThere = this.#records.find(to, this.#at);
    this.#begin({ revision, deadline, type }, value);
    this.#draft.large = large;
    if (isThere) this.#change();
    else this.#add(to);
    if (this.#records.find(from, this.#at)) this.remove(this.#at);
  }

  /** Removes a record. */
  remove(record: RecordView): void {
    const { key, deadline, segment, unit } = record;
    this.#digest.subtract(record);
    this.#bytes -= key.length + record.valueBytes;
    this.#order.remove(key);
    if (deadline !== 0) this.#deadlines.remove({ key, at: deadline });
    this.#records.remove(record);
    this.#end(segment.unitsOf(unit));
  }

  /** Takes in a record that a cut told of; false when its key is there already. */
  load(key: Span, record: SavedRecord): boolean {
    if (this.#records.find(key, this.#at)) return false;
    this.#begin(record, record.value);
    this.#add(key, record);
    return true;
  }

  /** Removes all records, in a time that does not depend on their number. */
  clear(): void {
    this.#cut?.orphan(this.#records.slab.capacity);
    this.#records.clear();
    this.#order.clear();
    this.#deadlines.clear();
    this.#digest.clear();
    this.#bytes = 0;
    this.#changes.count += 1;
  }

  /** Lets `into` name the key that is due first at a time, in bytes that hold until the next call; false when none is. */
  nextDue(timeMs: number, into: Span): boolean {
    const { first } = this.#deadlines;
    return first !== undefined && first <= timeMs && this.#deadlines.firstKey(into);
  }

  /** Opens a cut of the records as they are now; one at a time. */
  cut(revision: number): Cut {
    assert(this.#cut === undefined, "Cannot open a cut: another one is open");
    const { slab, large } = this.#records;
    this.#cut = new Cut({
      revision,
      segments: slab.segments(),
      large,
      view: this.makeView(),
      digest: this.#digest,
      onProgress: () => {
        slab.isRipe = true;
      },
      onClose: () => {
        this.#cut = undefined;
        slab.isRipe = true;
      },
    });
    return this.#cut;
  }

  /** Leaves dead records out, for about so many bytes of work; whether there is more to do. Each change does its share as well. */
  compact(bytesMax: number): boolean {
    this.#changes.count += 1;
    return this.#records.slab.compact(bytesMax / UNIT_BYTES);
  }

  /** Bytes by which `memory.capacity` grows at most when a key and a value of these lengths are stored. */
  growthOf(keyBytes: number, valueBytes: number): number {
    return this.#records.growthOf(keyBytes, valueBytes) + this.#order.growthOf(keyBytes) +
      this.#deadlines.order.growthOf(keyBytes + UNIT_BYTES);
  }

  #begin({ revision, deadline, type }: Pick<Write, "revision" | "deadline" | "type">, value: Span | undefined): void {
    const draft = this.#draft;
    draft.revision = revision;
    draft.deadline = deadline;
    draft.type = type;
    draft.value = value;
    draft.part = undefined;
    draft.large = undefined;
  }

  /** Makes the record that is drafted. */
  #add(key: Span, saved?: Pick<RecordFacts, "createRevision" | "version">): void {
    const draft = this.#draft;
    const at = this.#at;
    draft.createRevision = saved?.createRevision ?? draft.revision;
    draft.version = saved?.version ?? 1;
    this.#records.add(key, at, draft);
    this.#bytes += key.length + draft.length;
    this.#order.add(key);
    if (draft.deadline !== 0) this.#deadlines.add({ key, at: draft.deadline });
    this.#digest.add(at);
    this.#end(at.segment.unitsOf(at.unit));
  }

  /** Makes of the record at hand what is drafted. */
  #change(): void {
    const draft = this.#draft;
    const at = this.#at;
    const { createRevision, version, deadline, valueBytes } = at;
    draft.createRevision = createRevision;
    draft.version = version + 1;
    this.#digest.subtract(at);
    this.#records.change(at, draft);
    this.#digest.add(at);
    this.#bytes += draft.length - valueBytes;
    if (deadline !== draft.deadline) this.#reschedule(deadline);
    this.#end(at.segment.unitsOf(at.unit));
  }

  #reschedule(before: number): void {
    const { key } = this.#at;
    if (before !== 0) this.#deadlines.remove({ key, at: before });
    if (this.#draft.deadline !== 0) this.#deadlines.add({ key, at: this.#draft.deadline });
  }

  /** Ends a change: views are out of date, and compaction gets its share of the time. */
  #end(units: number): void {
    this.#changes.count += 1;
    this.#records.slab.compactFor(units);
  }
}
