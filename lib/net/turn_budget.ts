/** How much of the clients' input is taken in one turn of the event loop, so that a flood of lines stalls nobody's heartbeats. */

import type { Clock, Timer } from "../base/clock.ts";

/** Shared by all connections of a port. What is over the budget waits for the next turn, in order. */
export class TurnBudget {
  readonly #clock: Clock;
  readonly #requestsMax: number;
  #taken = 0;
  #waiting: (() => void)[] = [];
  #renewal: Timer | undefined;

  /** At most `requestsMax` requests a turn. */
  constructor(clock: Clock, requestsMax: number) {
    this.#clock = clock;
    this.#requestsMax = requestsMax;
  }

  /** Whether one more request may be taken now. If not, `resume` runs in the next turn. */
  take(resume: () => void): boolean {
    this.#renewal ??= this.#clock.after(0, () => this.#renew());
    if (this.#taken >= this.#requestsMax) {
      this.#waiting.push(resume);
      return false;
    }
    this.#taken += 1;
    return true;
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
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
