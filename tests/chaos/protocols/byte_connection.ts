/** A TCP connection for one request at a time, whose end is noticed while nothing is asked too. */

import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";

interface Waiter {
  /** Looks whether the reply is there; it stays for the next request otherwise. */
  look(): boolean;
  fail(error: Error): void;
}

/** Byte strings out, byte strings in. */
export class ByteConnection {
  readonly #connection: Deno.TcpConn;
  readonly #timeoutMs: number;
  #received = "";
  #waiter: Waiter | undefined;
  #closed = false;

  private constructor(connection: Deno.TcpConn, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    void this.#read();
  }

  /** Connects to 127.0.0.1. */
  static async connect(port: number, timeoutMs: number): Promise<ByteConnection> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new ByteConnection(connection, timeoutMs);
  }

  /** Whether the connection has ended, by either side. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends a request and resolves to what `parse` makes of what came; undefined is not yet all of it. Rejects when the
   * connection ends before, or after the timeout, with which it ends as well: the request may have been done.
   */
  async exchange<T extends object>(request: string, parse: (received: string) => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => this.#end("No reply within the deadline"), this.#timeoutMs);
    this.#waiter = {
      look: () => {
        const reply = parse(this.#received);
        if (reply === undefined) return false;
        resolve(reply);
        return true;
      },
      fail: reject,
    };
    try {
      if (this.#closed) throw new Error("Connection closed before the request");
      void this.#write(request);
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#end("Closed by the client");
  }

  async #write(request: string): Promise<void> {
    try {
      const bytes = stringToBytes(request);
      for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
    } catch {
      this.#end("Connection lost while sending");
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        this.#received += bytesToString(buffer, 0, count);
        if (this.#waiter?.look() !== true) continue;
        this.#waiter = undefined;
        this.#received = "";
      }
    } catch {
      // Reset by the other side, or closed here.
    }
    this.#end("Connection closed by the server");
  }

  #end(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
    this.#waiter?.fail(new Error(why));
  }
}
