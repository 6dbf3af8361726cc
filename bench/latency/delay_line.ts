/**
 * A TCP forwarder that delivers everything some time after it came, as a long cable does: pieces are under way side by side, and
 * none is held up by another. It stands before the peer port of a node, and before an echo that shows how long a round trip is.
 */

const READ_BYTES = 65_536;

/** Listens on `port` (0 for any) and forwards to `target` on this machine. */
export class DelayLine implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #work: Promise<void>[] = [];
  #oneWayMs: number;

  constructor({ port, target, oneWayMs }: { port: number; target: number; oneWayMs: number }) {
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
    const queue = new DueQueue(to);
    for (;;) {
      const buffer = new Uint8Array(READ_BYTES);
      const count = await from.read(buffer).catch(() => null);
      if (count === null) return await queue.drain();
      queue.add(buffer.subarray(0, count), performance.now() + this.#oneWayMs);
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}

/** Pieces in their order, each written once it is due. */
class DueQueue {
  readonly #to: Deno.TcpConn;
  #last: Promise<void> = Promise.resolve();

  constructor(to: Deno.TcpConn) {
    this.#to = to;
  }

  add(bytes: Uint8Array, dueAt: number): void {
    // The timer starts now, not when its turn in the queue comes: else the times of pieces would add up.
    const due = untilTime(dueAt);
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

function untilTime(at: number): Promise<void> | undefined {
  const ms = at - performance.now();
  return ms <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
}
