/**
 * Handshakes of TLS to which the other side does not answer. The runtime cannot end them: closed or not, such a connection takes a
 * file descriptor until the other side or the system ends it. So there are few at a time, and further attempts wait.
 */

/** For one address. */
export const HANGING_HANDSHAKES_MAX = 4;

/** All that hang, by the address that was dialed. */
export class HangingHandshakes {
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  /** How many hang at that address. */
  count(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  /** Resolves once there may be another one at that address, or nobody wants it any more. */
  async room(address: string, signal: AbortSignal): Promise<void> {
    while (this.count(address) >= HANGING_HANDSHAKES_MAX && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Counts a handshake until it is settled, and calls `over` then. */
  add(address: string, { handshake, over }: { readonly handshake: Promise<unknown>; over(): void }): void {
    this.#counts.set(address, this.count(address) + 1);
    const settled = () => {
      over();
      const left = this.count(address) - 1;
      if (left === 0) this.#counts.delete(address);
      else this.#counts.set(address, left);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    };
    handshake.then(settled, settled);
  }
}
