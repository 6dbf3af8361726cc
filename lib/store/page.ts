/** Sorted keys in one buffer, without the beginning that they have in common. */

import { KeyBuffer, type Span } from "./span.ts";

/** A page is split when its keys would take more than this, unless there is only one. */
export const PAGE_BYTES_MAX = 4_096;
const BYTES_MIN = 64;
const GROWTH = 1.5;
/** Where a key is added behind the others: a page whose keys come in order will be full. */
const APPENDED_GROWTH = 4;
/** A page is packed again when this part of its bytes is unused. */
const WASTE_PARTS = 4;
/** Bytes of what stands of each key at the beginning of a page, in their order. */
export const ENTRY_BYTES = 8;
const HEAD_BYTES = 4;
/** In an entry: a length of one byte above a place of three; a longer length is this one, and stands before the tail. */
const PLACE_MASK = 0xff_ff_ff;
const LENGTH_SHIFT = 24;
const LONG = 0xff;
const LENGTH_BYTES = 4;
/** Up to this length a loop beats `set`. */
const LOOP_BYTES_MAX = 64;

const scratch = new KeyBuffer();
const other = new KeyBuffer();

/**
 * Keys in byte order. What all of them begin with stands once, at the end of the buffer. At its beginning each key has an entry of two words, in
 * order: the next four bytes of the key, the first one highest, so that most comparisons are one of numbers; and where its tail, all that
 * follows, lies. Tails grow downwards from the common beginning; places count back from there, so that they hold when the buffer grows.
 *
 * In a page of a tree that is no leaf, the keys part the `children`: child `n` has what comes before key `n`.
 */
export class Page {
  bytes = new Uint8Array(BYTES_MIN);
  #words = new Uint32Array(this.bytes.buffer);
  count = 0;
  /** Keys in the leaves below; of a leaf, its own. */
  total = 0;
  children: Page[] | undefined = undefined;
  /** Leaves are linked in the order of their keys. */
  previous: Page | undefined = undefined;
  next: Page | undefined = undefined;
  /** Bytes of the common beginning, of all tails, and those of them that belong to removed keys. */
  #prefix = 0;
  #heap = 0;
  #holes = 0;

  /** Bytes that the keys take. */
  get used(): number {
    return this.count * ENTRY_BYTES + this.#heap - this.#holes + this.#prefix;
  }

  /** The place of a key: `n` when key `n` equals it, `~n` when it belongs before key `n`. */
  find(key: Span): number {
    const { bytes, start, end } = key;
    const own = this.bytes;
    let from = start;
    for (let at = own.length - this.#prefix; at < own.length; at++, from++) {
      if (from === end) return ~0;
      const difference = (bytes[from] ?? 0) - (own[at] ?? 0);
      if (difference !== 0) return difference < 0 ? ~0 : ~this.count;
    }
    const head = headOf(bytes, from, end);
    const words = this.#words;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const own = words[2 * middle] ?? 0;
      const difference = own === head ? this.#compareTail(middle, key) : own < head ? -1 : 1;
      if (difference === 0) return middle;
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return ~low;
  }

  /** Whether the last key here comes before another one; false without keys. */
  endsBefore(key: Span): boolean {
    const last = this.count - 1;
    if (last < 0) return false;
    const { bytes, start, end } = key;
    const own = this.bytes;
    let from = start;
    for (let at = own.length - this.#prefix; at < own.length; at++, from++) {
      const difference = from === end ? -1 : (bytes[from] ?? 0) - (own[at] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    const head = headOf(bytes, from, end);
    const lastHead = this.#words[2 * last] ?? 0;
    return lastHead === head ? this.#compareTail(last, key) < 0 : lastHead < head;
  }

  /** Writes key `at` into a buffer. */
  read(at: number, into: KeyBuffer): void {
    const prefix = this.#prefix;
    const length = this.#lengthOf(at);
    into.resize(prefix + length);
    const base = this.bytes.length - prefix;
    const { bytes } = into;
    for (let offset = 0; offset < prefix; offset++) bytes[offset] = this.bytes[base + offset] ?? 0;
    const head = this.#words[2 * at] ?? 0;
    for (let offset = 0; offset < length && offset < HEAD_BYTES; offset++) {
      bytes[prefix + offset] = head >>> (24 - 8 * offset);
    }
    const tail = this.#tailOf(at);
    for (let offset = HEAD_BYTES; offset < length; offset++) bytes[prefix + offset] = this.bytes[tail + offset] ?? 0;
  }

  /** Whether the page stays within `PAGE_BYTES_MAX` with a further key at place `at`. */
  hasRoom(at: number, key: Span): boolean {
    if (this.count === 0) return true;
    const common = this.#commonWith(at, key);
    // What is no longer common may go to the tails.
    const tails = this.#heap - this.#holes + (this.#prefix - common) * this.count + tailBytes(key.length - common);
    return (this.count + 1) * ENTRY_BYTES + tails <= PAGE_BYTES_MAX;
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
    this.#holes += tailBytes(this.#lengthOf(at));
    this.#words.copyWithin(2 * at, 2 * at + 2, 2 * this.count);
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

  /** Bytes of key `at` behind the common beginning. */
  #lengthOf(at: number): number {
    const entry = this.#words[2 * at + 1] ?? 0;
    const length = entry >>> LENGTH_SHIFT;
    if (length < LONG) return length;
    const from = this.bytes.length - this.#prefix - (entry & PLACE_MASK);
    const { bytes } = this;
    return (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8) | ((bytes[from + 2] ?? 0) << 16);
  }

  /** Where key `at` would begin behind the common beginning, if its head stood before its tail. */
  #tailOf(at: number): number {
    const entry = this.#words[2 * at + 1] ?? 0;
    const from = this.bytes.length - this.#prefix - (entry & PLACE_MASK);
    return from - HEAD_BYTES + (entry >>> LENGTH_SHIFT === LONG ? LENGTH_BYTES : 0);
  }

  /** Compares key `at` with one that begins like it as far as the head goes. */
  #compareTail(at: number, { bytes, start, end }: Span): number {
    const from = start + this.#prefix;
    const length = this.#lengthOf(at);
    const shorter = Math.min(length, end - from);
    const tail = this.#tailOf(at);
    for (let offset = HEAD_BYTES; offset < shorter; offset++) {
      const difference = (this.bytes[tail + offset] ?? 0) - (bytes[from + offset] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - (end - from);
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
    this.read(from, scratch);
    this.read(to - 1, other);
    const length = Math.min(scratch.length, other.length);
    let common = this.#prefix;
    while (common < length && scratch.bytes[common] === other.bytes[common]) common++;
    return common;
  }

  /** Empties the page; keys to come have the first `prefix` bytes of `key` in common. */
  #begin(key: Span, prefix: number, bytes = 0): void {
    this.#setBytes(new Uint8Array(aligned(Math.max(BYTES_MIN, prefix + ENTRY_BYTES, bytes))));
    this.count = 0;
    this.#prefix = prefix;
    this.#heap = 0;
    this.#holes = 0;
    const base = this.bytes.length - prefix;
    for (let offset = 0; offset < prefix; offset++) this.bytes[base + offset] = key.bytes[key.start + offset] ?? 0;
  }

  /** Adds a key that has the common beginning. */
  #add(at: number, key: Span): void {
    const from = key.start + this.#prefix;
    const length = key.end - from;
    const tail = tailBytes(length);
    this.#reserve(ENTRY_BYTES + tail, at === this.count ? APPENDED_GROWTH : GROWTH);
    this.#heap += tail;
    const { bytes } = this;
    let place = bytes.length - this.#prefix - this.#heap;
    if (length >= LONG) {
      bytes[place++] = length;
      bytes[place++] = length >>> 8;
      bytes[place++] = length >>> 16;
      place++;
    }
    const rest = length - HEAD_BYTES;
    if (rest > LOOP_BYTES_MAX) bytes.set(key.bytes.subarray(from + HEAD_BYTES, key.end), place);
    else {for (let offset = 0; offset < rest; offset++) {
        bytes[place + offset] = key.bytes[from + HEAD_BYTES + offset] ?? 0;
      }}
    const words = this.#words;
    if (at < this.count) words.copyWithin(2 * at + 2, 2 * at, 2 * this.count);
    words[2 * at] = headOf(key.bytes, from, key.end);
    words[2 * at + 1] = (Math.min(length, LONG) << LENGTH_SHIFT) | this.#heap;
    this.count += 1;
  }

  /** Makes room for so many more bytes. */
  #reserve(more: number, growth: number): void {
    if (this.count * ENTRY_BYTES + this.#heap + this.#prefix + more <= this.bytes.length) return;
    if (WASTE_PARTS * this.#holes > this.#heap) this.#pack(this.#prefix);
    const { bytes } = this;
    const entries = this.count * ENTRY_BYTES;
    const tail = this.#heap + this.#prefix;
    const length = Math.min(bytes.length * growth, PAGE_BYTES_MAX + this.#prefix);
    const grown = new Uint8Array(aligned(Math.max(entries + tail + more, length)));
    grown.set(bytes.subarray(0, entries));
    grown.set(bytes.subarray(bytes.length - tail), grown.length - tail);
    this.#setBytes(grown);
  }

  #setBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
  }

  /** Lays its keys anew, with `prefix` bytes in common and without the removed ones. */
  #pack(prefix: number): void {
    const packed = new Page();
    if (this.count > 0) packed.#copy(this, 0, { to: this.count, prefix });
    this.bytes = packed.bytes;
    this.#words = packed.#words;
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

/** The first four bytes, the first one highest, filled up with zeros. */
function headOf(bytes: Uint8Array, from: number, end = bytes.length): number {
  if (end - from >= HEAD_BYTES) {
    return (((bytes[from] ?? 0) << 24) | ((bytes[from + 1] ?? 0) << 16) | ((bytes[from + 2] ?? 0) << 8) |
      (bytes[from + 3] ?? 0)) >>> 0;
  }
  let head = 0;
  for (let at = from; at < end; at++) head |= (bytes[at] ?? 0) << (24 - 8 * (at - from));
  return head >>> 0;
}

/** Bytes in the heap of a key that has so many behind the common beginning. */
function tailBytes(length: number): number {
  return Math.max(0, length - HEAD_BYTES) + (length < LONG ? 0 : LENGTH_BYTES);
}

/** Buffers are viewed as words. */
function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}
