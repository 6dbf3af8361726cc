/**
 * One connection of the load generator. All that is to be sent in one turn goes out in one write; two buffers take turns,
 * so that requests can be written into one while the other is being sent.
 */

import { dial, TlsError, type Trust } from "../base/dial.ts";
import { BatchQueue } from "./batch_queue.ts";
import type { LoadAddress } from "./options.ts";
import { ReplyFormatError, ReplyScanner } from "./reply_scanner.ts";
import type { RequestWriter } from "./request_writer.ts";
import type { Tally } from "./tally.ts";

const READ_BYTES = 65_536;
/** In the open loop a server that stands still is sent no more than this; the rest waits here, and its time runs. */
const OUTSTANDING_MAX = 20_000;
const RECONNECT_PAUSE_MS = 20;
/** A server that refuses everything must not be asked as fast as it can refuse. */
const REFUSED_PAUSE_MS = 10;

/** What the connections of a run share. */
export interface SharedLoad {
  readonly addresses: readonly LoadAddress[];
  readonly trust: Trust | undefined;
  readonly tally: Tally;
  readonly writer: RequestWriter;
  /** What each connection sends first, a request whose reply is a line; undefined for nothing. */
  readonly greeting?: Uint8Array | undefined;
  /** The requests that a connection of the closed loop sends next, 0 when it is to stop; undefined in the open loop. */
  readonly takeBatch: ((now: number) => number) | undefined;
  /** Called after every read: the open loop looks whether something is due, since timers are coarse. */
  readonly afterRead: ((now: number) => void) | undefined;
}

/** Keeps connected until it is closed. */
export class LoadConnection {
  readonly #shared: SharedLoad;
  readonly #awaited = new BatchQueue();
  readonly #due = new BatchQueue();
  #address: number;
  #socket: Deno.Conn | undefined;
  #scanner = new ReplyScanner();
  #filling = new Uint8Array(0);
  #spare = new Uint8Array(0);
  #filled = 0;
  #writing = false;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #endWait: () => void = () => {};
  /** Why the last attempt to connect failed, where it was for TLS. */
  tlsFailure: TlsError | undefined;

  /** `address` is the index of the first address to use. */
  constructor(shared: SharedLoad, address: number) {
    this.#shared = shared;
    this.#address = address;
  }

  /** Whether nothing is awaited and nothing is due. */
  get isIdle(): boolean {
    return this.#awaited.isEmpty && this.#due.isEmpty;
  }

  /** Connects to the first address that answers, each tried once. Resolves to whether there was one. */
  async open(): Promise<boolean> {
    const { addresses } = this.#shared;
    for (let tried = 0; tried < addresses.length && !this.#closed; tried++) {
      if (await this.#connect()) return true;
      this.#address = (this.#address + 1) % addresses.length;
    }
    return false;
  }

  /** Adds a batch that is due since `time` (open loop); `pump` sends it. */
  add(time: number, count: number): void {
    this.#due.push(time, count);
  }

  /** Sends what can be sent now. */
  pump(now: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const { takeBatch, tally } = this.#shared;
    if (takeBatch === undefined) {
      while (!this.#due.isEmpty && this.#awaited.requests < OUTSTANDING_MAX) {
        const count = this.#due.firstCount;
        tally.send(this.#due.firstTime, now);
        this.#append(this.#due.firstTime, count);
        this.#due.take(count);
      }
    } else if (this.#awaited.isEmpty && this.#pause === undefined) {
      const count = takeBatch(now);
      if (count > 0) this.#append(now, count);
    }
    if (this.#filled > 0 && !this.#writing) void this.#flush(socket);
  }

  /** Closes; what has no answer by now counts as UNANSWERED. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#endWait();
    this.#abandon(this.#due, "UNANSWERED not sent before the end");
    this.#abandon(this.#awaited, "UNANSWERED no reply before the end");
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #connect(): Promise<boolean> {
    const address = this.#shared.addresses[this.#address];
    if (address === undefined) return false;
    try {
      const socket = await dial(address, { trust: this.#shared.trust });
      const { greeting } = this.#shared;
      if (greeting !== undefined && !await isGreeted(socket, greeting)) {
        socket.close();
        return false;
      }
      if (this.#closed) {
        socket.close();
        return false;
      }
      this.#socket = socket;
      this.#scanner = new ReplyScanner();
      this.#filled = 0;
      this.#writing = false;
      // The old ones may still belong to a write of the lost connection.
      this.#filling = new Uint8Array(0);
      this.#spare = new Uint8Array(0);
      void this.#read(socket);
      return true;
    } catch (error) {
      this.tlsFailure = error instanceof TlsError ? error : undefined;
      return false;
    }
  }

  #append(time: number, count: number): void {
    const { writer } = this.#shared;
    const wanted = this.#filled + count * writer.requestBytesMax;
    if (wanted > this.#filling.length) {
      const larger = new Uint8Array(Math.max(wanted, 2 * this.#filling.length));
      larger.set(this.#filling.subarray(0, this.#filled));
      this.#filling = larger;
    }
    for (let done = 0; done < count; done++) this.#filled = writer.append(this.#filling, this.#filled);
    this.#awaited.push(time, count);
  }

  async #flush(socket: Deno.Conn): Promise<void> {
    this.#writing = true;
    try {
      while (this.#filled > 0) {
        const bytes = this.#filling.subarray(0, this.#filled);
        [this.#filling, this.#spare] = [this.#spare, this.#filling];
        this.#filled = 0;
        for (let sent = 0; sent < bytes.length;) {
          sent += await socket.write(sent === 0 ? bytes : bytes.subarray(sent));
          if (this.#socket !== socket) return;
        }
      }
      this.#writing = false;
    } catch {
      this.#lose(socket, "CONNECTION lost while sending");
    }
  }

  async #read(socket: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(READ_BYTES);
    let reason = "CONNECTION closed by the server";
    try {
      for (;;) {
        const count = await socket.read(bytes);
        if (count === null || this.#socket !== socket) break;
        const now = performance.now();
        this.#receive(bytes.subarray(0, count), now);
        this.pump(now);
        this.#shared.afterRead?.(now);
      }
    } catch (error) {
      reason = error instanceof ReplyFormatError ? `PROTOCOL ${error.message}` : "CONNECTION lost while receiving";
    }
    this.#lose(socket, reason);
  }

  #receive(bytes: Uint8Array, now: number): void {
    const scanner = this.#scanner;
    const { tally } = this.#shared;
    const missesBefore = scanner.misses;
    for (let at = 0; at < bytes.length;) {
      at = scanner.scan(bytes, { start: at, end: bytes.length });
      this.#settle(scanner.succeeded, now);
      if (scanner.failure === undefined) continue;
      this.#expect();
      tally.fail(scanner.failure, { since: this.#awaited.firstTime });
      this.#awaited.take(1);
      this.#rest();
    }
    tally.miss(scanner.misses - missesBefore, now);
  }

  #settle(succeeded: number, now: number): void {
    let left = succeeded;
    while (left > 0) {
      this.#expect();
      const count = Math.min(left, this.#awaited.firstCount);
      this.#shared.tally.succeed(count, { since: this.#awaited.firstTime, now });
      this.#awaited.take(count);
      left -= count;
    }
  }

  #expect(): void {
    if (this.#awaited.isEmpty) throw new ReplyFormatError("A reply came that nobody asked for");
  }

  #rest(): void {
    if (this.#pause !== undefined || this.#shared.takeBatch === undefined) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.pump(performance.now());
    }, REFUSED_PAUSE_MS);
  }

  #lose(socket: Deno.Conn, reason: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    socket.close();
    this.#abandon(this.#awaited, reason);
    void this.#reconnect();
  }

  #abandon(queue: BatchQueue, reason: string): void {
    while (!queue.isEmpty) {
      const count = queue.firstCount;
      this.#shared.tally.fail(reason, { since: queue.firstTime, count });
      queue.take(count);
    }
  }

  async #reconnect(): Promise<void> {
    do {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, RECONNECT_PAUSE_MS);
        // A run that ends meanwhile must not wait, and leaves no timer behind.
        this.#endWait = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#closed) return;
      this.#address = (this.#address + 1) % this.#shared.addresses.length;
    } while (!await this.open());
    this.pump(performance.now());
  }
}

const PLUS = "+".charCodeAt(0);
const LINE_FEED = "\n".charCodeAt(0);

/** Whether the server takes what is said first. It sends nothing more than that reply. */
async function isGreeted(socket: Deno.Conn, greeting: Uint8Array): Promise<boolean> {
  for (let sent = 0; sent < greeting.length;) sent += await socket.write(greeting.subarray(sent));
  const buffer = new Uint8Array(READ_BYTES);
  let isOk: boolean | undefined;
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) return false;
    isOk ??= buffer[0] === PLUS;
    if (buffer[count - 1] === LINE_FEED) return isOk;
  }
}
