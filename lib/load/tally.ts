/** Counts what comes back over all connections, from the time the measuring begins. */

import { LatencyHistogram } from "./histogram.ts";
import type { LoadProgress } from "./options.ts";

/** Errors of one kind. */
interface ErrorCount {
  count: number;
  readonly example: string;
}

/** One run's counts. Times are those of `performance.now()`. */
export class Tally {
  readonly latencies = new LatencyHistogram();
  readonly late = new LatencyHistogram();
  readonly errorsByWord = new Map<string, ErrorCount>();
  errors = 0;
  misses = 0;
  /** When the last counted reply came. */
  lastReplyAt: number;
  readonly #measureFrom: number;
  #answered = 0;
  #intervalMax = 0;
  #intervalStart: { readonly at: number; readonly answered: number };

  /** Requests due or sent before `measureFrom` are not counted. */
  constructor({ now, measureFrom }: { readonly now: number; readonly measureFrom: number }) {
    this.#measureFrom = measureFrom;
    this.lastReplyAt = measureFrom;
    this.#intervalStart = { at: now, answered: 0 };
  }

  /** `count` replies without an error, at `now`, to requests of `since`. */
  succeed(count: number, { since, now }: { readonly since: number; readonly now: number }): void {
    this.#answered += count;
    if (now - since > this.#intervalMax) this.#intervalMax = now - since;
    if (since < this.#measureFrom) return;
    this.latencies.record(now - since, count);
    this.lastReplyAt = now;
  }

  /** `count` requests of `since` that came to nothing; the first word of `reason` says why. */
  fail(reason: string, { since, count = 1 }: { readonly since: number; readonly count?: number }): void {
    if (since < this.#measureFrom) return;
    const word = /^\S{1,40}/.exec(reason)?.[0] ?? "EMPTY";
    const known = this.errorsByWord.get(word);
    if (known === undefined) this.errorsByWord.set(word, { count, example: reason });
    else known.count += count;
    this.errors += count;
  }

  /** `count` GETs that found nothing came at `now`. */
  miss(count: number, now: number): void {
    if (now >= this.#measureFrom) this.misses += count;
  }

  /** A request of `since` is sent at `now`. */
  send(since: number, now: number): void {
    if (since >= this.#measureFrom) this.late.record(now - since);
  }

  /** What came since the last call. */
  takeInterval(now: number): LoadProgress {
    const { at, answered } = this.#intervalStart;
    const progress: LoadProgress = {
      seconds: (now - this.#measureFrom) / 1_000,
      perSecond: (this.#answered - answered) / Math.max(1e-3, (now - at) / 1_000),
      errors: this.errors,
      maxMs: this.#intervalMax,
    };
    this.#intervalStart = { at: now, answered: this.#answered };
    this.#intervalMax = 0;
    return progress;
  }
}
