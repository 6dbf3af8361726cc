/** A map from byte strings that grows without a long pause: one Map of millions stalls the loop when it is rehashed. */

const SHARD_COUNT = 256;
const HASHED_CHARACTERS_MAX = 12;

/** Like `Map<string, V>`, in 256 shards by a hash of the end of the key, where keys differ most often. */
export class ShardedMap<V> {
  readonly #shards: Map<string, V>[] = Array.from({ length: SHARD_COUNT }, () => new Map<string, V>());
  #size = 0;

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** The value of `key`, or undefined. */
  get(key: string): V | undefined {
    return this.#shard(key).get(key);
  }

  /** Stores `value` under a key that may be new. */
  set(key: string, value: V): void {
    const shard = this.#shard(key);
    const before = shard.size;
    shard.set(key, value);
    this.#size += shard.size - before;
  }

  /** Removes `key`; whether it was there. */
  delete(key: string): boolean {
    const removed = this.#shard(key).delete(key);
    if (removed) this.#size -= 1;
    return removed;
  }

  #shard(key: string): Map<string, V> {
    let hash = key.length;
    for (let at = Math.max(0, key.length - HASHED_CHARACTERS_MAX); at < key.length; at++) {
      hash = Math.imul(hash, 31) + key.charCodeAt(at);
    }
    // The high bits are mixed down, for keys that differ in a few characters far from the end.
    const shard = this.#shards[((hash ^ (hash >>> 8) ^ (hash >>> 16)) >>> 0) % SHARD_COUNT];
    if (shard === undefined) throw new RangeError("Cannot find a shard: the hash is out of range");
    return shard;
  }
}
