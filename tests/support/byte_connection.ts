/** The connection under every client of the tests: byte strings out, replies in order, each with a deadline. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";

const CHUNK_BYTES = 65_536;
const REPLY_TIMEOUT_MS = 30_000;

/** The connection ended before the reply came: a write has an unknown outcome. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/** No reply within the deadline, with which the connection ends: a write has an unknown outcome. */
export class ReplyTimeoutError extends Error {
  override readonly name = "ReplyTimeoutError";
}

/**
 * Finds the reply that begins at `start` and where the next one begins; undefined while it is not all there. What it throws
 * ends the connection: nobody can tell where another reply would begin.
 */
export type ReplyReader<T> = (
  received: string,
  start: number,
) => { readonly reply: T; readonly end: number } | undefined;

interface Waiter {
  /** Takes its reply and says where that ends; undefined while it is not all there. */
  take(received: string, start: number): number | undefined;
  fail(error: Error): void;
}

/** One connection. Requests may be sent before the replies to earlier ones have come. */
export class ByteConnection implements Disposable {
  readonly #socket: Deno.TcpConn;
  readonly #timeoutMs: number;
  readonly #waiters: Waiter[] = [];
  /** Resolves when the connection has ended: to whether the other side closed it in order. */
  readonly ended: Promise<boolean>;
  #received = "";
  #unsent = "";
  #isWriting = false;
  #lost: Error | undefined;

  private constructor(socket: Deno.TcpConn, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.ended = this.#read();
  }

  /**
   * Connects to a port of 127.0.0.1, or to `host:port`. Rejects with the system's error. `timeoutMs` (default 30 000) is the
   * deadline of each reply.
   */
  static async connect(to: number | string, timeoutMs = REPLY_TIMEOUT_MS): Promise<ByteConnection> {
    const [, hostname = "", port = ""] = /^(.*):(\d+)$/.exec(typeof to === "string" ? to : `127.0.0.1:${to}`) ?? [];
    const socket = await Deno.connect({ hostname, port: Number(port) });
    socket.setNoDelay(true);
    return new ByteConnection(socket, timeoutMs);
  }

  /** Why the connection has ended, by either side; undefined as long as it has not. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Whether the connection has ended, by either side. */
  get closed(): boolean {
    return this.#lost !== undefined;
  }

  /** What has come and was not asked for. */
  get unread(): string {
    return this.#received;
  }

  /** Sends bytes and awaits nothing. */
  send(bytes: string): void {
    this.#unsent += bytes;
    if (!this.#isWriting) void this.#write();
  }

  /** Awaits the next reply without sending anything. Rejects when the connection ends before, or with `ReplyTimeoutError`. */
  async expect<T>(read: ReplyReader<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiters.push({
      take(received, start) {
        const found = read(received, start);
        if (found !== undefined) resolve(found.reply);
        return found?.end;
      },
      fail: reject,
    });
    this.#deliver();
    const timer = setTimeout(() => this.close(new ReplyTimeoutError("No reply within the deadline")), timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the connection; replies still awaited are rejected with `why`. */
  close(why: Error = new ConnectionLostError("Closed by the client")): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    this.#socket.close();
    for (const waiter of this.#waiters.splice(0)) waiter.fail(why);
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#unsent !== "" && this.#lost === undefined) {
        const bytes = stringToBytes(this.#unsent);
        this.#unsent = "";
        for (let sent = 0; sent < bytes.length;) sent += await this.#socket.write(bytes.subarray(sent));
      }
    } catch (cause) {
      this.close(new ConnectionLostError("Connection lost while sending", { cause }));
    }
    this.#isWriting = false;
  }

  async #read(): Promise<boolean> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    try {
      for (let count = await this.#socket.read(chunk); count !== null; count = await this.#socket.read(chunk)) {
        this.#received += bytesToString(chunk, 0, count);
        this.#deliver();
      }
    } catch (cause) {
      this.close(new ConnectionLostError("Connection lost", { cause }));
    }
    const isOrderly = this.#lost === undefined;
    this.close(new ConnectionLostError("Connection closed by the server"));
    return isOrderly;
  }

  /** Gives what has come to those who wait, in the order in which they asked. */
  #deliver(): void {
    let at = 0;
    try {
      while (at < this.#received.length) {
        const end = this.#waiters[0]?.take(this.#received, at);
        if (end === undefined) break;
        this.#waiters.shift();
        at = end;
      }
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)));
    }
    this.#received = this.#received.slice(at);
  }
}
