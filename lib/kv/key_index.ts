/** The keys in byte order, with a clone in constant time: a B+ tree that copies on write (`sorted-btree`). */

import sortedBTree from "sorted-btree";

const Tree = sortedBTree.default;

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Ordered keys with what they lead to. A change costs about 2 us, so values that change in place are objects. */
export class KeyIndex<V> {
  readonly #tree: InstanceType<typeof Tree<string, V>>;

  /** An empty index, or a copy-on-write clone of another. */
  constructor(source?: KeyIndex<V>) {
    this.#tree = source === undefined ? new Tree<string, V>(undefined, compareBytes) : source.#tree.clone();
  }

  /** Adds or replaces `key`. */
  set(key: string, value: V): void {
    this.#tree.set(key, value);
  }

  /** Removes `key`. */
  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** The first key in byte order; undefined when there is none. */
  get firstKey(): string | undefined {
    return this.#tree.minKey();
  }

  /** The last key in byte order; undefined when there is none. */
  get lastKey(): string | undefined {
    return this.#tree.maxKey();
  }

  /** Keys and values in byte order, from `start` on. */
  entries(start?: string): IterableIterator<[string, V]> {
    return this.#tree.entries(start);
  }
}
