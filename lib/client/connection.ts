/** One connection to a server: requests leave in order, several of one turn in one write, and replies come in that order. */

import { type Address, formatAddress } from "./address.ts";
import { ProtocolError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import { UNSENT_BYTES_MAX } from "./limits.ts";
import { ReplyParser } from "./reply_parser.ts";
import type { Reply } from "./replies.ts";
import { RequestBuffer } from "./request_buffer.ts";
import type { Connector, Socket } from "./socket.ts";
import type { Word } from "./words.ts";

/** What became of one request on one connection. */
export type Attempt =
  | { readonly type: "Reply"; readonly reply: Reply }
  /** The connection was lost before the request left: the server has not seen it. */
  | { readonly type: "NotSent"; readonly cause: Error }
  /** The connection was lost before the reply came. */
  | { readonly type: "Lost"; readonly cause: Error };

/** Takes what became of a request; called once. Nobody may be interested any more: the order is kept all the same. */
export type Settle = (attempt: Attempt) => void;

/**
 * A connection that is open until it is closed or lost. Invariant: `#waiters` has one entry for each request without a
 * reply, oldest first, of which the last `#unsent` have not been handed to the socket.
 */
export class Connection {
  readonly address: string;
  readonly #requests = new RequestBuffer();
  readonly #waiters = new Fifo<Settle>();
  readonly #parser: ReplyParser;
  readonly #lost: (connection: Connection) => void;
  #socket: Socket | undefined;
  #unsent = 0;
  #writing = false;
  /** `performance.now()` when bytes came last, or when the first request without a reply was made. */
  #heardAtMs = 0;
  #failure: Error | undefined;

  /** Connects. `lost` is called once when the connection ends by itself. */
  static async open(
    address: Address,
    options: {
      readonly connector: Connector;
      readonly signal: AbortSignal;
      readonly lost: (connection: Connection) => void;
    },
  ): Promise<Connection> {
    const connection = new Connection(formatAddress(address), options.lost);
    const socket = await options.connector(address, {
      signal: options.signal,
      events: {
        data: (bytes) => connection.#receive(bytes),
        ended: (reason) => connection.#fail(reason),
      },
    });
    connection.#socket = socket;
    // It may have ended between its beginning and this turn.
    if (connection.#failure !== undefined) socket.close();
    return connection;
  }

  constructor(address: string, lost: (connection: Connection) => void) {
    this.address = address;
    this.#lost = lost;
    this.#parser = new ReplyParser((reply) => this.#takeReply(reply));
  }

  /** Whether requests can be sent. */
  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Requests without a reply. */
  get load(): number {
    return this.#waiters.length;
  }

  /** For how long nothing has come although replies are missing, in ms; `nowMs` is `performance.now()`. */
  silentMs(nowMs: number): number {
    return this.#waiters.length === 0 ? 0 : nowMs - this.#heardAtMs;
  }

  /** Whether so much waits for the socket that no request is to be added. */
  get isFull(): boolean {
    return this.#requests.length > UNSENT_BYTES_MAX;
  }

  /** Sends a request at the end of this turn. Throws TypeError for a word that cannot be sent. */
  send(words: readonly Word[], settle: Settle): void {
    if (this.#failure !== undefined) return settle({ type: "NotSent", cause: this.#failure });
    this.#requests.append(words);
    if (this.#waiters.length === 0) this.#heardAtMs = performance.now();
    this.#waiters.push(settle);
    this.#unsent += 1;
    if (this.#writing) return;
    this.#writing = true;
    // A microtask runs behind the continuations of the replies that came in this turn, which may send more.
    queueMicrotask(() => void this.#write());
  }

  /** Sends a request and waits for what becomes of it. */
  ask(words: readonly Word[]): Promise<Attempt> {
    return new Promise((resolve) => this.send(words, resolve));
  }

  /** Ends the connection; requests without a reply are settled with the reason. */
  close(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#socket?.close();
    let sent = this.#waiters.length - this.#unsent;
    let settle = this.#waiters.shift();
    while (settle !== undefined) {
      settle({ type: sent > 0 ? "Lost" : "NotSent", cause: reason });
      sent -= 1;
      settle = this.#waiters.shift();
    }
  }

  async #write(): Promise<void> {
    try {
      while (this.#socket !== undefined && this.#requests.length > 0 && this.#failure === undefined) {
        // From here on the server may see the requests, even if the write fails.
        this.#unsent = 0;
        await this.#socket.write(this.#requests.take());
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#writing = false;
  }

  #receive(bytes: Uint8Array): void {
    this.#heardAtMs = performance.now();
    try {
      this.#parser.feed(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
  }

  #takeReply(reply: Reply): void {
    const settle = this.#waiters.shift();
    if (settle === undefined) throw new ProtocolError(`${this.address} sent a reply that nobody asked for`);
    settle({ type: "Reply", reply });
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.close(reason);
    this.#lost(this);
  }
}
