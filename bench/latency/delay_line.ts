/**
 * A TCP forwarder that delivers everything some time after it came, as a long cable does: pieces are under way side by side, and
 * none is held up by another. It stands before the peer port of a node, and before an echo that shows how long a round trip is.
 */

import type { Clock } from "../../lib/base/clock.ts";
import { SystemClock } from "../../lib/node/clock/system_clock.ts";
import { type Pass, TcpProxy, writeAll } from "../../tests/support/proxy/tcp_proxy.ts";

/** Where a line begins and ends, and how long it is. */
export interface DelayLineOptions {
  /** 0 for any. */
  readonly port: number;
  /** On this machine. */
  readonly target: number;
  readonly oneWayMs: number;
  /** That of the process unless a test has its own. */
  readonly clock?: Clock;
}

/** Listens on a port and forwards to another. */
export class DelayLine implements AsyncDisposable {
  readonly port: number;
  readonly #proxy = new TcpProxy();
  readonly #clock: Clock;
  #oneWayMs: number;

  constructor({ port, target, oneWayMs, clock = new SystemClock() }: DelayLineOptions) {
    this.#clock = clock;
    this.#oneWayMs = oneWayMs;
    this.port = this.#proxy.open({
      port,
      target: () => ({ hostname: "127.0.0.1", port: target }),
      join: () => Promise.resolve({ toServer: this.#way(), toClient: this.#way() }),
    });
  }

  /** The time that everything takes from now on in each direction; what is under way keeps its own. */
  set oneWayMs(ms: number) {
    this.#oneWayMs = ms;
  }

  /** Closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
  }

  /** Pieces in their order, each written once it is due. */
  #way(): Pass {
    let last = Promise.resolve();
    return async (to, bytes) => {
      // What is under way arrives before the end of the connection does.
      if (bytes === undefined) await last;
      if (bytes === undefined) return false;
      // The timer starts now, not when its turn comes: else the times of pieces would add up.
      const due = this.#oneWayMs <= 0 ? undefined : this.#wait(this.#oneWayMs);
      const piece = bytes.slice();
      // An end that is gone ends the connection, in the other direction.
      last = last.then(() => due).then(() => writeAll(to, piece)).catch(() => {});
      return true;
    };
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}
