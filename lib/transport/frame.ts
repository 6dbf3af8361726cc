/**
 * The form of a frame between servers, and the buffer that frames leave in.
 *
 *     offset  0  magic "KVP" and the version of this form (2)
 *             4  CRC-32 of everything from offset 8 to the end of the frame
 *             8  length of the header in bytes
 *            12  length of the body in bytes
 *            16  header: JSON, ASCII only; then the body
 *                then, once both ends have proved who they are, the tag (seal.ts)
 *
 * Numbers are unsigned, most significant byte first. The lengths are under the checksum, so that a damaged length cannot
 * pass for a shorter frame.
 */

import { writeString } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { type FrameSeal, TAG_BYTES } from "./seal.ts";

/** Bytes before the header. */
export const PREFIX_BYTES = 16;
/** "KVP" and the version of the frame's form. */
export const FRAME_MAGIC = 0x4b565002;
/** Where the bytes under the checksum begin. */
export const CHECKED_FROM = 8;
/** The body of a frame that has none. */
export const NO_BODY: Uint8Array = new Uint8Array(0);

const CAPACITY_MIN = 65_536;
const CAPACITY_KEPT_MAX = 4_194_304;

/** Frames one behind the other in one buffer that is used again and again. */
export class FrameWriter {
  #bytes = new Uint8Array(CAPACITY_MIN);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #frames = 0;

  /** Bytes in the buffer. */
  get length(): number {
    return this.#length;
  }

  /** Frames in the buffer. */
  get frames(): number {
    return this.#frames;
  }

  /** Appends a frame, and its tag where the link is sealed; `header` is ASCII. The body is copied. */
  append(header: string, body: Uint8Array, seal?: FrameSeal): void {
    const start = this.#length;
    const end = start + frameBytes(header, body);
    const sealedEnd = seal === undefined ? end : end + TAG_BYTES;
    if (sealedEnd > this.#bytes.length) this.#grow(sealedEnd);
    this.#view.setUint32(start, FRAME_MAGIC);
    this.#view.setUint32(start + 8, header.length);
    this.#view.setUint32(start + 12, body.length);
    writeString(header, this.#bytes, start + PREFIX_BYTES);
    this.#bytes.set(body, start + PREFIX_BYTES + header.length);
    this.#view.setUint32(start + 4, checksum(this.#bytes.subarray(start + CHECKED_FROM, end)));
    seal?.write(this.#bytes.subarray(start, end), this.#bytes.subarray(end, sealedEnd));
    this.#length = sealedEnd;
    this.#frames += 1;
  }

  /** Everything appended since `clear`, as a view that is valid until then. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Empties the buffer; one that a burst made large is given back. */
  clear(): void {
    this.#length = 0;
    this.#frames = 0;
    if (this.#bytes.length > CAPACITY_KEPT_MAX) this.#replace(CAPACITY_MIN);
  }

  #grow(needed: number): void {
    const old = this.#bytes;
    this.#replace(Math.max(needed, old.length * 2));
    this.#bytes.set(old.subarray(0, this.#length));
  }

  #replace(capacity: number): void {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** The length of a frame with this header and body. */
export function frameBytes(header: string, body: Uint8Array): number {
  return PREFIX_BYTES + header.length + body.length;
}
