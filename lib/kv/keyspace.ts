/** The keys: point lookups, byte order, and what expires when. */

import { ShardedMap } from "../base/sharded_map.ts";
import { type Cell, type KeyRecord, recordOf } from "./cell.ts";
import { CLEARED_KEYS_TOLD_MAX } from "./change.ts";
import type { ChangeRecorder } from "./change_recorder.ts";
import { Deadlines } from "./deadlines.ts";
import { KeyIndex } from "./key_index.ts";
import { KeyList } from "./key_list.ts";

/** Bytes of a random place behind the one where the keys part. */
const RANDOM_BYTES = 3;
const BYTES = 256;

/** How a value is stored. */
export interface StoreOptions {
  /** Log index of the entry that stores it. */
  readonly revision: number;
  /** When the key expires; undefined for never, "Keep" for what is so far. */
  readonly expiresAt: number | undefined | "Keep";
}

/** How a deadline is changed. */
export interface DeadlineOptions {
  /** Undefined for never. */
  readonly expiresAt: number | undefined;
  /** Log index of the entry that changes it. */
  readonly revision: number;
}

/** Draws of a random key before the first one is taken: 100 expired keys in a row mean that hardly any other is left. */
const RANDOM_DRAWS_MAX = 100;

/**
 * Every key with its cell.
 *
 * Invariants: map and index lead to the same cells, and the list has their keys; `bytes` is the sum of the lengths of keys and values; a cell's deadline is
 * in the queue; `beforeChange` is told of a cell before it changes, `recorder` of every key before it is made, changed or
 * removed, but by `create` and `replace`, whose caller tells it. A cell whose deadline has come counts as absent although
 * it is swept later, so that a sweep of many takes no longer than its share of an entry.
 */
export class Keyspace {
  #cells = new ShardedMap<Cell>();
  #index = new KeyIndex<Cell>();
  #list = new KeyList();
  #deadlines = new Deadlines();
  #bytes = 0;
  #timeMs = 0;
  /** The time by which a key counts as there: that of the log, or for a read what it was told. */
  #judgedMs = 0;
  /** Told of a cell before it changes; for a snapshot that is being taken. */
  beforeChange: ((cell: Cell) => void) | undefined;
  /** Told of every key that an entry touches; for those who watch. */
  recorder: ChangeRecorder | undefined;

  /** Number of keys, those included that have expired and are not swept yet. */
  get size(): number {
    return this.#cells.size;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The cluster's time, from the log. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** Keys that have a deadline. */
  get expiring(): number {
    return this.#deadlines.size;
  }

  /** The earliest deadline of a key. */
  get nextDeadline(): number | undefined {
    return this.#deadlines.first?.at;
  }

  /** The cell of a key that is there; a view of the present, to be read at once and never changed. */
  get(key: string): Readonly<Cell> | undefined {
    const cell = this.#cells.get(key);
    return cell === undefined || this.#isDue(cell) ? undefined : cell;
  }

  /** The cell of a key, also of one that has expired and is not swept yet; never to be changed. */
  peek(key: string): Readonly<Cell> | undefined {
    return this.#cells.get(key);
  }

  /** Stores a value; whether the key is new. */
  put(key: string, value: string, options: StoreOptions): boolean {
    const cell = this.#cells.get(key);
    this.#touch(key, cell);
    if (cell === undefined) {
      this.#add(ownCopy(key), { value, ...firstVersion(options) });
      if (typeof options.expiresAt === "number") this.#expire(key, options.expiresAt);
      return true;
    }
    const created = this.#isDue(cell);
    this.beforeChange?.(cell);
    this.#bytes += value.length - cell.value.length;
    cell.value = value;
    cell.revision = options.revision;
    cell.version = created ? 1 : cell.version + 1;
    if (created) cell.createRevision = options.revision;
    if (created || options.expiresAt !== "Keep") this.#setDeadline(cell, { key, at: options.expiresAt });
    return created;
  }

  /** Makes a key that `peek` does not know, without a deadline. Half of the most frequent write of all. */
  create(key: string, { value, revision }: Pick<KeyRecord, "value" | "revision">): void {
    this.#add(ownCopy(key), { value, createRevision: revision, revision, version: 1 });
  }

  /** Stores a value in a cell that `peek` gave and that has no deadline. The other half. */
  replace(cell: Readonly<Cell>, { value, revision }: Pick<KeyRecord, "value" | "revision">): void {
    // The caller has it as read-only: changes of cells are made here alone.
    const own: Cell = cell;
    if (this.beforeChange !== undefined) this.beforeChange(own);
    this.#bytes += value.length - own.value.length;
    own.value = value;
    own.revision = revision;
    own.version += 1;
  }

  /** Sets or takes away the deadline of a key that is there. */
  expire(key: string, { expiresAt, revision }: DeadlineOptions): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) return;
    this.#touch(key, cell);
    this.beforeChange?.(cell);
    cell.revision = revision;
    cell.version += 1;
    this.#setDeadline(cell, { key, at: expiresAt });
  }

  /** Removes a key; whether it was there. */
  remove(key: string): boolean {
    const cell = this.#cells.get(key);
    if (cell === undefined) return false;
    this.#touch(key, cell);
    const existed = !this.#isDue(cell);
    // A snapshot keeps the cell through its own clone of the index, and nothing changes the cell any more.
    if (cell.deadline !== undefined) this.#deadlines.remove(cell.deadline);
    this.#cells.delete(key);
    this.#index.delete(key);
    this.#unlist(cell);
    this.#bytes -= key.length + cell.value.length;
    return existed;
  }

  /** Removes every key. */
  clear(): void {
    if (this.recorder !== undefined && this.size > CLEARED_KEYS_TOLD_MAX) this.recorder.tooMany();
    else if (this.recorder !== undefined) { for (const [key, cell] of this.#index.entries()) this.#touch(key, cell); }
    this.#cells = new ShardedMap();
    this.#index = new KeyIndex();
    this.#list = new KeyList();
    this.#deadlines = new Deadlines();
    this.#bytes = 0;
  }

  /** Moves the time on, never back. */
  advance(timeMs: number): void {
    if (timeMs > this.#timeMs) this.#timeMs = timeMs;
    this.#judgedMs = this.#timeMs;
  }

  /** What follows is an entry: it is judged by the time of the log. */
  judgeByLog(): void {
    this.#judgedMs = this.#timeMs;
  }

  /** What follows is a read, judged by a time at or after that of the log. */
  judgeBy(timeMs: number): void {
    this.#judgedMs = timeMs;
  }

  /** Removes keys whose deadline has come, at most `countMax`, the earliest first. */
  sweep(countMax: number): number {
    let count = 0;
    for (; count < countMax; count++) {
      const { first } = this.#deadlines;
      if (first === undefined || first.at > this.#timeMs) break;
      this.remove(first.key);
    }
    return count;
  }

  /** Keys that are there, with their cells, in byte order from `start` on. Nothing may change meanwhile. */
  *entries(start?: string): Iterable<readonly [string, Readonly<Cell>]> {
    for (const entry of this.#index.entries(start)) if (!this.#isDue(entry[1])) yield entry;
  }

  /**
   * A key that is there, each equally likely; undefined when there is none. For reads alone: the places of the keys are as
   * they came to this node, by entries or by a snapshot, so that another node draws another key. After many draws of keys that have expired and
   * are not swept yet it is the first one in byte order.
   */
  randomKey(random: () => number): string | undefined {
    for (let draw = 0; draw < RANDOM_DRAWS_MAX && this.#list.size > 0; draw++) {
      const key = this.#list.at(Math.floor(random() * this.#list.size));
      if (key !== undefined && this.get(key) !== undefined) return key;
    }
    for (const [key] of this.entries()) return key;
    return undefined;
  }

  /** A place in byte order between the first key and the last: the beginning that both have, and random bytes behind it. */
  randomPlace(random: () => number): string {
    const first = this.#index.firstKey ?? "";
    const last = this.#index.lastKey ?? "";
    let length = 0;
    while (length < first.length && first.charCodeAt(length) === last.charCodeAt(length)) length += 1;
    // Where the keys part, a byte beyond those of both would lead to the first key again and again.
    const low = first.length > length ? first.charCodeAt(length) : 0;
    const high = last.length > length ? last.charCodeAt(length) : 0;
    let place = first.slice(0, length) + String.fromCharCode(low + Math.floor(random() * (high - low + 1)));
    while (place.length <= length + RANDOM_BYTES) place += String.fromCharCode(Math.floor(random() * BYTES));
    return place;
  }

  /** The ordered index as it is now, in constant time: later changes do not reach the copy. */
  cloneIndex(): KeyIndex<Cell> {
    return new KeyIndex(this.#index);
  }

  /** For loading a snapshot: keys come in ascending order, each once. */
  load(key: string, { value, createRevision, revision, version, expiresAt }: KeyRecord): void {
    this.#add(key, { value, createRevision, revision, version });
    if (expiresAt !== undefined) this.#expire(key, expiresAt);
  }

  /** A copy of what is known of a key that is there. */
  record(key: string): KeyRecord | undefined {
    const cell = this.get(key);
    return cell === undefined ? undefined : recordOf(cell);
  }

  #touch(key: string, cell: Cell | undefined): void {
    if (this.recorder === undefined) return;
    const found = cell === undefined ? undefined : { revision: cell.revision, isDue: this.#isDue(cell) };
    this.recorder.touch(key, found);
  }

  #add(key: string, made: Omit<Cell, "deadline" | "place">): void {
    const { value, createRevision, revision, version } = made;
    const place = this.#list.add(key);
    const cell: Cell = { value, createRevision, revision, version, deadline: undefined, place };
    this.#cells.set(key, cell);
    this.#index.set(key, cell);
    this.#bytes += key.length + cell.value.length;
  }

  #unlist({ place }: Cell): void {
    const moved = this.#list.remove(place);
    const cell = moved === undefined ? undefined : this.#cells.get(moved);
    if (cell !== undefined) cell.place = place;
  }

  #expire(key: string, at: number): void {
    const cell = this.#cells.get(key);
    if (cell !== undefined) cell.deadline = this.#deadlines.add(key, at);
  }

  #setDeadline(
    cell: Cell,
    { key, at }: { readonly key: string; readonly at: StoreOptions["expiresAt"] },
  ): void {
    if (cell.deadline !== undefined) this.#deadlines.remove(cell.deadline);
    cell.deadline = typeof at === "number" ? this.#deadlines.add(key, at) : undefined;
  }

  #isDue({ deadline }: Cell): boolean {
    return deadline !== undefined && deadline.at <= this.#judgedMs;
  }
}

/**
 * The same key as a string of its own. A part of a longer string keeps all of that in memory as long as it lives: here the
 * command that made the key, with a value that may be long gone. Joining is what makes a copy.
 */
function ownCopy(key: string): string {
  return [key.slice(0, 1), key.slice(1)].join("");
}

function firstVersion({ revision }: StoreOptions): Pick<Cell, "createRevision" | "revision" | "version"> {
  return { createRevision: revision, revision, version: 1 };
}
