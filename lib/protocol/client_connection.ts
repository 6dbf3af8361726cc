/** One client's TCP connection: the reading loop, one write in flight, back-pressure both ways. Knows no protocol. */

import { bytesToString, stringToBytes, writeString } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import {
  FAIR_SHARE_BYTES,
  LINGER_MS,
  PIECE_BYTES_MAX,
  READ_BUFFER_BYTES_MAX,
  READ_BUFFER_BYTES_MIN,
  WRITE_BUFFER_BYTES_MIN,
  WRITE_TIMEOUT_MS,
} from "./limits.ts";
import { OutputQueue } from "./output_queue.ts";
import type { ClientLink, ProtocolSession, SessionContext } from "./protocol.ts";
import { startSession } from "./protocol_table.ts";

/** What a connection asks of its listener. */
export interface ConnectionContext extends SessionContext {
  /** Calls `flush` of the connection at the end of this turn. */
  flushLater(connection: ClientConnection): void;
}

/**
 * Life: open, then finishing (queued replies leave, input is dropped), then closed. Only `#close` ends it, once.
 */
export class ClientConnection implements ClientLink {
  readonly remote: string;
  readonly openedAt: number;
  readonly #socket: Deno.TcpConn;
  readonly #context: ConnectionContext;
  readonly #output = new OutputQueue();
  #session: ProtocolSession | undefined;
  #buffer = new Uint8Array(WRITE_BUFFER_BYTES_MIN);
  /** What is being written; empty when no write is in flight. */
  #writing: Uint8Array = NOTHING;
  #progressAt = 0;
  #bytesReceived = 0;
  #bytesSent = 0;
  #unsentBytes = 0;
  #flushPlanned = false;
  #wakeReader: (() => void) | undefined;
  #inputEnded = false;
  #finishing = false;
  #lingers = true;
  #lingerTimer: Timer | undefined;
  #closed = false;
  readonly #ended = Promise.withResolvers<void>();

  /** Takes over an accepted socket; `run` begins to read. */
  constructor(socket: Deno.TcpConn, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.openedAt = context.clock.now();
    const { hostname, port } = socket.remoteAddr;
    this.remote = `${hostname}:${port}`;
  }

  /** See `ClientLink`. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** See `ClientLink`. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** See `ClientLink`. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Serves the connection until it is closed. Never rejects for what the client or the network does. */
  async run(): Promise<void> {
    try {
      await this.#readAll();
    } catch (error) {
      // A reset is the usual end of a client that was killed; what is no error of the socket is a bug of ours.
      if (!isSocketError(error)) {
        const message = error instanceof Error ? error.stack ?? error.message : String(error);
        this.#context.log("error", `Closed the connection of ${this.remote}: ${message}`);
      }
      this.#close();
    }
    await this.#ended.promise;
  }

  /** See `ClientLink`. */
  send(reply: string): void {
    if (this.#closed || this.#finishing) return;
    this.#output.add(reply);
    this.#unsentBytes += reply.length;
    this.#context.budget.add(reply.length);
    if (this.#flushPlanned || this.#writing.length > 0) return;
    this.#flushPlanned = true;
    this.#context.flushLater(this);
  }

  /** Writes what is queued, unless a write is in flight: its end goes on with the rest. */
  flush(): void {
    this.#flushPlanned = false;
    if (this.#closed || this.#writing.length > 0) return;
    if (this.#context.budget.exceeded && this.#unsentBytes > FAIR_SHARE_BYTES) {
      this.#context.warn(`Closed the connection of ${this.remote}: too many replies wait for all clients together`);
      return this.#close();
    }
    const piece = this.#output.take();
    if (piece === undefined) return this.#allSent();
    this.#progressAt = this.#context.clock.now();
    this.#write(this.#encode(piece));
  }

  /** See `ClientLink`. */
  wake(): void {
    this.#wakeReader?.();
  }

  /** See `ClientLink`. */
  finish(): void {
    if (this.#finishing || this.#closed) return;
    this.#finishing = true;
    this.wake();
    if (this.#flushPlanned || this.#writing.length > 0) return;
    this.#flushPlanned = true;
    this.#context.flushLater(this);
  }

  /** See `ClientLink`. */
  abort(): void {
    this.#close();
  }

  /** Closes once what runs has been answered; `abort` is for those that take too long. */
  stop(): void {
    this.#lingers = false;
    if (this.#lingerTimer !== undefined || this.#session === undefined) return this.#close();
    this.#session.stop();
  }

  /** Closes the connection when its write in flight has made no progress for too long. */
  checkWrite(now: number): void {
    if (this.#writing.length === 0 || now - this.#progressAt <= WRITE_TIMEOUT_MS) return;
    const seconds = Math.round((now - this.#progressAt) / 1_000);
    this.#context.warn(`Closed the connection of ${this.remote}: the client has not read for ${seconds} s`);
    this.#close();
  }

  async #readAll(): Promise<void> {
    let buffer = new Uint8Array(READ_BUFFER_BYTES_MIN);
    for (;;) {
      while (this.#session?.full === true && !this.#finishing && !this.#closed) await this.#wakened();
      if (this.#closed) return;
      const count = await this.#socket.read(buffer);
      if (count === null) break;
      this.#received(buffer, count);
      if (count === buffer.length && count < READ_BUFFER_BYTES_MAX) buffer = new Uint8Array(count * 2);
    }
    this.#inputEnded = true;
    if (this.#lingerTimer !== undefined || this.#session === undefined) this.#close();
    else if (!this.#finishing) this.#session.inputEnded();
  }

  #wakened(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = () => {
        this.#wakeReader = undefined;
        resolve();
      };
    });
  }

  #received(buffer: Uint8Array, count: number): void {
    this.#bytesReceived += count;
    this.#context.metrics.bytesReceived.add(count);
    if (this.#finishing || this.#closed) return;
    if (this.#session === undefined) {
      this.#session = startSession(buffer[0] ?? 0, { link: this, context: this.#context });
      if (this.#session === undefined) return this.#close();
    }
    this.#session.receive(bytesToString(buffer, 0, count));
  }

  #encode(piece: string): Uint8Array {
    // A long piece gets memory of its own, given back with its end; the others share one buffer that grows to their size.
    if (piece.length > PIECE_BYTES_MAX) return stringToBytes(piece);
    if (piece.length > this.#buffer.length) this.#buffer = new Uint8Array(roundUp(piece.length));
    return this.#buffer.subarray(0, writeString(piece, this.#buffer));
  }

  #write(bytes: Uint8Array): void {
    this.#writing = bytes;
    this.#socket.write(bytes).then(this.#written, this.#failed);
  }

  readonly #written = (count: number): void => {
    this.#context.metrics.bytesSent.add(count);
    if (this.#closed) return;
    this.#bytesSent += count;
    this.#unsentBytes -= count;
    this.#context.budget.add(-count);
    this.#progressAt = this.#context.clock.now();
    if (count < this.#writing.length) return this.#write(this.#writing.subarray(count));
    this.#writing = NOTHING;
    this.#session?.outputSent();
    // Whatever `outputSent` queued plans a flush of its own; the rest goes on here.
    if (!this.#flushPlanned) this.flush();
  };

  readonly #failed = (): void => this.#close();

  /** Nothing waits: a finishing connection ends here. */
  #allSent(): void {
    if (!this.#finishing || this.#lingerTimer !== undefined) return;
    if (this.#inputEnded || !this.#lingers) return this.#close();
    this.#lingerTimer = this.#context.clock.after(LINGER_MS, () => this.#close());
    this.#socket.closeWrite().catch(this.#failed);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lingerTimer?.cancel();
    this.#context.budget.add(-this.#unsentBytes);
    this.#output.clear();
    try {
      this.#socket.close();
    } catch {
      // The system had closed it before; there is nothing left to release.
    }
    this.#session?.closed();
    this.wake();
    this.#ended.resolve();
  }
}

const NOTHING = new Uint8Array(0);

function roundUp(bytes: number): number {
  let size = WRITE_BUFFER_BYTES_MIN;
  while (size < bytes) size *= 2;
  return size;
}

/** Whether the system, the client or our own closing ended the socket: nothing to report. */
function isSocketError(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.TimedOut || error instanceof Deno.errors.UnexpectedEof ||
    (error instanceof Error && "code" in error);
}
