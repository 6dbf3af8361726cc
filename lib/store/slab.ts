/** All segments: where new records go, and how dead ones are left out. */

import { assert } from "../base/assert.ts";
import { Segment, SEGMENT_SHIFT, SEGMENT_UNITS, UNIT_BYTES, UNIT_MASK } from "./segment.ts";

/** The first segment is small, each further one this much longer, up to the longest. */
const FIRST_UNITS = 1_024;
const GROWTH_FACTOR = 4;
/** Places are 32 bits. */
const SEGMENTS_MAX = 2 ** (32 - SEGMENT_SHIFT);
/** A segment is compacted when its dead records are more than one part in this many. */
const GARBAGE_PARTS = 3;
/** Units that each change compacts, and for each unit that it wrote. */
const COMPACTED_UNITS_MIN = 64;
const COMPACTED_SHARE = 4;
/** Bytes that it moves on top of that at most: with the longest record last. */
const LONGEST_MOVE_BYTES = 160 * 1_024;
/** Empty segments kept for the next need of one. */
const SPARES_MAX = 2;
/** Up to this length a loop beats `set`. */
const LOOP_WORDS_MAX = 64;
/** In place of segments that are not there: number 0 is never used, so that no place is 0. */
const NONE = new Segment(0, 0);

/** Told that a record has moved, so that the table leads to its new place. */
export type OnMove = (from: number, to: number) => void;

/**
 * A log of records in segments of at most 1 MiB. A record never moves but by compaction, which walks through one segment with much
 * that is dead, a few records at a time, and appends those that live.
 *
 * Invariants: a record lies in one segment; `garbage` of a segment is the sum of its dead records; a held segment is not compacted.
 */
export class Slab {
  #segments: Segment[] = [NONE];
  #head = NONE;
  #free: number[] = [];
  readonly #spares: Segment[] = [];
  readonly #onMove: OnMove;
  /** The segment being compacted, and the unit up to which it is. */
  #source: Segment | undefined = undefined;
  #done = 0;
  /** Whether there may be a segment to compact. */
  isRipe = false;
  /** Units of all segments, those in use, and those of dead records. */
  #capacity = 0;
  #top = 0;
  #garbage = 0;

  constructor(onMove: OnMove) {
    this.#onMove = onMove;
  }

  /** Bytes of all segments, spare ones included. */
  get capacity(): number {
    return this.#capacity * UNIT_BYTES;
  }

  /** Bytes of records that live, room for growth included. */
  get used(): number {
    return (this.#top - this.#garbage) * UNIT_BYTES;
  }

  /** Bytes of records that are dead. */
  get garbage(): number {
    return this.#garbage * UNIT_BYTES;
  }

  /** Bytes of records that live, and of dead ones beyond what compaction lets be: those that an open cut pins. */
  get heldBytes(): number {
    return this.used + Math.max(0, this.garbage - Math.floor(this.capacity / GARBAGE_PARTS));
  }

  /** Bytes by which room for a record of this length may let the segments grow, with what a change compacts on top. */
  growthOf(bytes: number): number {
    const room = (this.#head.units - this.#head.top) * UNIT_BYTES;
    const moved = COMPACTED_SHARE * bytes + LONGEST_MOVE_BYTES;
    return bytes + moved <= room ? 0 : 2 * SEGMENT_UNITS * UNIT_BYTES;
  }

  /** Compacts as much as a change that wrote so many units has to: a segment gives one unit of garbage back for three that are passed. */
  compactFor(units: number): void {
    if (this.isRipe) this.compact(COMPACTED_UNITS_MIN + COMPACTED_SHARE * units);
  }

  /** The segments that hold records now. */
  segments(): Segment[] {
    return this.#segments.filter((segment) => segment.top > 0);
  }

  /** The segment of a place. */
  segmentOf(place: number): Segment {
    return this.#segments[place >>> SEGMENT_SHIFT] ?? NONE;
  }

  /** Makes room for a record; returns its place. */
  allocate(units: number): number {
    if (this.#head.top + units > this.#head.units) this.#extend(units);
    const head = this.#head;
    const unit = head.top;
    head.top += units;
    this.#top += units;
    return head.number * SEGMENT_UNITS + unit;
  }

  /** The record here is no longer that of its key. Whether an open cut keeps it. */
  kill(segment: Segment, unit: number): boolean {
    this.#garbage += segment.unitsOf(unit);
    const isKept = segment.kill(unit);
    if (!this.isRipe) this.isRipe = this.#isWorth(segment);
    return isKept;
  }

  /** Compacts for about as many units; whether there is more to do now. */
  compact(unitsMax: number): boolean {
    for (let left = unitsMax; left > 0 && this.isRipe;) {
      this.#source ??= this.#pick();
      if (this.#source === undefined || this.#source.isHeld) {
        this.isRipe = this.#source !== undefined && this.#pick() !== undefined;
        this.#source = undefined;
        this.#done = 0;
      } else left -= this.#step(this.#source);
    }
    return this.isRipe;
  }

  /** Forgets all records; an open cut has its own list of segments. */
  clear(): void {
    this.#segments = [NONE];
    this.#head = NONE;
    this.#free = [];
    this.#spares.length = 0;
    this.#source = undefined;
    this.#done = 0;
    this.isRipe = false;
    this.#capacity = 0;
    this.#top = 0;
    this.#garbage = 0;
  }

  /** Passes the next record of a segment, and gives the segment up behind the last one; returns the units passed. */
  #step(source: Segment): number {
    if (this.#done >= source.top || source.garbage === source.top) {
      this.#release(source);
      return 1;
    }
    const unit = this.#done;
    const units = source.unitsOf(unit);
    this.#done += units;
    if (source.isDead(unit)) return 1;
    const to = this.allocate(units);
    copyUnits({ segment: source, unit, units }, { segment: this.#head, unit: to & UNIT_MASK });
    source.kill(unit);
    this.#garbage += units;
    this.#onMove(source.number * SEGMENT_UNITS + unit, to);
    return units;
  }

  /** The segment with the largest part of dead records, if any is worth it. */
  #pick(): Segment | undefined {
    let best: Segment | undefined;
    for (const segment of this.#segments) {
      if (!this.#isWorth(segment)) continue;
      if (best === undefined || segment.garbage * best.top > best.garbage * segment.top) best = segment;
    }
    return best;
  }

  #isWorth(segment: Segment): boolean {
    return segment.garbage * GARBAGE_PARTS > segment.top && segment !== this.#head && !segment.isHeld;
  }

  #release(segment: Segment): void {
    this.#top -= segment.top;
    this.#garbage -= segment.garbage;
    this.#source = undefined;
    this.#done = 0;
    this.#segments[segment.number] = NONE;
    segment.top = 0;
    segment.garbage = 0;
    segment.kept = undefined;
    if (segment.units === SEGMENT_UNITS && this.#spares.length < SPARES_MAX) this.#spares.push(segment);
    else {
      this.#capacity -= segment.units;
      this.#free.push(segment.number);
    }
  }

  #extend(units: number): void {
    const full = this.#head;
    const longest = Math.min(SEGMENT_UNITS, Math.max(FIRST_UNITS, full.units * GROWTH_FACTOR, units));
    let segment = this.#spares.pop();
    if (segment === undefined) {
      const number = this.#free.pop() ?? this.#segments.length;
      assert(number < SEGMENTS_MAX, `Cannot add segment ${number}: at most ${SEGMENTS_MAX} have places`);
      segment = new Segment(number, longest);
      this.#capacity += longest;
    }
    this.#segments[segment.number] = segment;
    this.#head = segment;
    if (!this.isRipe) this.isRipe = this.#isWorth(full);
  }
}

/** A record: where it begins, and how long it is. */
interface Units {
  readonly segment: Segment;
  readonly unit: number;
  readonly units: number;
}

/** Copies word by word: a double might change the bits of what is no number. */
function copyUnits({ segment, unit, units }: Units, to: Omit<Units, "units">): void {
  const from = 2 * unit;
  const at = 2 * to.unit;
  const length = 2 * units;
  const source = segment.words;
  const target = to.segment.words;
  if (length > LOOP_WORDS_MAX) target.set(source.subarray(from, from + length), at);
  else for (let word = 0; word < length; word++) target[at + word] = source[from + word] ?? 0;
}
