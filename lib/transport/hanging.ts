/**
 * Handshakes of TLS to which the other side does not answer. The runtime cannot end them: closed or not, such a connection takes a
 * file descriptor until the other side or the system ends it, and where the other machine is gone the system needs hours. So there are
 * few at a time, and further attempts are rare.
 */

import type { Clock } from "../base/clock.ts";

/** For one address, as fast as they come. */
export const HANGING_HANDSHAKES_MAX = 4;
/** Between further attempts at an address where so many hang: somebody else may be there by now. */
export const HANGING_PAUSE_MS = 300_000;
/** For one address, with those. */
export const HANGING_TOTAL_MAX = 32;

interface Place {
  count: number;
  lastAt: number;
}

/** All that hang, by the address that was dialed. */
export class HangingHandshakes {
  readonly #clock: Clock;
  readonly #places = new Map<string, Place>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many hang at that address. */
  count(address: string): number {
    return this.#places.get(address)?.count ?? 0;
  }

  /** How long the next attempt at that address has to wait, in ms: 0 for not at all, Infinity until one of those that hang ends. */
  waitMs(address: string): number {
    const { count, lastAt } = this.#places.get(address) ?? { count: 0, lastAt: 0 };
    if (count < HANGING_HANDSHAKES_MAX) return 0;
    return count < HANGING_TOTAL_MAX ? Math.max(0, lastAt + HANGING_PAUSE_MS - this.#clock.now()) : Infinity;
  }

  /** Resolves once there may be another one at that address: also by `hurry`, and when nobody wants it any more. */
  async room(address: string, signal: AbortSignal): Promise<void> {
    const delayMs = this.waitMs(address);
    if (delayMs === 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const waiting = this.#waiting.get(address) ?? new Set();
    this.#waiting.set(address, waiting.add(wake));
    const timer = delayMs === Infinity ? undefined : this.#clock.after(delayMs, wake);
    signal.addEventListener("abort", wake);
    await promise;
    timer?.cancel();
    signal.removeEventListener("abort", wake);
    waiting.delete(wake);
    if (waiting.size === 0) this.#waiting.delete(address);
  }

  /** Whoever is at that address is alive: who waits for room there waits no longer. */
  hurry(address: string): void {
    for (const wake of this.#waiting.get(address) ?? []) wake();
  }

  /** Counts a handshake until it is settled, and calls `over` then. */
  add(address: string, { handshake, over }: { readonly handshake: Promise<unknown>; over(): void }): void {
    const place = this.#places.get(address) ?? { count: 0, lastAt: 0 };
    this.#places.set(address, place);
    place.count += 1;
    place.lastAt = this.#clock.now();
    const settled = () => {
      over();
      place.count -= 1;
      if (place.count === 0) this.#places.delete(address);
      this.hurry(address);
    };
    handshake.then(settled, settled);
  }
}
