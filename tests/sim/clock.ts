/** The time of the simulated world: as fast as it can be, since a run has millions of events. */

import { VirtualClock } from "../support/memory/virtual_clock.ts";

/** How many rounds of microtasks follow each turn; after work on a disk there are chains of promises to be let through. */
const MICROTASK_ROUNDS = 6;
const MICROTASK_ROUNDS_AFTER_DISK = 48;

/** Counts rounds of microtasks instead of going round the event loop, and runs ends of turns itself. */
export class SimClock extends VirtualClock {
  #turn: (() => void)[] = [];
  /** Set by whoever starts work that goes on in microtasks. */
  busy = false;
  /** Looked at between events; true ends `advance` early. */
  stopped: () => boolean = () => false;

  /** Runs when every event of this moment has run. */
  override endOfTurn(action: () => void): void {
    this.#turn.push(action);
  }

  /** Moves time on by `ms`. What was begun since the last event is let through by the next one. */
  override advance(ms: number): Promise<void> {
    return this.run(ms);
  }

  override isStopped(): boolean {
    return this.stopped();
  }

  override async settle(): Promise<void> {
    for (;;) {
      const turn = this.#turn;
      this.#turn = [];
      for (const action of turn) action();
      const rounds = this.busy ? MICROTASK_ROUNDS_AFTER_DISK : MICROTASK_ROUNDS;
      this.busy = false;
      for (let round = 0; round < rounds; round++) await undefined;
      if (this.#turn.length === 0 && !this.busy) return;
    }
  }
}
