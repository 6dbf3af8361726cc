/** Sorted keys in one buffer, without the beginning that they have in common. */

import { KeyBuffer, type Span } from "./span.ts";

/** A page is split when its keys would take more than this, unless there is only one. */
export const PAGE_BYTES_MAX = 4_096;
const BYTES_MIN = 64;
const GROWTH = 1.5;
/** A page is packed again when this part of its bytes is unused. */
const WASTE_PARTS = 4;
/** A place in the buffer takes three bytes: a page of a few very long keys is longer than two can say. */
const PLACE_BYTES = 3;
/** A length takes one byte, or this one and three more. */
const LONG = 0xff;
const LONG_BYTES = 4;
/** Up to this length a loop beats `set`. */
const LOOP_BYTES_MAX = 64;

const scratch = new KeyBuffer();

/**
 * Keys in byte order. The buffer has a place for each key, in order, at its beginning; what all keys begin with at its end; and before
 * that, growing downwards, the rest of each key behind its length. Places count back from where the rests begin, so that they hold when
 * the buffer grows.
 *
 * In a page of a tree that is no leaf, the keys part the `children`: child `n` has what comes before key `n`.
 */
export class Page {
  bytes = new Uint8Array(BYTES_MIN);
  count = 0;
  /** Keys in the leaves below; of a leaf, its own. */
  total = 0;
  children: Page[] | undefined = undefined;
  /** Leaves are linked in the order of their keys. */
  previous: Page | undefined = undefined;
  next: Page | undefined = undefined;
  /** Bytes of the common beginning, of all rests with their lengths, and those of them that belong to removed keys. */
  #prefix = 0;
  #heap = 0;
  #holes = 0;
  /** Length of the rest that `#locate` found last. */
  #length = 0;

  /** Bytes that the keys take. */
  get used(): number {
    return this.count * PLACE_BYTES + this.#heap - this.#holes + this.#prefix;
  }

  /** The place of a key: `n` when key `n` equals it, `~n` when it belongs before key `n`. */
  find({ bytes, start, end }: Span): number {
    const own = this.bytes;
    let from = start;
    for (let at = own.length - this.#prefix; at < own.length; at++, from++) {
      if (from === end) return ~0;
      const difference = (bytes[from] ?? 0) - (own[at] ?? 0);
      if (difference !== 0) return difference < 0 ? ~0 : ~this.count;
    }
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const rest = this.#locate(middle);
      const length = Math.min(this.#length, end - from);
      let offset = 0;
      while (offset < length && own[rest + offset] === bytes[from + offset]) offset++;
      const difference = offset < length
        ? (own[rest + offset] ?? 0) - (bytes[from + offset] ?? 0)
        : this.#length - (end - from);
      if (difference === 0) return middle;
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return ~low;
  }

  /** Writes key `at` into a buffer. */
  read(at: number, into: KeyBuffer): void {
    const rest = this.#locate(at);
    const prefix = this.#prefix;
    const base = this.bytes.length - prefix;
    into.resize(prefix + this.#length);
    const { bytes } = into;
    for (let offset = 0; offset < prefix; offset++) bytes[offset] = this.bytes[base + offset] ?? 0;
    for (let offset = 0; offset < this.#length; offset++) bytes[prefix + offset] = this.bytes[rest + offset] ?? 0;
  }

  /** Whether the page stays within `PAGE_BYTES_MAX` with a further key at place `at`. */
  hasRoom(at: number, key: Span): boolean {
    if (this.count === 0) return true;
    const common = this.#commonWith(at, key);
    const rests = this.#heap - this.#holes + (this.#prefix - common) * this.count + key.length - common + LONG_BYTES;
    return (this.count + 1) * PLACE_BYTES + rests <= PAGE_BYTES_MAX;
  }

  /** Adds a key at the place where `find` says that it belongs. */
  insert(at: number, key: Span): void {
    if (this.count === 0) this.#begin(key, key.length);
    else {
      const common = this.#commonWith(at, key);
      if (common < this.#prefix) this.#pack(common);
    }
    this.#add(at, key);
  }

  /** Removes key `at`. */
  remove(at: number): void {
    this.#locate(at);
    this.#holes += this.#length + (this.#length < LONG ? 1 : LONG_BYTES);
    this.bytes.copyWithin(at * PLACE_BYTES, (at + 1) * PLACE_BYTES, this.count * PLACE_BYTES);
    this.count -= 1;
    if (this.count > 0 && WASTE_PARTS * this.used < this.bytes.length && this.bytes.length > 2 * BYTES_MIN) {
      this.#pack(this.#prefix);
    }
  }

  /** Moves the keys from place `at` on into another page, which is empty. */
  split(at: number, into: Page): void {
    into.#copy(this, at, { to: this.count, prefix: this.#commonOf(at, this.count) });
    if (at === 0) {
      this.count = 0;
      this.#pack(0);
    } else {
      this.count = at;
      this.#pack(this.#commonOf(0, at));
    }
  }

  /** Takes in all keys of the page behind this one, if they fit into `bytesMax` together; whether they did. */
  absorb(behind: Page, bytesMax: number): boolean {
    behind.read(behind.count - 1, scratch);
    const common = this.#commonWith(this.count, scratch);
    const longer = (this.#prefix - common) * this.count + (behind.#prefix - common) * behind.count;
    if (this.used + behind.used + longer > bytesMax) return false;
    // Packed in any case: to find holes while a key is being added would take the buffer that the key is in.
    this.#pack(common);
    for (let at = 0; at < behind.count; at++) {
      behind.read(at, scratch);
      this.#add(this.count, scratch);
    }
    return true;
  }

  /** Where the rest of key `at` begins; its length is in `#length`. */
  #locate(at: number): number {
    const { bytes } = this;
    const entry = at * PLACE_BYTES;
    const place = (bytes[entry] ?? 0) | ((bytes[entry + 1] ?? 0) << 8) | ((bytes[entry + 2] ?? 0) << 16);
    const from = bytes.length - this.#prefix - place;
    const length = bytes[from] ?? 0;
    this.#length = length;
    if (length < LONG) return from + 1;
    this.#length = (bytes[from + 1] ?? 0) | ((bytes[from + 2] ?? 0) << 8) | ((bytes[from + 3] ?? 0) << 16);
    return from + LONG_BYTES;
  }

  /** Bytes that a key which belongs at place `at` has in common with all keys here. */
  #commonWith(at: number, { bytes, start, end }: Span): number {
    // Between two keys that begin alike there is none that does not.
    if (at > 0 && at < this.count) return this.#prefix;
    const length = Math.min(this.#prefix, end - start);
    const base = this.bytes.length - this.#prefix;
    let common = 0;
    while (common < length && this.bytes[base + common] === bytes[start + common]) common++;
    return common;
  }

  /** Bytes that the keys from one place up to another have in common: the first and the last of them tell. */
  #commonOf(from: number, to: number): number {
    const last = this.#locate(to - 1);
    const lastLength = this.#length;
    const first = this.#locate(from);
    const length = Math.min(this.#length, lastLength);
    let common = 0;
    while (common < length && this.bytes[first + common] === this.bytes[last + common]) common++;
    return this.#prefix + common;
  }

  /** Empties the page; keys to come have the first `prefix` bytes of `key` in common. */
  #begin(key: Span, prefix: number, bytes = 0): void {
    this.bytes = new Uint8Array(Math.max(BYTES_MIN, prefix + PLACE_BYTES + LONG_BYTES, bytes));
    this.count = 0;
    this.#prefix = prefix;
    this.#heap = 0;
    this.#holes = 0;
    const base = this.bytes.length - prefix;
    for (let offset = 0; offset < prefix; offset++) this.bytes[base + offset] = key.bytes[key.start + offset] ?? 0;
  }

  /** Adds a key that has the common beginning. */
  #add(at: number, key: Span): void {
    const length = key.length - this.#prefix;
    this.#reserve(PLACE_BYTES + LONG_BYTES + length);
    const { bytes } = this;
    const base = bytes.length - this.#prefix;
    this.#heap += length;
    const rest = base - this.#heap;
    const from = key.start + this.#prefix;
    if (length > LOOP_BYTES_MAX) bytes.set(key.bytes.subarray(from, key.end), rest);
    else for (let offset = 0; offset < length; offset++) bytes[rest + offset] = key.bytes[from + offset] ?? 0;
    if (length < LONG) {
      this.#heap += 1;
      bytes[rest - 1] = length;
    } else {
      this.#heap += LONG_BYTES;
      bytes[rest - 4] = LONG;
      bytes[rest - 3] = length;
      bytes[rest - 2] = length >>> 8;
      bytes[rest - 1] = length >>> 16;
    }
    const entry = at * PLACE_BYTES;
    if (at < this.count) bytes.copyWithin(entry + PLACE_BYTES, entry, this.count * PLACE_BYTES);
    bytes[entry] = this.#heap;
    bytes[entry + 1] = this.#heap >>> 8;
    bytes[entry + 2] = this.#heap >>> 16;
    this.count += 1;
  }

  /** Makes room for so many more bytes. */
  #reserve(more: number): void {
    if (this.count * PLACE_BYTES + this.#heap + this.#prefix + more <= this.bytes.length) return;
    if (WASTE_PARTS * this.#holes > this.#heap) this.#pack(this.#prefix);
    const { bytes } = this;
    const entries = this.count * PLACE_BYTES;
    const tail = this.#heap + this.#prefix;
    const needed = entries + tail + more;
    const grown = new Uint8Array(Math.max(needed, Math.min(bytes.length * GROWTH, PAGE_BYTES_MAX + this.#prefix)));
    grown.set(bytes.subarray(0, entries));
    grown.set(bytes.subarray(bytes.length - tail), grown.length - tail);
    this.bytes = grown;
  }

  /** Lays its keys anew, with `prefix` bytes in common and without the removed ones. */
  #pack(prefix: number): void {
    const packed = new Page();
    if (this.count > 0) packed.#copy(this, 0, { to: this.count, prefix });
    this.bytes = packed.bytes;
    this.#prefix = packed.#prefix;
    this.#heap = packed.#heap;
    this.#holes = 0;
  }

  /** Takes copies of the keys of another page from one place up to another. */
  #copy(source: Page, from: number, { to, prefix }: { readonly to: number; readonly prefix: number }): void {
    source.read(from, scratch);
    this.#begin(scratch, prefix, source.used * ((to - from) / source.count));
    for (let at = from; at < to; at++) {
      source.read(at, scratch);
      this.#add(at - from, scratch);
    }
  }
}
