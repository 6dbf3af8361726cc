/** A byte store outside of the garbage-collected heap: many small shards, so that no operation ever takes long. */

import { hashBytes } from "./bytes.ts";
import { Shard, type Write } from "./shard.ts";

const SHARD_BITS = 10;

/** Keys and values as bytes. No operation makes an object or a string. */
export class ByteStore {
  readonly shards: readonly Shard[] = Array.from({ length: 1 << SHARD_BITS }, () => new Shard());
  readonly #first = new Shard();
  readonly #write: Write = {
    ...{ source: new Uint8Array(0), keyStart: 0, keyBytes: 0, valueStart: 0, valueBytes: 0 },
    ...{ hash: 0, revision: 0 },
  };
  /** Number of keys. */
  size = 0;
  /** Where `find` found: the shard, and the record in it. */
  shard: Shard = this.#first;
  record = -1;

  /** Looks a key up; `shard` and `record` then say where it is. */
  find(source: Uint8Array, start: number, length: number): boolean {
    const hash = hashBytes(source, start, length);
    this.shard = this.shards[hash >>> (32 - SHARD_BITS)] ?? this.#first;
    this.record = this.shard.find(source, start, length, hash);
    return this.record >= 0;
  }

  /** Stores a value under a key, both parts of `source`. */
  put(
    source: Uint8Array,
    keyStart: number,
    keyBytes: number,
    valueStart: number,
    valueBytes: number,
    revision: number,
  ): void {
    const hash = hashBytes(source, keyStart, keyBytes);
    const shard = this.shards[hash >>> (32 - SHARD_BITS)] ?? this.#first;
    const write = this.#write;
    write.source = source;
    write.keyStart = keyStart;
    write.keyBytes = keyBytes;
    write.valueStart = valueStart;
    write.valueBytes = valueBytes;
    write.hash = hash;
    write.revision = revision;
    const record = shard.find(source, keyStart, keyBytes, hash);
    if (record >= 0) {
      shard.replace(record, write);
      return;
    }
    shard.insert(write);
    this.size += 1;
  }
}
