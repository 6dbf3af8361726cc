/** One TCP connection as a stream of frames: bounded queue, one write in flight, deadlines checked from outside. */

import type { Clock } from "../base/clock.ts";
import { type Fields, parseFields } from "./fields.ts";
import { frameBytes, FrameWriter, NO_BODY } from "./frame.ts";
import { FrameSeal, TAG_BYTES } from "./seal.ts";
import { FrameReader } from "./frame_reader.ts";
import { type PeerSocket, PeerTlsError } from "./security.ts";
import type { LargeTurns } from "./large_turns.ts";
import type { TransportLimits } from "./limits.ts";

/** From here on a body is large: what is done with it gets turns of its own. */
export const LARGE_BODY_BYTES_MIN = 1_048_576;

/** A received frame with its header taken apart. `body` is valid until the next `fill`. */
export interface ReceivedFrame {
  readonly fields: Fields;
  readonly body: Uint8Array;
}

/** Why a connection ended. `expected` ends are our own doing: a reset, a replacement, a removed peer, the end of the process. */
export interface Ending {
  readonly reason: string;
  readonly expected: boolean;
  /** The other side sent what it must not send. */
  readonly damage: boolean;
}

/** The keys of one link: of what leaves, and of what comes. */
export interface LinkKeys {
  readonly outgoing: Uint8Array;
  readonly incoming: Uint8Array;
}

/** What a connection needs besides its socket. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly limits: TransportLimits;
  /** Shared with the other connections. */
  readonly largeTurns: LargeTurns;
}

/**
 * Frames out by `append` and `flush`, frames in by `next` and `fill`. Nothing here throws or rejects because of the other
 * side: a connection that cannot go on closes itself and says why in `ending`.
 */
export class Connection {
  readonly #socket: PeerSocket;
  readonly #clock: Clock;
  readonly #limits: TransportLimits;
  readonly #largeTurns: LargeTurns;
  readonly #reader: FrameReader;
  #seal: FrameSeal | undefined;
  #waiting = new FrameWriter();
  /** A large frame and what was queued behind it, not yet built. */
  #large: { readonly header: string; readonly body: Uint8Array }[] = [];
  #writing = new FrameWriter();
  #drained: Promise<void> | undefined;
  #ending: Ending | undefined;
  #bytesSent = 0;
  #bytesQueued = 0;
  #bytesReceived = 0;
  #lastReadAt: number;
  #lastProgressAt: number;

  constructor(socket: PeerSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#largeTurns = options.largeTurns;
    const { handshakeFrameBytesMax: bytes } = options.limits;
    this.#reader = new FrameReader({ frameBytesMax: bytes, headerBytesMax: bytes });
    this.#lastReadAt = options.clock.now();
    this.#lastProgressAt = this.#lastReadAt;
    try {
      socket.setNoDelay?.(true);
    } catch {
      // Already ended by the other side: the first read tells.
    }
  }

  /** Undefined while the connection is open. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Bytes ever put into the queue; `bytesSent` reaches this number when all of them are with the system. */
  get bytesQueued(): number {
    return this.#bytesQueued;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** When bytes came last, or when the connection was made. */
  get lastReadAt(): number {
    return this.#lastReadAt;
  }

  /** The other side has proved who it is: frames of full length are read from now on, each with its tag where there are keys. */
  trust(keys: LinkKeys | undefined): void {
    this.#seal = keys === undefined ? undefined : new FrameSeal(keys.outgoing);
    this.#reader.trust(this.#limits, keys === undefined ? undefined : new FrameSeal(keys.incoming));
  }

  /** Queues a frame. False when it was not taken: closed, too long, or the queue is full. `header` is ASCII, and a body is not changed. */
  append(header: string, body: Uint8Array = NO_BODY): boolean {
    if (this.#ending !== undefined || !this.#hasRoom(header, body)) return false;
    // What comes behind a large frame keeps its place behind it.
    if (body.length >= LARGE_BODY_BYTES_MIN || this.#large.length > 0) this.#large.push({ header, body });
    else this.#waiting.append(header, body, this.#seal);
    this.#bytesQueued += this.#bytesOf(header, body);
    return true;
  }

  /** Starts to write what is queued, as one write; what is queued meanwhile follows as the next one. */
  flush(): void {
    if (this.#drained !== undefined || !this.#hasWaiting() || this.#ending !== undefined) return;
    this.#lastProgressAt = this.#clock.now();
    this.#drained = this.#drain();
  }

  /** Sends a last frame and closes. The caller's deadline closes a connection that does not take it. */
  async finish(header: string, reason: string): Promise<void> {
    this.append(header);
    this.flush();
    await this.#drained;
    this.close({ reason, expected: false, damage: false });
  }

  /** The next frame that has arrived; undefined when there is none, `fill` tells whether more may come. */
  next(): ReceivedFrame | undefined {
    if (this.#ending !== undefined) return undefined;
    const frame = this.#reader.next();
    if (frame === undefined) return undefined;
    const fields = parseFields(frame.header);
    if (fields === undefined) {
      this.close({ reason: "header of a frame is not a JSON object", expected: false, damage: true });
      return undefined;
    }
    return { fields, body: frame.body };
  }

  /** A turn for work with a large frame of this connection; what it received meanwhile stays valid. */
  largeTurn(): Promise<void> {
    return this.#largeTurns.next();
  }

  /** Waits for more bytes; false when the connection has ended. */
  async fill(): Promise<boolean> {
    const damage = this.#reader.damage;
    if (damage !== undefined) this.close({ reason: damage, expected: false, damage: true });
    if (this.#ending !== undefined) return false;
    try {
      const count = await this.#socket.read(this.#reader.space());
      if (count === null) {
        this.close({ reason: "closed by the other side", expected: false, damage: false });
      } else {
        this.#reader.filled(count);
        this.#bytesReceived += count;
        this.#lastReadAt = this.#clock.now();
      }
    } catch (error) {
      this.#fail(error, "read");
    }
    // `close` may have come from anywhere while this waited.
    return this.#isOpen();
  }

  /** The next frame, waiting for it; undefined when the connection ended before. */
  async receive(): Promise<ReceivedFrame | undefined> {
    for (;;) {
      const frame = this.next();
      if (frame !== undefined) return frame;
      if (!(await this.fill())) return undefined;
    }
  }

  /** Closes the connection when a write makes no progress for too long. */
  checkWrite(now: number): void {
    if (this.#drained === undefined || now - this.#lastProgressAt <= this.#limits.writeTimeoutMs) return;
    const seconds = Math.round((now - this.#lastProgressAt) / 1_000);
    this.close({ reason: `the other side has not read for ${seconds} s`, expected: false, damage: false });
  }

  /** Starts the deadlines anew: this process did not run, so the silence was its own. */
  forgive(now: number): void {
    this.#lastReadAt = now;
    this.#lastProgressAt = now;
  }

  /** Closes at once; what is queued is lost. The first ending stays. */
  close(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    try {
      this.#socket.close();
    } catch {
      // The system had closed it before; there is nothing left to release.
    }
  }

  #fail(error: unknown, action: "read" | "write"): void {
    const damage = error instanceof PeerTlsError;
    this.close({ reason: damage ? error.message : `${action} failed: ${describe(error)}`, expected: false, damage });
  }

  #isOpen(): boolean {
    return this.#ending === undefined;
  }

  #hasRoom(header: string, body: Uint8Array): boolean {
    const bytes = this.#bytesOf(header, body);
    const { frameBytesMax, headerBytesMax, queueBytesMax, queueMessagesMax } = this.#limits;
    if (bytes > frameBytesMax || header.length > headerBytesMax) return false;
    const frames = this.#waiting.frames + this.#writing.frames + this.#large.length;
    // A single frame may be longer than the queue: else it could never leave.
    return frames === 0 || (frames < queueMessagesMax && this.#bytesQueued - this.#bytesSent + bytes <= queueBytesMax);
  }

  #bytesOf(header: string, body: Uint8Array): number {
    return frameBytes(header, body) + (this.#seal === undefined ? 0 : TAG_BYTES);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#hasWaiting() && this.#isOpen()) {
        if (this.#waiting.length === 0) await this.#buildLarge();
        [this.#waiting, this.#writing] = [this.#writing, this.#waiting];
        await this.#write(this.#writing.bytes());
        this.#writing.clear();
      }
    } catch (error) {
      this.#fail(error, "write");
    }
    this.#drained = undefined;
  }

  #hasWaiting(): boolean {
    return this.#waiting.length > 0 || this.#large.length > 0;
  }

  /** Copying and sealing 8 MiB takes some 15 ms: for each connection a turn of its own, or a leader would do all in one. */
  async #buildLarge(): Promise<void> {
    await this.#largeTurns.next();
    if (!this.#isOpen()) return;
    const first = this.#large.shift();
    if (first !== undefined) this.#waiting.append(first.header, first.body, this.#seal);
    if (this.#large.some(({ body }) => body.length >= LARGE_BODY_BYTES_MIN)) return;
    for (const { header, body } of this.#large) this.#waiting.append(header, body, this.#seal);
    this.#large = [];
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.#isOpen();) {
      const count = await this.#socket.write(bytes.subarray(at)); // May be short.
      at += count;
      this.#bytesSent += count;
      this.#lastProgressAt = this.#clock.now();
    }
  }
}

/** The message of whatever was thrown. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
