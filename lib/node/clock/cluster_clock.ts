/** The cluster's time at this node: what a leader stamps entries with, and what everybody else has heard of it. */

import type { Clock } from "../../base/clock.ts";

/** A leader's time runs at most so much faster or slower than its monotonic clock while it is corrected. */
export const CORRECTION_MAX = 0.1;
/** A difference to the dates of the majority is corrected within so long, if it is small enough for that. */
const CORRECTION_MS = 5_000;

/**
 * A leader's time begins at the later of what is in its log or was ever told here and of what a majority says the date is. From
 * then on it moves with the monotonic clock, drawn towards the dates of the majority but never set by them: a date that jumps
 * expires nothing at once. Elsewhere it is the last time heard, carried on.
 *
 * Invariant: while this node leads, `now` never falls, and it begins at or after everything that `learn` was given.
 */
export class ClusterClock {
  readonly #clock: Clock;
  #leads = false;
  /** The latest time that is known to be in the log or to have been told. */
  #knownMs = 0;
  #baseMs: number;
  #baseAt: number;
  #rate = 1;

  /** Begins with `dateMs`, the date of the machine, until something is heard. */
  constructor(clock: Clock, dateMs: number) {
    this.#clock = clock;
    this.#baseMs = dateMs;
    this.#baseAt = clock.now();
  }

  /** Whole milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#exact());
  }

  /** The latest time known to be in the log or to have been told. */
  get knownMs(): number {
    return this.#knownMs;
  }

  /** Takes note of a stamp in the log, or of a time that a leader told. */
  learn(timeMs: number): void {
    if (timeMs > this.#knownMs) this.#knownMs = timeMs;
    if (!this.#leads && timeMs > this.#exact()) this.#set(timeMs);
  }

  /** The leader has just told its time. */
  hear(timeMs: number): void {
    this.learn(timeMs);
    if (!this.#leads) this.#set(timeMs);
  }

  /** Begins to lead. `dateMs` is what a majority says, undefined where it is not known. */
  lead(dateMs: number | undefined): void {
    this.#set(Math.max(this.#knownMs, dateMs ?? 0));
    this.#leads = true;
  }

  /** Leads no more. */
  follow(): void {
    this.#leads = false;
    this.#rate = 1;
  }

  /** Draws a leader's time towards what a majority says the date is. */
  correct(dateMs: number): void {
    const now = this.#exact();
    this.#set(now);
    const wanted = (dateMs - now) / CORRECTION_MS;
    this.#rate = 1 + Math.min(CORRECTION_MAX, Math.max(-CORRECTION_MAX, wanted));
  }

  /** Begins anew after a pause, in which the monotonic clock may have stood still. */
  resume(dateMs: number): void {
    if (dateMs > this.#exact()) this.#set(dateMs);
  }

  #exact(): number {
    return this.#baseMs + (this.#clock.now() - this.#baseAt) * this.#rate;
  }

  #set(timeMs: number): void {
    this.#baseMs = timeMs;
    this.#baseAt = this.#clock.now();
    this.#rate = 1;
  }
}
