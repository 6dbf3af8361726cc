/** The slowest moments of each kind over time: LATENCY LATEST and HISTORY. One sample a second, the slowest of it. */

/** Samples kept of each event, as in Redis. */
export const LATENCY_SAMPLES_MAX = 160;

/** What was slow: a command that Redis calls fast, or any other. */
export type LatencyEvent = "command" | "fast-command";

/** The slowest of one second. */
export interface LatencySample {
  /** Seconds since 1970. */
  readonly time: number;
  readonly milliseconds: number;
}

/** What is known of one event. */
export interface LatencyHistory {
  readonly samples: readonly LatencySample[];
  /** The slowest since the start or RESET. */
  readonly maxMilliseconds: number;
}

/** Every event of a port. */
export class LatencyEvents {
  readonly #histories = new Map<LatencyEvent, LatencyHistory>();

  /** The events that have occurred. */
  get histories(): ReadonlyMap<LatencyEvent, LatencyHistory> {
    return this.#histories;
  }

  /** Notes that something was slow. */
  add(event: LatencyEvent, sample: LatencySample): void {
    const { samples, maxMilliseconds } = this.#histories.get(event) ?? { samples: [], maxMilliseconds: 0 };
    const last = samples.at(-1);
    const isSameSecond = last?.time === sample.time;
    const slowest = isSameSecond && last.milliseconds > sample.milliseconds ? last : sample;
    this.#histories.set(event, {
      samples: [...(isSameSecond ? samples.slice(0, -1) : samples.slice(1 - LATENCY_SAMPLES_MAX)), slowest],
      maxMilliseconds: Math.max(maxMilliseconds, sample.milliseconds),
    });
  }

  /** Forgets events, or all of them. Returns how many there were. */
  reset(names: readonly string[]): number {
    const forgotten = [...this.#histories.keys()].filter((event) => names.length === 0 || names.includes(event));
    for (const event of forgotten) this.#histories.delete(event);
    return forgotten.length;
  }
}
