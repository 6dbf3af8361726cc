/**
 * A TCP forwarder that delivers everything some time after it came, as a long cable does: pieces are under way side by side, and
 * none is held up by another. It stands before the peer port of a node, and before an echo that shows how long a round trip is.
 */

import type { Clock } from "../../lib/base/clock.ts";
import { SystemClock } from "../../lib/node/clock/system_clock.ts";

const READ_BYTES = 65_536;

/** Listens on `port` (0 for any) and forwards to `target` on this machine. */
export class DelayLine implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #work: Promise<void>[] = [];
  readonly #clock: Clock;
  #oneWayMs: number;

  constructor(
    { port, target, oneWayMs, clock = new SystemClock() }: {
      port: number;
      target: number;
      oneWayMs: number;
      clock?: Clock;
    },
  ) {
    this.#clock = clock;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = this.#listener.addr.port;
    this.#target = target;
    this.#oneWayMs = oneWayMs;
    this.#work.push(this.#accept());
  }

  /** The time that everything takes from now on in each direction; what is under way keeps its own. */
  set oneWayMs(ms: number) {
    this.#oneWayMs = ms;
  }

  /** Closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of [...this.#open]) this.#close(connection);
    await Promise.all(this.#work);
  }

  async #accept(): Promise<void> {
    try {
      for await (const dialer of this.#listener) this.#work.push(this.#serve(dialer));
    } catch {
      // The listener was closed.
    }
  }

  async #serve(dialer: Deno.TcpConn): Promise<void> {
    this.#open.add(dialer);
    try {
      const acceptor = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#open.add(acceptor);
      const ends = () => [dialer, acceptor].forEach((end) => this.#close(end));
      for (const end of [dialer, acceptor]) end.setNoDelay(true);
      await Promise.all([this.#pump(dialer, acceptor).finally(ends), this.#pump(acceptor, dialer).finally(ends)]);
    } catch {
      // The node behind it does not listen, or an end is gone.
      this.#close(dialer);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const queue = new DueQueue(to, this.#clock);
    for (;;) {
      const buffer = new Uint8Array(READ_BYTES);
      const count = await from.read(buffer).catch(() => null);
      if (count === null) return await queue.drain();
      queue.add(buffer.subarray(0, count), this.#oneWayMs);
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}

/** Pieces in their order, each written once it is due. */
class DueQueue {
  readonly #to: Deno.TcpConn;
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  constructor(to: Deno.TcpConn, clock: Clock) {
    this.#to = to;
    this.#clock = clock;
  }

  add(bytes: Uint8Array, dueInMs: number): void {
    // The timer starts now, not when its turn in the queue comes: else the times of pieces would add up.
    const due = dueInMs <= 0 ? undefined : new Promise<void>((resolve) => this.#clock.after(dueInMs, resolve));
    this.#last = this.#last.then(() => due).then(() => this.#write(bytes));
  }

  async drain(): Promise<void> {
    await this.#last;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.#to.write(bytes.subarray(sent));
    } catch {
      // The other end is gone: so is the connection, soon.
    }
  }
}
