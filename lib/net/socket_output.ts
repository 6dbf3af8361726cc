/** The sending side of a connection: what is queued in a turn leaves in one write, and one write is in flight. */

import { stringToBytes, writeString } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { ClientSocket } from "./client_socket.ts";
import type { Counter } from "../observe/metrics.ts";
import { FAIR_SHARE_BYTES, PIECE_BYTES_MAX, WRITE_BUFFER_BYTES_MIN, WRITE_TIMEOUT_MS } from "./limits.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import { OutputQueue } from "./output_queue.ts";

/** What the outputs of one port share. */
export interface OutputContext {
  readonly clock: Clock;
  readonly budget: MemoryBudget;
  readonly bytesSent: Counter;
  readonly flusher: OutputFlusher;
}

/** Flushes the outputs of one port at the end of the turn in which they ask for it, all together. */
export class OutputFlusher {
  readonly #clock: Clock;
  #outputs: SocketOutput[] = [];

  /** Nobody has asked. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `flush` of the output at the end of this turn. */
  flushLater(output: SocketOutput): void {
    this.#outputs.push(output);
    if (this.#outputs.length > 1) return;
    this.#clock.endOfTurn(() => {
      const outputs = this.#outputs;
      this.#outputs = [];
      for (const each of outputs) each.flush();
    });
  }
}

/** The connection, which hears what becomes of its output. */
export interface OutputOwner {
  /** A write is complete; more may wait. */
  pieceSent(): void;
  /** A flush found nothing that waits. */
  allSent(): void;
  /** The socket takes nothing more. */
  outputFailed(): void;
  /** All connections together hold too much, and this one more than its share. */
  overBudget(): void;
}

/** Queue, buffer and write in flight of one socket. */
export class SocketOutput {
  readonly #socket: ClientSocket;
  readonly #context: OutputContext;
  readonly #owner: OutputOwner;
  readonly #queue = new OutputQueue();
  #buffer = new Uint8Array(WRITE_BUFFER_BYTES_MIN);
  /** What is being written; empty when no write is in flight. */
  #writing: Uint8Array = NOTHING;
  #progressAt = 0;
  #bytesSent = 0;
  #unsentBytes = 0;
  #flushPlanned = false;
  #closed = false;

  constructor(socket: ClientSocket, { context, owner }: { context: OutputContext; owner: OutputOwner }) {
    this.#socket = socket;
    this.#context = context;
    this.#owner = owner;
  }

  /** Bytes the system has taken. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Bytes given to `send` and not yet with the system. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Queues a byte string. */
  send(bytes: string): void {
    if (this.#closed) return;
    this.#queue.add(bytes);
    this.#unsentBytes += bytes.length;
    this.#context.budget.add(bytes.length);
    this.planFlush();
  }

  /** Makes sure that `allSent` is called once everything has left. */
  planFlush(): void {
    if (this.#flushPlanned || this.#writing.length > 0) return;
    this.#flushPlanned = true;
    this.#context.flusher.flushLater(this);
  }

  /** Writes what is queued, unless a write is in flight: its end goes on with the rest. */
  flush(): void {
    this.#flushPlanned = false;
    if (this.#closed || this.#writing.length > 0) return;
    if (this.#context.budget.exceeded && this.#unsentBytes > FAIR_SHARE_BYTES) return this.#owner.overBudget();
    const piece = this.#queue.take();
    if (piece === undefined) return this.#owner.allSent();
    this.#progressAt = this.#context.clock.now();
    this.#write(this.#encode(piece));
  }

  /** For how many milliseconds the write in flight has made no progress, if that is too long. */
  stalledMs(now: number): number | undefined {
    if (this.#writing.length === 0 || now - this.#progressAt <= WRITE_TIMEOUT_MS) return undefined;
    return now - this.#progressAt;
  }

  /** Tells the client that nothing more comes. */
  end(): void {
    this.#socket.closeWrite().catch(this.#failed);
  }

  /** Forgets what waits. The socket is the owner's to close. */
  close(): void {
    this.#closed = true;
    this.#context.budget.add(-this.#unsentBytes);
    this.#queue.clear();
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
    this.#context.bytesSent.add(count);
    if (this.#closed) return;
    this.#bytesSent += count;
    this.#unsentBytes -= count;
    this.#context.budget.add(-count);
    this.#progressAt = this.#context.clock.now();
    if (count < this.#writing.length) return this.#write(this.#writing.subarray(count));
    this.#writing = NOTHING;
    this.#owner.pieceSent();
    // Whatever `pieceSent` queued plans a flush of its own; the rest goes on here.
    if (!this.#flushPlanned) this.flush();
  };

  readonly #failed = (): void => this.#owner.outputFailed();
}

const NOTHING = new Uint8Array(0);

function roundUp(bytes: number): number {
  let size = WRITE_BUFFER_BYTES_MIN;
  while (size < bytes) size *= 2;
  return size;
}
