/** The time that one operation has: until its deadline, or until its caller's signal is aborted. */

import type { TimerEntry, Timers } from "./timers.ts";

/** How a wait within a scope ended, if not by what was waited for. */
export type Interruption =
  /** The deadline has passed, or the signal was aborted: the operation is over. */
  | { readonly type: "Over" }
  /** The time for this wait alone has passed. */
  | { readonly type: "Late" };

/** The options that every operation takes. */
export interface OperationOptions {
  /** Aborting it rejects the operation with the signal's reason. What was sent may still be done. */
  readonly signal?: AbortSignal | undefined;
  /** How long the operation may take in all, its repetitions included; that of the client by default. */
  readonly timeoutMs?: number | undefined;
}

const OVER: Interruption = { type: "Over" };
const LATE: Interruption = { type: "Late" };

/** One operation's time. `end` must be called when it is over. */
export class Scope {
  readonly timeoutMs: number;
  readonly #timers: Timers;
  readonly #signal: AbortSignal | undefined;
  readonly #deadline: TimerEntry;
  readonly #stop = (): void => this.#finish();
  #interrupt: ((interruption: Interruption) => void) | undefined;
  #isOver = false;

  constructor(timers: Timers, options: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined }) {
    this.timeoutMs = options.timeoutMs;
    this.#timers = timers;
    this.#signal = options.signal;
    this.#deadline = timers.add(options.timeoutMs, this.#stop);
    this.#signal?.addEventListener("abort", this.#stop);
    if (this.#signal?.aborted === true) this.#isOver = true;
  }

  /** Whether the deadline has passed or the signal was aborted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws the reason of the caller's signal if that was aborted. */
  throwIfAborted(): void {
    this.#signal?.throwIfAborted();
  }

  /** What `start` settles, or the interruption; what is settled later is dropped. One wait at a time. */
  wait<T>(start: (settle: (value: T) => void) => void, timeoutMs?: number): Promise<T | Interruption> {
    if (this.#isOver) return Promise.resolve(OVER);
    return new Promise((resolve, reject) => {
      const late = timeoutMs === undefined ? undefined : this.#timers.add(timeoutMs, () => settle(LATE));
      const settle = (value: T | Interruption): void => {
        if (late !== undefined) this.#timers.remove(late);
        if (this.#interrupt === settle) this.#interrupt = undefined;
        resolve(value);
      };
      this.#interrupt = settle;
      try {
        start(settle);
      } catch (error) {
        reject(error);
        settle(OVER);
      }
    });
  }

  /** What a promise that is shared with others resolves to, or the interruption. */
  waitFor<T>(promise: Promise<T>): Promise<T | Interruption> {
    // Nobody may be left to hear of a failure.
    promise.catch(() => {});
    return this.wait<() => T>((settle) => {
      promise.then((value) => settle(() => value), (error) =>
        settle(() => {
          throw error;
        }));
    }).then((result) => typeof result === "function" ? result() : result);
  }

  /** Resolves after `delayMs`, or earlier when the operation is over. */
  async pause(delayMs: number): Promise<void> {
    await this.wait<never>(() => {}, delayMs);
  }

  /** Gives back the timer and the signal. */
  end(): void {
    this.#timers.remove(this.#deadline);
    this.#signal?.removeEventListener("abort", this.#stop);
  }

  #finish(): void {
    this.#isOver = true;
    this.#interrupt?.(OVER);
  }
}

/** Whether a wait was interrupted. */
export function isInterruption(value: unknown): value is Interruption {
  return value === OVER || value === LATE;
}
