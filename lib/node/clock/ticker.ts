/** Drives the core's ticks from the clock, measures the lag of the event loop, and notices when the process was stopped. */

import type { Clock, Timer } from "../../base/clock.ts";
import type { Histogram } from "../../observe/metrics.ts";
import type { Lifetime } from "../lifetime.ts";
import { TICK_MS, TICKS_PER_TURN_MAX } from "../limits.ts";

/** What the ticker tells the driver. */
export interface TickerHandler {
  /** So many ticks have passed. */
  ticks(count: number): void;
  /** The process did not run for `gapMs`, longer than half an election timeout. */
  stalled(gapMs: number): void;
}

/**
 * After SIGSTOP or a long stall, due timers run before the heartbeats that wait in the socket are read. So few
 * ticks are caught up at once, the rest is forgotten, and after a long gap the core is told instead to forget its confidence.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #handler: TickerHandler;
  readonly #lag: Histogram;
  readonly #stallMs: number;
  readonly #lifetime: Lifetime;
  #timer: Timer | undefined;
  #lastAt = 0;
  #lastLagMs = 0;
  #maxLagMs = 0;

  /** `stallMs` is half the shortest election timeout. */
  constructor(clock: Clock, options: { handler: TickerHandler; lag: Histogram; stallMs: number; lifetime: Lifetime }) {
    this.#clock = clock;
    this.#handler = options.handler;
    this.#lag = options.lag;
    this.#stallMs = options.stallMs;
    this.#lifetime = options.lifetime;
  }

  /** Lag of the event loop in ms: how late the last tick came, and the latest of all. */
  get lagMs(): { readonly last: number; readonly max: number } {
    return { last: this.#lastLagMs, max: this.#maxLagMs };
  }

  /** Begins to tick. */
  start(): void {
    this.#lastAt = this.#clock.now();
    this.#arm();
  }

  /** Ends for good, before the node is over. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => this.#fire());
  }

  #fire(): void {
    if (this.#lifetime.isOver) return;
    const now = this.#clock.now();
    const gapMs = now - this.#lastAt;
    this.#lastLagMs = Math.max(0, gapMs - TICK_MS);
    this.#maxLagMs = Math.max(this.#maxLagMs, this.#lastLagMs);
    this.#lag.record(this.#lastLagMs / 1_000);
    this.#arm();
    if (gapMs > this.#stallMs) {
      this.#lastAt = now;
      return this.#handler.stalled(gapMs);
    }
    const due = Math.floor(gapMs / TICK_MS);
    // The remainder carries over, so that ticks keep the pace of the clock although timers are always a little late.
    this.#lastAt = due > TICKS_PER_TURN_MAX ? now : this.#lastAt + due * TICK_MS;
    if (due > 0) this.#handler.ticks(Math.min(due, TICKS_PER_TURN_MAX));
  }
}
