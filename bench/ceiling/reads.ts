/** The reads of the leader: gathered while a confirmation is under way; the next one serves all that came before it. */

import { copyBytes, withRoom } from "./bytes.ts";
import { CONFIRM, ShortFrame } from "./frame.ts";
import type { Output } from "./output.ts";
import { HEAD_BYTES } from "./shard.ts";
import type { ByteStore } from "./store.ts";
import type { BufferPool } from "./turn.ts";

const NIL = new TextEncoder().encode("$-1\r\n");
const DIGIT_ZERO = 48;
const DOLLAR = 36;
const CARRIAGE_RETURN = 13;
const NEWLINE = 10;
/** What stands around a value at most. */
const AROUND_BYTES = 16;

/** Keys one after the other, and whose they are. */
interface Round {
  readonly keys: Uint8Array<ArrayBuffer>;
  readonly readers: readonly Output[];
  readonly lengths: readonly number[];
}

/** What the reads need. */
export interface ReadParts {
  readonly store: ByteStore;
  readonly pool: BufferPool;
  readonly peers: readonly Output[];
  readonly toFlush: Set<Output>;
}

/** One round of confirmation at a time. */
export class Reads {
  readonly #parts: ReadParts;
  readonly #question = new ShortFrame();
  #keys: Uint8Array<ArrayBuffer>;
  #end = 0;
  #readers: Output[] = [];
  #lengths: number[] = [];
  #asked: Round | undefined;
  #number = 0;

  constructor(parts: ReadParts) {
    this.#parts = parts;
    this.#keys = parts.pool.take();
  }

  /** Adds a read. */
  add(from: Uint8Array, start: number, length: number, reader: Output): void {
    if (this.#end + length > this.#keys.length) this.#keys = withRoom(this.#keys, this.#end, length);
    copyBytes(from, start, length, this.#keys, this.#end);
    this.#end += length;
    this.#readers.push(reader);
    this.#lengths.push(length);
  }

  /** Asks the followers, unless a question is under way. */
  ask(): void {
    if (this.#asked !== undefined || this.#readers.length === 0) return;
    this.#number += 1;
    this.#asked = { keys: this.#keys, readers: this.#readers, lengths: this.#lengths };
    this.#keys = this.#parts.pool.take();
    this.#end = 0;
    this.#readers = [];
    this.#lengths = [];
    const frame = this.#question.set(CONFIRM, this.#number);
    for (const peer of this.#parts.peers) {
      peer.put(frame, 0, frame.length);
      peer.flush();
    }
  }

  /** A follower has answered: with the leader it is a majority, so every read of that round is answered. */
  confirm(number: number): void {
    const round = this.#asked;
    if (round === undefined || number !== this.#number) return;
    this.#asked = undefined;
    const { keys, readers, lengths } = round;
    let key = 0;
    for (let at = 0; at < readers.length; at++) {
      const reader = readers[at];
      const length = lengths[at] ?? 0;
      if (reader !== undefined) this.#answer(reader, keys, key, length);
      key += length;
    }
    this.#parts.pool.give(keys);
  }

  #answer(output: Output, keys: Uint8Array, key: number, keyBytes: number): void {
    const { store, toFlush } = this.#parts;
    toFlush.add(output);
    if (!store.find(keys, key, keyBytes)) {
      output.put(NIL, 0, NIL.length);
      return;
    }
    const { shard, record } = store;
    const length = shard.valueBytes(record);
    output.reserve(length + AROUND_BYTES);
    const to = output.bytes;
    let at = writeLength(to, output.length, length);
    copyBytes(shard.bytes, record + HEAD_BYTES + keyBytes, length, to, at);
    at += length;
    to[at] = CARRIAGE_RETURN;
    to[at + 1] = NEWLINE;
    output.length = at + 2;
  }
}

/** `$64` and the end of the line. Returns what follows. */
function writeLength(to: Uint8Array, start: number, length: number): number {
  let at = start;
  to[at++] = DOLLAR;
  let scale = 1;
  while (scale * 10 <= length) scale *= 10;
  for (; scale >= 1; scale = Math.floor(scale / 10)) to[at++] = DIGIT_ZERO + Math.floor(length / scale) % 10;
  to[at++] = CARRIAGE_RETURN;
  to[at++] = NEWLINE;
  return at;
}
