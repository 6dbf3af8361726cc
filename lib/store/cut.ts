/** All records as they were at one moment, read in slices while the store changes. */

import { type Digest, digestOf, type HashedValue, Lanes, Sum } from "./digest.ts";
import type { LargeValue, LargeValues } from "./large.ts";
import type { RecordView } from "./record.ts";
import { type Segment, SEGMENT_UNITS, UNIT_BYTES } from "./segment.ts";

/** What a cut is made of. */
export interface CutParts {
  /** Log index of the last change that it holds. */
  readonly revision: number;
  readonly segments: readonly Segment[];
  readonly large: LargeValues;
  readonly view: RecordView;
  readonly digest: Digest;
  /** A segment is free for the store again. */
  readonly onProgress: () => void;
  readonly onClose: () => void;
}

/**
 * The records that lived when it was opened. Nothing is copied: they are all in the segments of that moment, below what was their end.
 * While a segment is held, the store changes no such record in place, but appends another and marks the old one as kept, and compaction
 * leaves the segment alone. What the cut has passed is free again.
 */
export class Cut {
  readonly revision: number;
  readonly #parts: CutParts;
  readonly #segments: (Segment | undefined)[];
  /** Large values of kept records, by place. */
  readonly #kept = new Map<number, LargeValue>();
  #at = 0;
  #isOpen = true;
  #orphanBytes = 0;
  readonly #wanted: string;
  readonly #sum = new Sum();

  constructor(parts: CutParts) {
    this.#parts = parts;
    this.revision = parts.revision;
    this.#wanted = parts.digest.toString();
    this.#segments = [...parts.segments];
    for (const segment of parts.segments) {
      segment.heldFrom = 0;
      segment.heldTop = segment.top;
      segment.kept = undefined;
    }
  }

  /** For the store: a kept record had this large value. */
  keep(place: number, value: LargeValue): void {
    this.#kept.set(place, value);
  }

  /**
   * Tells `emit` of the next records, and stops after about so many bytes, those of dead records included. The view that is handed over holds
   * for that call alone, and the store must not change in it. Whether there is more.
   */
  next(bytesMax: number, emit: (record: RecordView) => void): boolean {
    for (let left = bytesMax; left > 0;) {
      const segment = this.#segments[this.#at];
      if (!this.#isOpen || this.#at === this.#segments.length) return false;
      if (segment !== undefined && segment.isHeld) left -= this.#pass(segment, emit);
      else {
        if (segment !== undefined) segment.kept = undefined;
        this.#segments[this.#at] = undefined;
        this.#at += 1;
        this.#parts.onProgress();
      }
    }
    return true;
  }

  /** Of a cut that was read to its end: whether what it told has the digest that the store had when it was opened. If not, the memory is damaged. */
  get isSound(): boolean {
    return digestOf(this.#sum) === this.#wanted;
  }

  /** Lets the store have everything again. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const segment of this.#segments) if (segment !== undefined) segment.heldTop = 0;
    this.#segments.length = 0;
    this.#kept.clear();
    this.#parts.onClose();
  }

  /** Bytes that only the cut has any more, since the store was cleared. */
  get orphanBytes(): number {
    return this.#orphanBytes;
  }

  /** For the store: it gives up segments of so many bytes. */
  orphan(bytes: number): void {
    this.#orphanBytes += bytes;
  }

  /** Passes one record; returns its bytes. */
  #pass(segment: Segment, emit: (record: RecordView) => void): number {
    const unit = segment.heldFrom;
    const units = segment.unitsOf(unit);
    segment.heldFrom += units;
    if (!segment.wasAlive(unit)) return units * UNIT_BYTES;
    const { view, large, digest } = this.#parts;
    const place = segment.number * SEGMENT_UNITS + unit;
    const value = segment.isLarge(unit) ? this.#kept.get(place) ?? large.get(segment.slotOf(unit)) : undefined;
    this.#kept.delete(place);
    digest.addTo(this.#sum, {
      segment,
      unit,
      large: value === undefined ? undefined : hashed(segment, unit, value),
      hash: 0,
    });
    view.locate(segment, unit, value);
    emit(view);
    return units * UNIT_BYTES + (value?.length ?? 0);
  }
}

/** The value as long as it was in this record, by its bytes: it may have grown since. */
function hashed(segment: Segment, unit: number, { words }: LargeValue): HashedValue {
  const lanes = new Lanes();
  lanes.takeWords(words, 0, segment.valueBytesOf(unit) >>> 2);
  return { words, lanes };
}
