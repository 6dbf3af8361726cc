/** Handshakes, or closings, that are under way: bounded in number and time, so that those who go on with nothing leave room for others. */

import type { Clock } from "../base/clock.ts";

/** Handshakes at the same time; one more ends the oldest, which has had the longest time. */
export const HANDSHAKES_MAX = 256;
/** Connections at the same time that wait for their last bytes to be sent; as above. */
export const CLOSINGS_MAX = 1_024;
/** How long a handshake may take, and the end of a connection. */
export const HANDSHAKE_MS = 5_000;

/** All handshakes of a server, or all closings. */
export class Handshakes {
  readonly #clock: Clock;
  readonly #max: number;
  /** In the order in which they began. */
  readonly #open = new Set<() => void>();
  #emptied: (() => void) | undefined;

  /** None is under way. */
  constructor(clock: Clock, max: number = HANDSHAKES_MAX) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Under way now. */
  get size(): number {
    return this.#open.size;
  }

  /** Resolves once none is under way, after `HANDSHAKE_MS` at the latest if none begins any more. Waited for once. */
  async allOver(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#emptied = resolve);
  }

  /** Enters one. `end` is called when it must end; what is returned says that it is over, and may be called again. */
  begin(end: () => void): () => void {
    const over = () => {
      timer.cancel();
      this.#open.delete(expire);
      if (this.#open.size === 0) this.#emptied?.();
    };
    const expire = () => {
      over();
      end();
    };
    const timer = this.#clock.after(HANDSHAKE_MS, expire);
    this.#open.add(expire);
    const [oldest] = this.#open;
    if (this.#open.size > this.#max) oldest?.();
    return over;
  }
}
