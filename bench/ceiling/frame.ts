/**
 * The frames between the nodes. A batch of writes is a frame as it is: [length u32][CRC-32 of the body u32][number f64]
 * [committed f64], and for each write [key length u32][value length u32][key][value]. All else is [16 u32][kind u32]
 * [number f64].
 */

import { crc32 } from "node:zlib";
import { readUint32, withRoom, writeUint32 } from "./bytes.ts";
import type { ByteStore } from "./store.ts";

/** Bytes of a batch before its first write. */
export const BATCH_HEAD_BYTES = 24;
/** Bytes of a write before its key. */
export const WRITE_HEAD_BYTES = 8;
/** The kind of a question for a confirmation and of its answer; a batch whose CRC is this one is not worth a thought. */
export const CONFIRM = 0xffff_ffff;
/** The kind of a follower's word on what is durable there. */
export const DURABLE = 1;

const SHORT_BYTES = 16;
const READ_BYTES = 1 << 20;

/** Fills in the head of a batch. */
export function sealBatch(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
  head: { number: number; committed: number },
): void {
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, crc32(bytes.subarray(BATCH_HEAD_BYTES, length)), true);
  view.setFloat64(8, head.number, true);
  view.setFloat64(16, head.committed, true);
}

/** Whether a batch is what was sent. */
export function isIntact(frame: Uint8Array): boolean {
  return crc32(frame.subarray(BATCH_HEAD_BYTES)) === readUint32(frame, 4);
}

/** Applies the writes of a batch. Returns the index of the last one. */
export function applyBatch(store: ByteStore, bytes: Uint8Array, options: { length: number; index: number }): number {
  const { length } = options;
  let { index } = options;
  for (let at = BATCH_HEAD_BYTES; at < length;) {
    const keyBytes = readUint32(bytes, at);
    const valueBytes = readUint32(bytes, at + 4);
    const key = at + WRITE_HEAD_BYTES;
    index += 1;
    store.put(bytes, key, keyBytes, key + keyBytes, valueBytes, index);
    at = key + keyBytes + valueBytes;
  }
  return index;
}

/** A frame that is no batch; one buffer that is written anew each time. */
export class ShortFrame {
  readonly bytes = new Uint8Array(SHORT_BYTES);
  readonly #view = new DataView(this.bytes.buffer);

  /** Fills it in. */
  set(kind: number, number: number): Uint8Array {
    writeUint32(this.bytes, 0, SHORT_BYTES);
    writeUint32(this.bytes, 4, kind);
    this.#view.setFloat64(8, number, true);
    return this.bytes;
  }
}

/** The kind of a short frame. */
export function kindOf(frame: Uint8Array): number {
  return readUint32(frame, 4);
}

/** The number of a frame. */
export function numberIn(frame: Uint8Array, offset = 8): number {
  return new DataView(frame.buffer, frame.byteOffset).getFloat64(offset, true);
}

/** Reads frames until the connection ends. `take` must keep nothing of what it is given; `pause` follows each piece. */
export async function readFrames(
  socket: Deno.TcpConn,
  { take, pause }: { take: (frame: Uint8Array) => void; pause: () => void },
): Promise<void> {
  let bytes = new Uint8Array(READ_BYTES);
  let end = 0;
  for (;;) {
    bytes = withRoom(bytes, end, 1);
    const count = await socket.read(bytes.subarray(end));
    if (count === null) return;
    end += count;
    let at = 0;
    while (end - at >= 8) {
      const length = readUint32(bytes, at);
      if (end - at < length) break;
      take(bytes.subarray(at, at + length));
      at += length;
    }
    if (at > 0 && at < end) bytes.copyWithin(0, at, end);
    end -= at;
    pause();
  }
}
