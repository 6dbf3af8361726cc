/** What leaves on one socket: gathered during a turn of the event loop, one write at a time. */

import { copyBytes, withRoom } from "./bytes.ts";

const FIRST_BYTES = 16_384;

/** Two buffers: one is filled while the other one is written. */
export class Output {
  bytes = new Uint8Array(FIRST_BYTES);
  length = 0;
  readonly #socket: Deno.TcpConn;
  #spare = new Uint8Array(FIRST_BYTES);
  #writing = false;

  constructor(socket: Deno.TcpConn) {
    socket.setNoDelay(true);
    this.#socket = socket;
  }

  /** Makes room for `count` bytes behind `length`. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.bytes = withRoom(this.bytes, this.length, count);
  }

  /** Adds bytes. */
  put(bytes: Uint8Array, start: number, count: number): void {
    this.reserve(count);
    copyBytes(bytes, start, count, this.bytes, this.length);
    this.length += count;
  }

  /** Sends what there is, unless a write is under way: that one sends the rest at its end. */
  flush(): void {
    if (this.#writing || this.length === 0) return;
    this.#writing = true;
    const full = this.bytes;
    const length = this.length;
    this.bytes = this.#spare;
    this.#spare = full;
    this.length = 0;
    void this.#send(full, length);
  }

  async #send(bytes: Uint8Array, length: number): Promise<void> {
    try {
      for (let done = 0; done < length;) done += await this.#socket.write(bytes.subarray(done, length));
    } catch {
      // The other side is gone: nothing is sent any more.
      return;
    }
    this.#writing = false;
    this.flush();
  }
}
