/** The keys: point lookups, byte order, and what expires when. */

import { bytesToString, stringToBytes, writeString } from "../base/bytes.ts";
import type { Cut } from "../store/cut.ts";
import type { ExpectedKeys } from "../store/expected_keys.ts";
import type { Seed } from "../store/key_hash.ts";
import type { RecordView } from "../store/record.ts";
import { KeyBuffer, Span } from "../store/span.ts";
import { Store, type Write } from "../store/store.ts";
import type { Sweep } from "../store/sweep.ts";
import { CLEARED_KEYS_TOLD_MAX } from "./change.ts";
import type { ChangeRecorder } from "./change_recorder.ts";
import { type KeyRecord, recordOf } from "./key_record.ts";

/** Bytes of a random place behind the one where the keys part. */
const RANDOM_BYTES = 3;
const BYTES = 256;
/** Longer keys and values get a buffer of their own, so that none is kept for the longest that ever came. */
const BUFFER_BYTES_MAX = 65_536;
/** The only type of value so far. */
const STRING = 0;

/** How a value is stored. */
export interface StoreOptions {
  /** Log index of the entry that stores it. */
  readonly revision: number;
  /** When the key expires; left out for never, "Keep" for what is so far. */
  readonly expiresAt?: number | undefined | "Keep";
}

/** What a plain Put stores. */
export interface PlainWrite extends Pick<Write, "value" | "revision"> {
  readonly before: RecordView | undefined;
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
 * Every key with its record, as byte strings over the bytes of the store.
 *
 * `recorder` is told of every key before it is made, changed or removed, but by `putPlainly`, whose caller tells it. A key whose
 * deadline has come counts as absent although it is swept later, so that a sweep of many takes no longer than its share of an entry.
 */
export class Keyspace {
  readonly #store: Store;
  readonly #view: RecordView;
  readonly #key = new TextBuffer();
  readonly #value = new TextBuffer();
  readonly #write = { value: new Span(), revision: 0, deadline: 0, type: STRING };
  #timeMs = 0;
  /** The time by which a key counts as there: that of the log, or for a read what it was told. */
  #judgedMs = 0;
  /** Told of every key that an entry touches; for those who watch. */
  recorder: ChangeRecorder | undefined;

  /** No keys; `seed` is not to be known to clients. */
  constructor(seed: Seed) {
    this.#store = new Store({ seed });
    this.#view = this.#store.makeView();
  }

  /** Number of keys, those included that have expired and are not swept yet. */
  get size(): number {
    return this.#store.size;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#store.bytes;
  }

  /** Bytes of memory that count against a limit; see `Store`. */
  get heldBytes(): number {
    return this.#store.heldBytes;
  }

  /** Of all records; see `Store`. */
  get digest(): string {
    return this.#store.digest;
  }

  /** The cluster's time, from the log. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** Keys that have a deadline. */
  get expiring(): number {
    return this.#store.expiring;
  }

  /** The earliest deadline of a key. */
  get nextDeadline(): number | undefined {
    return this.#store.nextDeadline;
  }

  /** Looks whether the memory of the keys still holds what was written there; see `Store`. */
  get memorySweep(): Sweep {
    return this.#store.sweep;
  }

  /** Takes the keys of the next commands; see `Store`. */
  get expected(): ExpectedKeys {
    return this.#store.expected;
  }

  /** A copy of what is known of a key that is there. */
  get(key: string): KeyRecord | undefined {
    return this.has(key) ? recordOf(this.#view) : undefined;
  }

  /** A copy of the value of a key that is there. */
  value(key: string): string | undefined {
    if (!this.has(key)) return undefined;
    const { bytes, start, end } = this.#view.value;
    return bytesToString(bytes, start, end);
  }

  /** Whether a key is there. */
  has(key: string): boolean {
    return this.#find(key) && !this.#isDue(this.#view);
  }

  /** Length of the value of a key that is there. */
  valueBytes(key: string): number | undefined {
    return this.has(key) ? this.#view.valueBytes : undefined;
  }

  /** What is known of a key, also of one that has expired and is not swept yet. */
  peek(key: string): KeyRecord | undefined {
    return this.#find(key) ? recordOf(this.#view) : undefined;
  }

  /** The record of a key, also of one that has expired and is not swept yet; to be read at once. */
  look(key: Span): RecordView | undefined {
    return this.#store.find(key, this.#view) ? this.#view : undefined;
  }

  /** The value of a key that is there, where it lies. */
  valueAt(key: Span): Span | undefined {
    return this.#store.find(key, this.#view) && !this.#isDue(this.#view) ? this.#view.value : undefined;
  }

  /** Stores a value; whether the key is new. */
  put(key: string, value: string, { revision, expiresAt }: StoreOptions): boolean {
    const span = this.#key.of(key);
    const isKnown = this.#store.find(span, this.#view);
    const isThere = isKnown && !this.#isDue(this.#view);
    this.#touch(span, isKnown);
    const kept = isThere ? this.#view.deadline : 0;
    // One that is due is another key than the one that is made.
    if (isKnown && !isThere) this.#store.remove(this.#view);
    const write = this.#write;
    write.value = this.#value.of(value);
    write.revision = revision;
    write.deadline = expiresAt === "Keep" ? kept : expiresAt ?? 0;
    this.#store.put(span, write);
    return !isThere;
  }

  /** Stores a value without a deadline where `look` has just found `before`, without one too. Nobody is told: the most frequent write of all. */
  putPlainly(key: Span, { value, revision, before }: PlainWrite): void {
    const write = this.#write;
    write.value = value;
    write.revision = revision;
    write.deadline = 0;
    if (before === undefined) this.#store.put(key, write);
    else this.#store.replace(before, write);
  }

  /** Sets or takes away the deadline of a key that is there. */
  expire(key: string, { expiresAt, revision }: DeadlineOptions): void {
    const span = this.#key.of(key);
    if (!this.#store.find(span, this.#view)) return;
    this.#touch(span, true);
    this.#store.setDeadline(this.#view, { deadline: expiresAt ?? 0, revision });
  }

  /** Removes a key; whether it was there. */
  remove(key: string): boolean {
    const span = this.#key.of(key);
    if (!this.#store.find(span, this.#view)) return false;
    this.#touch(span, true);
    const existed = !this.#isDue(this.#view);
    this.#store.remove(this.#view);
    return existed;
  }

  /** Removes every key. */
  clear(): void {
    const { recorder } = this;
    if (recorder !== undefined && this.size > CLEARED_KEYS_TOLD_MAX) recorder.tooMuch();
    else if (recorder !== undefined) {
      const cursor = this.#store.makeCursor();
      for (let has = cursor.seek(this.#key.of("")); has; has = cursor.next()) {
        this.#touch(cursor.key, this.#store.find(cursor.key, this.#view));
      }
    }
    this.#store.clear();
  }

  /** Moves the time on, never back. */
  advance(timeMs: number): void {
    if (timeMs > this.#timeMs) this.#timeMs = timeMs;
    this.#judgedMs = this.#timeMs;
  }

  /** What follows is an entry: it is judged by the time of the log. */
  begin(revision: number): void {
    this.#judgedMs = this.#timeMs;
    if (this.recorder !== undefined) this.recorder.revision = revision;
  }

  /** What follows is a read, judged by a time at or after that of the log. */
  judgeBy(timeMs: number): void {
    this.#judgedMs = timeMs;
  }

  /** Removes keys whose deadline has come, at most `countMax`, the earliest first. */
  sweep(countMax: number): number {
    const due = new Span();
    let count = 0;
    for (; count < countMax && this.#store.nextDue(this.#timeMs, due); count++) {
      this.remove(bytesToString(due.bytes, due.start, due.end));
    }
    return count;
  }

  /** Keys that are there, with their records, in byte order from `start` on. Nothing may change meanwhile. */
  *entries(start = ""): Iterable<readonly [string, KeyRecord]> {
    for (const key of this.keys(start)) {
      const record = this.get(key);
      if (record !== undefined) yield [key, record];
    }
  }

  /** Keys that are there, in byte order from `start` on. Nothing may change meanwhile. */
  *keys(start = ""): Iterable<string> {
    for (const key of this.#keysFrom(start)) if (this.expiring === 0 || this.has(key)) yield key;
  }

  /**
   * A key that is there, each equally likely; undefined when there is none. After many draws of keys that have expired and
   * are not swept yet it is the first one in byte order.
   */
  randomKey(random: () => number): string | undefined {
    for (let draw = 0; draw < RANDOM_DRAWS_MAX && this.size > 0; draw++) {
      const key = this.#keyAt(Math.floor(random() * this.size));
      if (key !== undefined && this.has(key)) return key;
    }
    for (const key of this.keys()) return key;
    return undefined;
  }

  /** A place in byte order between the first key with a prefix and the last: the beginning that both have, and random bytes behind it. */
  randomPlace(random: () => number, prefix = ""): string {
    const [begin, end] = this.#ranksOf(prefix);
    if (begin === end) return prefix;
    const first = this.#keyAt(begin) ?? "";
    const last = this.#keyAt(end - 1) ?? "";
    let length = 0;
    while (length < first.length && first.charCodeAt(length) === last.charCodeAt(length)) length += 1;
    // Where the keys part, a byte beyond those of both would lead to the first key again and again.
    const low = first.length > length ? first.charCodeAt(length) : 0;
    const high = last.length > length ? last.charCodeAt(length) : 0;
    let place = first.slice(0, length) + String.fromCharCode(low + Math.floor(random() * (high - low + 1)));
    while (place.length <= length + RANDOM_BYTES) place += String.fromCharCode(Math.floor(random() * BYTES));
    return place;
  }

  /** Opens a cut of the keys as they are; see `Store`. */
  cut(revision: number): Cut {
    return this.#store.cut(revision);
  }

  /** For loading a snapshot; false when the key is there already. */
  load(
    key: Span,
    { value, createRevision, revision, version, deadline }: {
      readonly value: Span;
      readonly createRevision: number;
      readonly revision: number;
      readonly version: number;
      /** 0 for none. */
      readonly deadline: number;
    },
  ): boolean {
    return this.#store.load(key, { value, createRevision, revision, version, deadline, type: STRING });
  }

  #find(key: string): boolean {
    return this.#store.find(this.#key.of(key), this.#view);
  }

  #touch(key: Span, isKnown: boolean): void {
    const { recorder } = this;
    const view = this.#view;
    if (recorder === undefined) return;
    if (!isKnown) recorder.made(key);
    else if (this.#isDue(view)) recorder.expired(key, view);
    else recorder.found(key, view);
  }

  *#keysFrom(start: string): Iterable<string> {
    const cursor = this.#store.makeCursor();
    for (let has = cursor.seek(this.#key.of(start)); has; has = cursor.next()) {
      yield bytesToString(cursor.key.bytes, 0, cursor.key.end);
    }
  }

  /** The ranks of the keys with a prefix, the end excluded. */
  #ranksOf(prefix: string): readonly [begin: number, end: number] {
    if (prefix === "") return [0, this.size];
    const begin = this.#countWhile((key) => key < prefix);
    return [begin, this.#countWhile((key) => key < prefix || key.startsWith(prefix))];
  }

  /** How many keys `holds` is true of, which are the first ones. */
  #countWhile(holds: (key: string) => boolean): number {
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (holds(this.#keyAt(middle) ?? "")) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #keyAt(rank: number): string | undefined {
    const cursor = this.#store.makeCursor();
    return cursor.seekRank(rank) ? bytesToString(cursor.key.bytes, 0, cursor.key.end) : undefined;
  }

  #isDue({ deadline }: RecordView): boolean {
    return deadline !== 0 && deadline <= this.#judgedMs;
  }
}

/** Turns byte strings into bytes, in a buffer that is used again and again. */
class TextBuffer {
  readonly #buffer = new KeyBuffer();

  /** The bytes of `text`, until the next call. */
  of(text: string): Span {
    if (text.length > BUFFER_BYTES_MAX) return Span.of(stringToBytes(text));
    this.#buffer.resize(text.length);
    writeString(text, this.#buffer.bytes);
    return this.#buffer;
  }
}
