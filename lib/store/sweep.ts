/** Whether the memory of a store still holds what was written there: sums of its bytes against those that were kept with each change. */

import { Span } from "./span.ts";
import type { Deadlines } from "./deadlines.ts";
import { type Digest, Lanes, Sum } from "./digest.ts";
import type { LargeValue } from "./large.ts";
import type { Order } from "./order.ts";
import type { Records, VisitedRecord } from "./records.ts";

/** What is looked at. */
export interface SweepParts {
  readonly records: Records;
  readonly order: Order;
  readonly deadlines: Deadlines;
  readonly digest: Digest;
  /** There are `2 ** bits` buckets. */
  readonly bits: number;
}

/**
 * One bucket at a time, whole, since it may change before the next is looked at: all records whose key hashes begin with the same bits. Each must
 * be found by its hash, in the order of the keys and, with its deadline, in that of the deadlines; all together must have the sum that was kept.
 */
export class Sweep {
  readonly #parts: SweepParts;
  readonly #sum = new Sum();
  readonly #key = new Span();
  readonly #lanes = new Lanes();

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** Number of buckets. */
  get buckets(): number {
    return 2 ** this.#parts.bits;
  }

  /** Whether what bucket `bucket` holds is what was written there. Changes nothing. */
  isSound(bucket: number): boolean {
    const { records, digest, bits } = this.#parts;
    this.#sum.clear();
    const isReadable = records.visit(bucket, { bits, seen: (record) => this.#take(record) });
    return isReadable && digest.isSumOf(bucket, this.#sum);
  }

  #take(record: VisitedRecord): boolean {
    const { order, deadlines, digest } = this.#parts;
    const { segment, unit, large } = record;
    if (large !== undefined && !this.#isSoundValue(large)) return false;
    digest.addTo(this.#sum, record);
    const from = segment.keyAt(unit);
    const key = this.#key.set(segment.bytes, from, from + segment.keyBytesOf(unit));
    if (order.locate(key).at < 0) return false;
    const at = segment.deadlineOf(unit);
    return at === 0 || deadlines.locate({ key, at }).at >= 0;
  }

  /** The lanes of a large value are kept, so they say nothing of its bytes. */
  #isSoundValue({ words, length, lanes }: LargeValue): boolean {
    const fresh = this.#lanes.restart();
    fresh.takeWords(words, 0, length >>> 2);
    return fresh.first === lanes.first && fresh.second === lanes.second;
  }
}
