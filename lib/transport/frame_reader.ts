/** Finds frames in a stream of bytes, however it is cut, with bounded memory and in linear time. */

import { assert } from "../base/assert.ts";
import { bytesToString } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { CHECKED_FROM, FRAME_MAGIC, PREFIX_BYTES } from "./frame.ts";
import { type FrameSeal, TAG_BYTES } from "./seal.ts";

/** One frame; `body` is a view into the reader's buffer, valid until the next `space`. */
export interface Frame {
  readonly header: string;
  readonly body: Uint8Array;
}

/** What a reader accepts. */
export interface FrameBounds {
  readonly frameBytesMax: number;
  readonly headerBytesMax: number;
}

/** What tells TLS from a frame. */
const TLS_PREFIX_BYTES = 2;
const SPEAKS_TLS =
  "it speaks TLS, and this node speaks none with its peers; give --peer-tls-cert, --peer-tls-key and --peer-tls-ca";
const CAPACITY_MIN = 65_536;
const CAPACITY_KEPT_MAX = 4_194_304;

/**
 * Bytes come in by `space` and `filled`, frames go out by `next`.
 *
 * Invariants: 0 <= start <= end <= buffer length; the buffer is at most twice what has arrived of the frame at `start`
 * (or the minimum), so that a mere claim of a long frame takes no memory.
 */
export class FrameReader {
  #bytes = new Uint8Array(CAPACITY_MIN);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  #bounds: FrameBounds;
  #seal: FrameSeal | undefined;
  #damage: string | undefined;

  constructor(bounds: FrameBounds) {
    this.#bounds = bounds;
  }

  /** Why the stream cannot be read any further; final. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Bytes of memory held, for tests of the bound. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Sets other bounds for the frames not yet taken, each of which is followed by its tag from now on where there is a seal. */
  trust(bounds: FrameBounds, seal: FrameSeal | undefined): void {
    this.#bounds = bounds;
    this.#seal = seal;
  }

  /** Room for the next bytes, at least one. Ends the life of the bodies handed out. */
  space(): Uint8Array {
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
      if (this.#bytes.length > CAPACITY_KEPT_MAX) this.#move(CAPACITY_MIN);
    } else if (this.#start > 0) {
      // Each frame is moved to the front at most once: afterwards `start` is 0 until it is complete.
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#bytes.length) this.#move(Math.min(this.#bytes.length * 2, this.#frameLength()));
    assert(this.#end < this.#bytes.length, "Cannot make room while a complete frame waits to be taken");
    return this.#bytes.subarray(this.#end);
  }

  /** Tells that the first `count` bytes of `space()` were filled. */
  filled(count: number): void {
    this.#end += count;
  }

  /** The next complete frame, or undefined when more bytes are needed or the stream is damaged. */
  next(): Frame | undefined {
    const available = this.#end - this.#start;
    if (this.#damage !== undefined) return undefined;
    if (available >= TLS_PREFIX_BYTES && this.#beginsAsTls()) return this.#refuse(SPEAKS_TLS);
    if (available < PREFIX_BYTES) return undefined;
    if (this.#view.getUint32(this.#start) !== FRAME_MAGIC) return this.#refuse("not a frame of this version");
    const headerLength = this.#view.getUint32(this.#start + 8);
    const bodyLength = this.#view.getUint32(this.#start + 12);
    const length = PREFIX_BYTES + headerLength + bodyLength;
    if (headerLength > this.#bounds.headerBytesMax || length > this.#bounds.frameBytesMax) {
      return this.#refuse(`frame of ${length} bytes (header ${headerLength}) is too long`);
    }
    if (available < length + this.#tagBytes) return undefined;
    return this.#take(headerLength, length);
  }

  /** A handshake, or the alert of somebody who has heard no TLS. */
  #beginsAsTls(): boolean {
    const [type, version] = [this.#bytes[this.#start], this.#bytes[this.#start + 1]];
    return (type === 0x15 || type === 0x16) && version === 3;
  }

  get #tagBytes(): number {
    return this.#seal === undefined ? 0 : TAG_BYTES;
  }

  /** Of the frame at `start`, tag included. */
  #frameLength(): number {
    return this.#tagBytes + PREFIX_BYTES + this.#view.getUint32(this.#start + 8) +
      this.#view.getUint32(this.#start + 12);
  }

  #take(headerLength: number, length: number): Frame | undefined {
    const start = this.#start;
    const bodyStart = start + PREFIX_BYTES + headerLength;
    const expected = this.#view.getUint32(start + 4);
    if (checksum(this.#bytes.subarray(start + CHECKED_FROM, start + length)) !== expected) {
      return this.#refuse("checksum of a frame does not match");
    }
    const end = start + length + this.#tagBytes;
    const frame = this.#bytes.subarray(start, start + length);
    if (this.#seal?.matches(frame, this.#bytes.subarray(start + length, end)) === false) {
      return this.#refuse("a frame was altered, repeated or left out");
    }
    this.#start = end;
    return {
      header: bytesToString(this.#bytes, start + PREFIX_BYTES, bodyStart),
      body: this.#bytes.subarray(bodyStart, start + length),
    };
  }

  #refuse(reason: string): undefined {
    this.#damage = reason;
    return undefined;
  }

  #move(capacity: number): void {
    const old = this.#bytes;
    this.#bytes = new Uint8Array(capacity);
    this.#bytes.set(old.subarray(this.#start, this.#end));
    this.#view = new DataView(this.#bytes.buffer);
    this.#end -= this.#start;
    this.#start = 0;
  }
}
