/** Bytes that have arrived and the place up to which they have been used. */

import { bytesToString } from "../../base/bytes.ts";

const LINE_FEED = 0x0a;

/** A window on a read buffer; valid until the buffer is read into again. */
export class ByteInput {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Bytes not used yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Takes the place of bytes that have all been used. */
  refill(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
  }

  /** How many bytes there are before the next line feed; -1 when there is none. */
  findLineFeed(): number {
    const at = this.#bytes.indexOf(LINE_FEED, this.#at);
    return at < 0 ? -1 : at - this.#at;
  }

  /** Uses the next `count` bytes, as a byte string. */
  takeString(count: number): string {
    const from = this.#at;
    this.#at += count;
    return bytesToString(this.#bytes, from, this.#at);
  }

  /** Uses the next `count` bytes. They are to be copied before the buffer is read into again. */
  takeBytes(count: number): Uint8Array {
    const from = this.#at;
    this.#at += count;
    return this.#bytes.subarray(from, this.#at);
  }

  /** Drops what is left. */
  drop(): void {
    this.#at = this.#bytes.length;
  }
}
