/**
 * How much of the clients' input is taken in one turn of the event loop, so that a flood of lines stalls nobody's heartbeats, and by whom:
 * where several wait, each has the same share of a turn, however much one of them sends.
 */

import type { Clock, Timer } from "../base/clock.ts";

/** Shared by all connections of a port. What is over the budget waits for the next turn, in order. */
export class TurnBudget {
  readonly #clock: Clock;
  readonly #requestsMax: number;
  #taken = 0;
  /** How many may have been taken before the one whose turn it is has had its share. */
  #limit: number;
  #waiting: (() => void)[] = [];
  #renewal: Timer | undefined;

  /** At most `requestsMax` requests a turn. */
  constructor(clock: Clock, requestsMax: number) {
    this.#clock = clock;
    this.#requestsMax = requestsMax;
    this.#limit = requestsMax;
  }

  /** Whether one more request may be taken now. If not, `resume` runs in the next turn, or when the others have had their shares. */
  take(resume: () => void): boolean {
    this.#renewal ??= this.#clock.after(0, () => this.#renew());
    if (this.#taken >= this.#limit) {
      this.#waiting.push(resume);
      return false;
    }
    this.#taken += 1;
    return true;
  }

  /** How many more may be taken now by who has just taken one. */
  get left(): number {
    return this.#limit - this.#taken;
  }

  /** Takes more, at most what is left. */
  takeMore(count: number): void {
    this.#taken += count;
  }

  /** Forgets what waits: the port is closed. */
  stop(): void {
    this.#renewal?.cancel();
    this.#renewal = undefined;
    this.#waiting = [];
  }

  #renew(): void {
    this.#renewal = undefined;
    this.#taken = 0;
    while (this.#waiting.length > 0 && this.#taken < this.#requestsMax) this.#goRound();
    this.#limit = this.#requestsMax;
  }

  /** Gives each that waits its share of what is left. Who comes back stands behind those who have had nothing. */
  #goRound(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const share = Math.max(1, Math.floor((this.#requestsMax - this.#taken) / waiting.length));
    let served = 0;
    for (const resume of waiting) {
      if (this.#taken >= this.#requestsMax) break;
      this.#limit = Math.min(this.#requestsMax, this.#taken + share);
      served += 1;
      resume();
    }
    if (served < waiting.length) this.#waiting = [...waiting.slice(served), ...this.#waiting];
  }
}
