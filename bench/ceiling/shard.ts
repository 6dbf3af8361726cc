/**
 * One part of the byte store: a slab of records and an open-addressing table that finds them. A few hundred KiB at a million
 * keys, so that growing one takes well under a millisecond.
 *
 * A record is aligned to 8 bytes: hash, key length, value length, room for the value (32 bits each); revision, create
 * revision, deadline (64-bit floats); version, unused (32 bits each); then the key, and the value with its room.
 */

import { copyBytes } from "./bytes.ts";

/** Bytes of a record before its key. */
export const HEAD_BYTES = 48;

const SLAB_BYTES_FIRST = 1_024;
const SLOTS_FIRST = 8;
/** Offsets within a record, in units of 4 and of 8 bytes. */
const KEY_BYTES_WORD = 1;
const VALUE_BYTES_WORD = 2;
const ROOM_WORD = 3;
const VERSION_WORD = 10;
const REVISION_DOUBLE = 2;
const CREATE_REVISION_DOUBLE = 3;
const DEADLINE_DOUBLE = 4;

/** What a record is made of: key and value are parts of `source`. One object is used again for all of them. */
export interface Write {
  source: Uint8Array;
  keyStart: number;
  keyBytes: number;
  valueStart: number;
  valueBytes: number;
  hash: number;
  revision: number;
}

/** A slab and its table. Records are named by their byte offset in the slab. */
export class Shard {
  /** Three views of one buffer; they are replaced together when it grows. */
  bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  #doubles = new Float64Array(0);
  /** Pairs of hash and place; a place counts units of 8 bytes from 1 on, and 0 is a free slot. */
  #table = new Uint32Array(2 * SLOTS_FIRST);
  #mask = SLOTS_FIRST - 1;
  #used = 0;
  /** Bytes of the slab in use. */
  top = 0;
  /** Bytes of records that have been replaced. */
  garbage = 0;

  /** The record of a key; -1 when there is none. */
  find(key: Uint8Array, start: number, length: number, hash: number): number {
    const table = this.#table;
    const mask = this.#mask;
    const words = this.#words;
    const bytes = this.bytes;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const place = table[2 * slot + 1] ?? 0;
      if (place === 0) return -1;
      if (table[2 * slot] !== hash) continue;
      const record = (place - 1) * 8;
      if (words[(record >> 2) + KEY_BYTES_WORD] !== length) continue;
      let same = 0;
      while (same < length && bytes[record + HEAD_BYTES + same] === key[start + same]) same++;
      if (same === length) return record;
    }
  }

  /** Length of a record's value. */
  valueBytes(record: number): number {
    return this.#words[(record >> 2) + VALUE_BYTES_WORD] ?? 0;
  }

  /** Gives a key that has no record its first one. */
  insert(write: Write): void {
    const record = this.#append(write);
    this.#describe(record, write.revision, write.revision, 1);
    this.#addSlot(write.hash, record);
  }

  /** Gives a record a new value: in its place when there is room, else in a new record at the top. */
  replace(record: number, write: Write): void {
    const words = this.#words;
    const word = record >> 2;
    const room = words[word + ROOM_WORD] ?? 0;
    if (write.valueBytes <= room) {
      words[word + VALUE_BYTES_WORD] = write.valueBytes;
      this.#doubles[(record >> 3) + REVISION_DOUBLE] = write.revision;
      words[word + VERSION_WORD] = (words[word + VERSION_WORD] ?? 0) + 1;
      copyBytes(write.source, write.valueStart, write.valueBytes, this.bytes, record + HEAD_BYTES + write.keyBytes);
      return;
    }
    const createRevision = this.#doubles[(record >> 3) + CREATE_REVISION_DOUBLE] ?? 0;
    const version = (words[word + VERSION_WORD] ?? 0) + 1;
    this.garbage += HEAD_BYTES + write.keyBytes + room;
    const next = this.#append(write);
    this.#describe(next, write.revision, createRevision, version);
    this.#moveSlot(write.hash, record, next);
  }

  #describe(record: number, revision: number, createRevision: number, version: number): void {
    const double = record >> 3;
    this.#doubles[double + REVISION_DOUBLE] = revision;
    this.#doubles[double + CREATE_REVISION_DOUBLE] = createRevision;
    this.#doubles[double + DEADLINE_DOUBLE] = 0;
    this.#words[(record >> 2) + VERSION_WORD] = version;
  }

  #append(write: Write): number {
    const { source, keyBytes, valueBytes } = write;
    const need = (HEAD_BYTES + keyBytes + valueBytes + 7) & ~7;
    if (this.top + need > this.bytes.length) this.#grow(need);
    const record = this.top;
    this.top += need;
    const word = record >> 2;
    this.#words[word] = write.hash;
    this.#words[word + KEY_BYTES_WORD] = keyBytes;
    this.#words[word + VALUE_BYTES_WORD] = valueBytes;
    this.#words[word + ROOM_WORD] = need - HEAD_BYTES - keyBytes;
    copyBytes(source, write.keyStart, keyBytes, this.bytes, record + HEAD_BYTES);
    copyBytes(source, write.valueStart, valueBytes, this.bytes, record + HEAD_BYTES + keyBytes);
    return record;
  }

  /** By a half. A store for use would leave out the garbage first. */
  #grow(need: number): void {
    const half = this.bytes.length + (this.bytes.length >> 1);
    const bytes = new Uint8Array((Math.max(SLAB_BYTES_FIRST, this.top + need, half) + 7) & ~7);
    bytes.set(this.bytes.subarray(0, this.top));
    this.bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
    this.#doubles = new Float64Array(bytes.buffer);
  }

  /** Fills at most three quarters of the slots. */
  #addSlot(hash: number, record: number): void {
    if (this.#used * 4 >= (this.#mask + 1) * 3) {
      const old = this.#table;
      this.#table = new Uint32Array(old.length * 2);
      this.#mask = old.length - 1;
      for (let at = 0; at < old.length; at += 2) this.#setSlot(old[at] ?? 0, old[at + 1] ?? 0);
    }
    this.#setSlot(hash, record / 8 + 1);
    this.#used += 1;
  }

  #setSlot(hash: number, place: number): void {
    if (place === 0) return;
    const table = this.#table;
    let slot = hash & this.#mask;
    while (table[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
    table[2 * slot] = hash;
    table[2 * slot + 1] = place;
  }

  #moveSlot(hash: number, from: number, to: number): void {
    const table = this.#table;
    let slot = hash & this.#mask;
    while (table[2 * slot + 1] !== from / 8 + 1) slot = (slot + 1) & this.#mask;
    table[2 * slot + 1] = to / 8 + 1;
  }
}
