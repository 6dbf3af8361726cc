/** Finds connections that are dead without having been closed, and measures the round trip of those that live. */

import type { Connection } from "./connection.ts";
import { encodePing } from "./control.ts";
import type { TransportLimits } from "./limits.ts";
import type { PeerStatus } from "./transport.ts";

/** What a pinger needs besides its connection. */
export interface PingerOptions {
  readonly limits: TransportLimits;
  status(): PeerStatus;
}

/** Sends one ping at a time. `check` is called several times per interval. Times are `Clock.now()` milliseconds. */
export class Pinger {
  readonly #connection: Connection;
  readonly #options: PingerOptions;
  #nonce = 0;
  #sentAt: number | undefined;
  /** Position of the ping's last byte in the stream, to know when the system has taken it. */
  #endsAt = 0;
  #waitsSince = 0;
  #answered = true;
  #answeredAt: number | undefined;

  constructor(connection: Connection, options: PingerOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Sends a ping when one is due; closes the connection when the last one was not answered in time. */
  check(now: number): void {
    if (!this.#answered) this.#checkAnswer(now);
    else if (this.#sentAt === undefined || now - this.#sentAt >= this.#options.limits.pingIntervalMs) this.#send(now);
  }

  /** Takes an answer and returns the round trip in milliseconds; undefined when nothing asked for it. */
  answer(nonce: number, now: number): number | undefined {
    if (this.#answered || nonce !== this.#nonce || this.#sentAt === undefined) return undefined;
    this.#answered = true;
    this.#answeredAt = now;
    return now - this.#sentAt;
  }

  /** The last answer came recently enough. */
  isAlive(now: number): boolean {
    const { pingIntervalMs, pongTimeoutMs } = this.#options.limits;
    return this.#answeredAt !== undefined && now - this.#answeredAt <= pingIntervalMs + pongTimeoutMs;
  }

  /** Starts the deadline anew: this process did not run. */
  forgive(now: number): void {
    this.#waitsSince = now;
  }

  #send(now: number): void {
    const beat = { nonce: this.#nonce + 1, status: this.#options.status() };
    // A full queue holds the ping back; the deadline of the write watches such a connection.
    if (!this.#connection.append(encodePing(beat, now))) return;
    this.#nonce = beat.nonce;
    this.#sentAt = now;
    this.#waitsSince = now;
    this.#answered = false;
    this.#endsAt = this.#connection.bytesQueued;
    this.#connection.flush();
  }

  #checkAnswer(now: number): void {
    // What waits behind a large write is not late yet.
    if (this.#connection.bytesSent < this.#endsAt) this.#waitsSince = now;
    const waited = now - this.#waitsSince;
    if (waited <= this.#options.limits.pongTimeoutMs) return;
    this.#connection.close({
      reason: `no answer to a ping for ${waited.toFixed(0)} ms`,
      expected: false,
      damage: false,
    });
  }
}
