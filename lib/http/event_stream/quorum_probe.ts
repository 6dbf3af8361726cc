/** Whether a majority still confirms that this node hears of everything. */

import type { Clock } from "../../base/clock.ts";
import type { NodeReader } from "../../node/api.ts";
import { NO_QUORUM_MS, QUORUM_PROBE_MS } from "./limits.ts";

/** Asks for a linearizable read now and then, one at a time. */
export class QuorumProbe {
  readonly #node: Pick<NodeReader, "read">;
  readonly #clock: Clock;
  /** When the last read that was confirmed had been asked for. */
  #confirmedAt = 0;
  #askedAt = 0;
  #isAsking = false;

  constructor(node: Pick<NodeReader, "read">, clock: Clock) {
    this.#node = node;
    this.#clock = clock;
  }

  /** A read has just been confirmed. */
  confirmed(): void {
    this.#confirmedAt = this.#clock.now();
    this.#askedAt = this.#confirmedAt;
  }

  /** Asks again if it is time. False when no read has been confirmed for too long. */
  check(): boolean {
    const now = this.#clock.now();
    if (now - this.#confirmedAt > NO_QUORUM_MS) return false;
    if (!this.#isAsking && now - this.#askedAt >= QUORUM_PROBE_MS) this.#ask(now);
    return true;
  }

  #ask(now: number): void {
    this.#isAsking = true;
    this.#askedAt = now;
    this.#node.read((outcome) => {
      this.#isAsking = false;
      if (outcome.type === "Ready") this.#confirmedAt = now;
    });
  }
}
