/** The handshakes that are under way: bounded in number and time, so that those who begin one and go on with nothing take nobody's place. */

import type { Clock } from "../base/clock.ts";

/** Handshakes at the same time; one more ends the oldest, which has had the longest time. */
export const HANDSHAKES_MAX = 256;
/** How long a handshake may take. */
export const HANDSHAKE_MS = 5_000;

/** All handshakes of a server. */
export class Handshakes {
  readonly #clock: Clock;
  /** In the order in which they began. */
  readonly #open = new Set<() => void>();

  /** None is under way. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Handshakes under way now. */
  get size(): number {
    return this.#open.size;
  }

  /** Enters one. `end` is called when it must end; what is returned says that it is over, and may be called again. */
  begin(end: () => void): () => void {
    const over = () => {
      timer.cancel();
      this.#open.delete(expire);
    };
    const expire = () => {
      over();
      end();
    };
    const timer = this.#clock.after(HANDSHAKE_MS, expire);
    this.#open.add(expire);
    const [oldest] = this.#open;
    if (this.#open.size > HANDSHAKES_MAX) oldest?.();
    return over;
  }
}
