/**
 * Handshakes of TLS that a server does not go on with. Deno cannot end them: whoever waits no longer, the connection stays until the
 * server or the system ends it. So there are few, and further attempts are refused at once.
 */

/** A handshake without an answer for so long, in ms, counts as hanging. */
export const HANGS_AFTER_MS = 5_000;
/** With one server. */
export const HANGING_DIALS_MAX = 4;
/** Between further attempts, in ms, where so many hang: another server may be there by now. */
export const HANGING_DIAL_PAUSE_MS = 60_000;

/** All handshakes under way, by the address of the server. */
export class HangingDials {
  readonly #now: () => number;
  readonly #begun = new Map<string, Set<{ readonly at: number }>>();

  /** `now` in monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether too many hang there for another one now. */
  isFull(address: string): boolean {
    const now = this.#now();
    const times = Array.from(this.#begun.get(address) ?? [], ({ at }) => at);
    if (times.filter((at) => now - at >= HANGS_AFTER_MS).length < HANGING_DIALS_MAX) return false;
    return now - Math.max(...times) < HANGING_DIAL_PAUSE_MS;
  }

  /** Enters a handshake until it is settled. */
  enter(address: string, handshake: Promise<unknown>): void {
    const own = { at: this.#now() };
    const all = this.#begun.get(address) ?? new Set();
    this.#begun.set(address, all.add(own));
    const over = () => {
      all.delete(own);
      if (all.size === 0) this.#begun.delete(address);
    };
    handshake.then(over, over);
  }
}
