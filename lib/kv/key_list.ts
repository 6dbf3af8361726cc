/** The keys in no order, each at a place from 0 up without gaps, so that one can be drawn evenly in constant time. */

/** Keys of one chunk: no array ever grows so long that copying it would stop the loop. */
export const CHUNK_KEYS = 65_536;

/** Keys by place. Who adds a key remembers its place; `remove` says which other key has taken it. */
export class KeyList {
  readonly #chunks: string[][] = [];
  #size = 0;

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Adds a key and returns its place. */
  add(key: string): number {
    const place = this.#size;
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length < CHUNK_KEYS) last.push(key);
    else this.#chunks.push([key]);
    this.#size += 1;
    return place;
  }

  /** Removes the key at a place. The last key moves there and is returned; undefined when it was the last one itself. */
  remove(place: number): string | undefined {
    const chunk = this.#chunks.at(-1);
    const last = chunk?.pop();
    if (last === undefined) return undefined;
    if (chunk?.length === 0) this.#chunks.pop();
    this.#size -= 1;
    if (place === this.#size) return undefined;
    const target = this.#chunks[Math.floor(place / CHUNK_KEYS)];
    if (target !== undefined) target[place % CHUNK_KEYS] = last;
    return last;
  }

  /** The key at a place; undefined beyond the end. */
  at(place: number): string | undefined {
    return this.#chunks[Math.floor(place / CHUNK_KEYS)]?.[place % CHUNK_KEYS];
  }
}
