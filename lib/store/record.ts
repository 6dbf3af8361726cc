/** A record as users of the store see it. */

import { fail } from "../base/assert.ts";
import type { LargeValue } from "./large.ts";
import { Segment } from "./segment.ts";
import { Shard } from "./shard.ts";
import { Span } from "./span.ts";

/** Counts what happens to a store. */
export class Changes {
  count = 0;
}

const NO_SEGMENT = new Segment(0, 0);
const NO_SHARD = new Shard(0);

/**
 * Where a record lies, to be read in place. Made once and used for one record after the other. It holds until the next change of the store: to
 * ask it later is a bug, and fails. What it names (`key`, `value`) are bytes of the store, which the next change may overwrite: use
 * them at once, or take a copy.
 */
export class RecordView {
  /** For the store alone. */
  segment = NO_SEGMENT;
  unit = 0;
  shard = NO_SHARD;
  slot = 0;
  hash = 0;
  large: LargeValue | undefined = undefined;
  #seen = -1;
  readonly #changes: Changes;
  readonly #key = new Span();
  readonly #value = new Span();

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  /** For the store: goes to a record, or to none. */
  locate(segment: Segment, unit: number, large?: LargeValue): void {
    this.segment = segment;
    this.unit = unit;
    this.large = large;
    this.#seen = this.#changes.count;
  }

  /** For the store: goes where another view is. */
  follow(other: RecordView): void {
    this.shard = other.shard;
    this.slot = other.slot;
    this.hash = other.hash;
    this.locate(other.#now(), other.unit, other.large);
  }

  /** Log index of the last change. */
  get revision(): number {
    return this.#now().revisionOf(this.unit);
  }

  /** Log index of the change that made the key. */
  get createRevision(): number {
    return this.#now().createRevisionOf(this.unit);
  }

  /** Number of changes, that which made the key included. */
  get version(): number {
    return this.#now().versionOf(this.unit);
  }

  /** In ms since 1970; 0 for none. */
  get deadline(): number {
    return this.#now().deadlineOf(this.unit);
  }

  /** What kind of value it is: 0 to 255. */
  get type(): number {
    return this.#now().typeOf(this.unit);
  }

  /** Length of the value. */
  get valueBytes(): number {
    return this.#now().valueBytesOf(this.unit);
  }

  /** The value where it lies. */
  get value(): Span {
    const segment = this.#now();
    const length = segment.valueBytesOf(this.unit);
    if (this.large !== undefined) return this.#value.set(this.large.bytes, 0, length);
    const at = segment.valueAt(this.unit);
    return this.#value.set(segment.bytes, at, at + length);
  }

  /** The key where it lies. */
  get key(): Span {
    const segment = this.#now();
    const at = segment.keyAt(this.unit);
    return this.#key.set(segment.bytes, at, at + segment.keyBytesOf(this.unit));
  }

  /** The value in a buffer of its own. */
  copyValue(): Uint8Array<ArrayBuffer> {
    return this.value.copy();
  }

  /** The key in a buffer of its own. */
  copyKey(): Uint8Array<ArrayBuffer> {
    return this.key.copy();
  }

  /**
   * The value in a buffer that nobody ever changes, to be kept as long as it is wanted: of a large value the one it lies in, which
   * costs nothing, else a copy.
   */
  keepValue(): Uint8Array {
    const { bytes, start, end } = this.value;
    return this.large === undefined ? this.copyValue() : bytes.subarray(start, end);
  }

  #now(): Segment {
    if (this.#seen !== this.#changes.count) fail("Cannot read a record: the store has changed since it was found");
    return this.segment;
  }
}
