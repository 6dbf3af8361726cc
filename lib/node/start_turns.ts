/** Turns of the event loop between pieces of work: few while a node starts, since it serves nobody yet, and all that are asked for later. */

import { type Clock, nextTurn } from "../base/clock.ts";
import { START_SLICE_MS } from "./limits.ts";

/** From the start of a node on. */
export class StartTurns {
  readonly #clock: Clock;
  #end: number;
  #isStarting = true;

  /** The first slice begins now. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#end = clock.now() + START_SLICE_MS;
  }

  /** Resolves in a later turn, but at once while the node starts and `START_SLICE_MS` have not gone by since the last one. */
  async pause(): Promise<void> {
    if (this.#isStarting && this.#clock.now() < this.#end) return;
    await nextTurn(this.#clock);
    this.#end = this.#clock.now() + START_SLICE_MS;
  }

  /** Whoever is served from now on must not wait for a long slice. */
  started(): void {
    this.#isStarting = false;
  }
}
