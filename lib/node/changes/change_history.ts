/** The last entries of the log with what they changed, in rings that grow up to a bound and are then written over. */

import { assert } from "../../base/assert.ts";
import { bytesToString } from "../../base/bytes.ts";
import type { Change } from "../../kv/change.ts";
import { ChangeReader, unpackChanges } from "../../kv/change_recorder.ts";
import { decodeCommand } from "../../kv/commands.ts";
import { PlainPut } from "../../kv/plain_put.ts";
import type { KeyRecord } from "../../kv/key_record.ts";
import type { RecordView } from "../../store/record.ts";
import { Span } from "../../store/span.ts";
import type { RevisionChanges } from "./changes.ts";

/** Entries of the log whose changes are kept unless it is said otherwise, those that changed nothing included. */
export const CHANGE_HISTORY_ENTRIES_MAX = 65_536;
/** Bytes of commands, and of the keys and values that they made and replaced, kept for that unless it is said otherwise. */
export const CHANGE_HISTORY_BYTES_MAX = 67_108_864;
/** Entries that a history has room for at first. A power of two. */
const FIRST_CAPACITY = 1_024;

/**
 * Numbers kept of an entry: its bytes, where they begin, and, of a Put, the bytes of its command, behind which lies the value that it
 * replaced, and what its key was before.
 */
const NUMBERS = 6;
const BYTES = 0;
const START = 1;
const PREVIOUS_REVISION = 2;
const CREATE_REVISION = 3;
const VERSION = 4;
/** 0 for an entry that is no Put. */
const COMMAND_BYTES = 5;

/** Entries share buffers of this length; one that is longer than a part of it gets its own. */
const BUFFER_BYTES = 65_536;
const SHARED_BYTES_MAX = 4_096;

/** The buffer of a Put as the log has it with the value that it replaced, or of packed changes: changes are made when they are read. */
type Content = Uint8Array | undefined;

/** A change of a key: the entry of a plain Put, or the change itself. */
export type FirstChange = number | Change;

/** How much is kept; the usual numbers where they are left out. */
export interface HistoryLimits {
  readonly entriesMax?: number | undefined;
  readonly bytesMax?: number | undefined;
}

/**
 * A queue of entries without gaps, newest last.
 *
 * Invariants: the slot of the newest is `#head`, that of an older one as many before it as it is older; `#bytes` is the sum of
 * theirs; slots that are not in use hold no content.
 */
export class ChangeHistory {
  #contents: Content[] = new Array<Content>(FIRST_CAPACITY).fill(undefined);
  #numbers = new Float64Array(FIRST_CAPACITY * NUMBERS);
  #capacity = FIRST_CAPACITY;
  #head = FIRST_CAPACITY - 1;
  #count = 0;
  #bytes = 0;
  #newest: number;
  /** Where the next entry is copied to. */
  #buffer = new Uint8Array(0);
  #used = 0;
  /** What `#goTo` has found. */
  readonly #entry = new Span();
  /** The buffers before it, oldest first, each with the last entry that may lie in it. */
  readonly #filled: { readonly buffer: Uint8Array<ArrayBuffer>; readonly last: number }[] = [];

  readonly #entriesMax: number;
  readonly #bytesMax: number;

  /** Begins behind entry `revision`. */
  constructor(
    revision: number,
    { entriesMax = CHANGE_HISTORY_ENTRIES_MAX, bytesMax = CHANGE_HISTORY_BYTES_MAX }: HistoryLimits = {},
  ) {
    this.#newest = revision;
    this.#entriesMax = entriesMax;
    this.#bytesMax = bytesMax;
  }

  /** Bytes of the entries that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The last entry that was added or jumped to. */
  get newest(): number {
    return this.#newest;
  }

  /** The entry before the first one that is kept. */
  get oldest(): number {
    return this.#newest - this.#count;
  }

  /** Adds a plain Put. Called for every write of a busy node: it makes no object, but copies the bytes. */
  addPut(command: Span, before: RecordView | undefined): void {
    const { length } = command;
    const replaced = before?.value;
    const bytes = replaced === undefined ? length : length + replaced.length;
    const isShared = this.#makeRoom(bytes);
    const buffer = isShared ? this.#buffer : new Uint8Array(bytes);
    const start = isShared ? this.#used : 0;
    command.copyTo(buffer, start);
    if (replaced !== undefined) replaced.copyTo(buffer, start + length);
    if (isShared) this.#used += bytes;
    this.#advance(buffer, bytes);
    const at = this.#head * NUMBERS;
    const numbers = this.#numbers;
    numbers[at + START] = start;
    numbers[at + COMMAND_BYTES] = length;
    if (before === undefined) {
      numbers[at + PREVIOUS_REVISION] = 0;
      return;
    }
    numbers[at + PREVIOUS_REVISION] = before.revision;
    numbers[at + CREATE_REVISION] = before.createRevision;
    numbers[at + VERSION] = before.version + 1;
  }

  /** Adds any other entry, whose changes are packed. Copies the bytes. */
  add(changes: Span): void {
    const { length } = changes;
    if (length === 0) return this.#advance(undefined, 0);
    const isShared = this.#makeRoom(length);
    const start = isShared ? this.#used : 0;
    if (isShared) changes.copyTo(this.#buffer, start);
    if (isShared) this.#used += length;
    this.#advance(isShared ? this.#buffer : changes.copy(), length);
    const at = this.#head * NUMBERS;
    this.#numbers[at + START] = start;
    this.#numbers[at + COMMAND_BYTES] = 0;
  }

  /** Forgets everything; the next entry is the one behind `revision`. */
  restart(revision: number): void {
    while (this.#count > 0) this.#dropOldest();
    this.#newest = revision;
    this.#filled.length = 0;
  }

  /** What was changed behind `revision`, which is not older than `oldest`. */
  *after(revision: number): Iterable<RevisionChanges> {
    assert(revision >= this.oldest, "Cannot tell of changes: they are not kept any more");
    for (let at = revision + 1; at <= this.#newest; at++) {
      const changes = this.#goTo(at) ? [this.#putOf(at)] : unpackChanges(this.#entry);
      if (changes.length > 0) yield { revision: at, changes };
    }
  }

  /**
   * The entries that changed a key, newest first, of those that are kept. `revision` is that of its record now, undefined when it has
   * none. Reads no values: each change of a key knows the one before, so that the rest is passed over but where the key was not there.
   */
  *revisionsOf(key: string, revision: number | undefined): Iterable<number> {
    let behind = this.#newest + 1;
    for (let at = revision ?? this.#lastRemoval(key, behind); at !== undefined && at > this.oldest;) {
      yield at;
      behind = at;
      at = this.#previousRevision(key, at) ?? this.#lastRemoval(key, behind);
    }
  }

  /**
   * The keys with a prefix that were changed behind `revision`, which is not older than `oldest`, each with the first entry that did; in no
   * order, and no more than `countMax` and one. Goes once through what was changed since then.
   */
  firstChangesBehind(
    revision: number,
    { prefix, countMax }: { readonly prefix: string; readonly countMax: number },
  ): ReadonlyMap<string, FirstChange> {
    assert(revision >= this.oldest, "Cannot tell of changes: they are not kept any more");
    const keys = new Map<string, FirstChange>();
    const put = new PlainPut();
    const reader = new ChangeReader();
    for (let at = revision + 1; at <= this.#newest && keys.size <= countMax; at++) {
      if (this.#goTo(at)) {
        assert(put.read(this.#entry), "Cannot tell of a change: the command is no plain Put");
        const key = keyWith(prefix, put.key);
        if (key !== undefined && !keys.has(key)) keys.set(key, at);
        continue;
      }
      for (reader.begin(this.#entry); reader.next();) {
        const key = reader.isChange ? keyWith(prefix, reader.key) : undefined;
        if (key !== undefined && !keys.has(key)) keys.set(key, reader.change());
      }
    }
    return keys;
  }

  /** What a key was before a change that `firstChangesBehind` told of in this turn. */
  beforeChange(first: FirstChange): KeyRecord | undefined {
    return typeof first === "number" ? this.#putOf(first).previous : first.previous;
  }

  /** What entry `revision` did to a key that it changed, by `revisionsOf`. */
  changeOf(key: string, revision: number): Change {
    const change = this.#goTo(revision) ? this.#putOf(revision) : this.#packedChangeOf(key);
    assert(change?.key === key, "Cannot tell of a change: the entry did not change the key");
    return change;
  }

  /** The last entry before `behind` that removed a key. */
  #lastRemoval(key: string, behind: number): number | undefined {
    const reader = new ChangeReader();
    for (let at = behind - 1; at > this.oldest; at--) {
      if (this.#goTo(at)) continue;
      for (reader.begin(this.#entry); reader.next();) if (reader.isRemoval && isKey(key, reader.key)) return at;
    }
    return undefined;
  }

  /** Revision of what the entry replaced; undefined where the key was not there. */
  #previousRevision(key: string, revision: number): number | undefined {
    if (!this.#goTo(revision)) return this.#packedChangeOf(key)?.previousRevision;
    const previous = this.#numbers[this.#slotOf(revision) * NUMBERS + PREVIOUS_REVISION] ?? 0;
    return previous === 0 ? undefined : previous;
  }

  /** What the entry that `#goTo` has found, which is no Put, did to a key. */
  #packedChangeOf(key: string): Change | undefined {
    for (const reader = new ChangeReader().begin(this.#entry); reader.next();) {
      if (reader.isChange && isKey(key, reader.key)) return reader.change();
    }
    return undefined;
  }

  /** Lets `#entry` name the bytes of an entry: the command of a Put, else the packed changes. Whether it is a Put. */
  #goTo(revision: number): boolean {
    const slot = this.#slotOf(revision);
    const content = this.#contents[slot];
    if (content === undefined) this.#entry.end = this.#entry.start;
    if (content === undefined) return false;
    const start = this.#numbers[slot * NUMBERS + START] ?? 0;
    const commandBytes = this.#numbers[slot * NUMBERS + COMMAND_BYTES] ?? 0;
    const isPut = commandBytes > 0;
    this.#entry.set(content, start, start + (isPut ? commandBytes : this.#numbers[slot * NUMBERS + BYTES] ?? 0));
    return isPut;
  }

  /** The change of a Put. */
  #putOf(revision: number): Change {
    const slot = this.#slotOf(revision);
    const buffer = this.#contents[slot] ?? this.#buffer;
    const numbers = this.#numbers.subarray(slot * NUMBERS, (slot + 1) * NUMBERS);
    const [bytes = 0, start = 0, previous = 0, create = 0, version = 0, length = 0] = numbers;
    const put = decodeCommand(bytesToString(buffer, start, start + length))?.command;
    assert(put?.type === "Put", "Cannot tell of a change: the command is no plain Put");
    const previousRevision = previous === 0 ? undefined : previous;
    const own = previous === 0 ? { createRevision: revision, version: 1 } : { createRevision: create, version };
    return {
      type: "Put",
      key: put.key,
      record: { value: put.value, ...own, revision, expiresAt: undefined },
      previousRevision,
      // Those who watch need no more than its revision.
      get previous(): KeyRecord | undefined {
        if (previousRevision === undefined) return undefined;
        const value = bytesToString(buffer, start + length, start + bytes);
        return { value, createRevision: create, revision: previous, version: version - 1, expiresAt: undefined };
      },
    };
  }

  /** Whether an entry of so many bytes goes into the shared buffer, which has room for it then. */
  #makeRoom(bytes: number): boolean {
    const isShared = bytes <= SHARED_BYTES_MAX;
    if (!isShared) this.#releaseBuffers(0);
    else if (this.#used + bytes > this.#buffer.length) this.#takeBuffer();
    return isShared;
  }

  /** The next shared buffer: one whose entries are all forgotten, or a new one. */
  #takeBuffer(): void {
    if (this.#buffer.length > 0) this.#filled.push({ buffer: this.#buffer, last: this.#newest });
    this.#releaseBuffers(1);
    const [first] = this.#filled;
    const isFree = first !== undefined && first.last <= this.oldest;
    if (isFree) this.#filled.shift();
    this.#buffer = isFree ? first.buffer : new Uint8Array(BUFFER_BYTES);
    this.#used = 0;
  }

  /** Lets go of buffers whose entries are all forgotten, but for so many of them. */
  #releaseBuffers(kept: number): void {
    for (let next = this.#filled[kept]; next !== undefined && next.last <= this.oldest; next = this.#filled[kept]) {
      this.#filled.shift();
    }
  }

  #slotOf(revision: number): number {
    return (this.#head - (this.#newest - revision) + this.#capacity) & (this.#capacity - 1);
  }

  #advance(content: Content, bytes: number): void {
    if (this.#count === this.#capacity && this.#capacity < this.#entriesMax) this.#grow();
    else if (this.#count === this.#entriesMax && this.#count < this.#capacity) this.#dropOldest();
    const head = (this.#head + 1) & (this.#capacity - 1);
    const at = head * NUMBERS;
    // With every slot in use the next one is that of the oldest entry, which is forgotten by being written over.
    if (this.#count === this.#capacity) this.#bytes -= this.#numbers[at + BYTES] ?? 0;
    else this.#count += 1;
    this.#head = head;
    this.#newest += 1;
    this.#contents[head] = content;
    this.#numbers[at + BYTES] = bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  #grow(): void {
    // All slots are in use: in order they begin behind the head.
    const first = (this.#head + 1) & (this.#capacity - 1);
    const contents = [...this.#contents.slice(first), ...this.#contents.slice(0, first)];
    const numbers = new Float64Array(this.#numbers.length * 2);
    numbers.set(this.#numbers.subarray(first * NUMBERS));
    numbers.set(this.#numbers.subarray(0, first * NUMBERS), (this.#capacity - first) * NUMBERS);
    this.#head = this.#capacity - 1;
    this.#capacity *= 2;
    this.#contents = new Array<Content>(this.#capacity).fill(undefined);
    for (const [slot, content] of contents.entries()) this.#contents[slot] = content;
    this.#numbers = numbers;
  }

  #dropOldest(): void {
    const slot = this.#slotOf(this.oldest + 1);
    this.#contents[slot] = undefined;
    this.#bytes -= this.#numbers[slot * NUMBERS + BYTES] ?? 0;
    this.#count -= 1;
  }
}

function textOf({ bytes, start, end }: Span): string {
  return bytesToString(bytes, start, end);
}

function isKey(key: string, bytes: Span): boolean {
  return key.length === bytes.length && key === textOf(bytes);
}

/** The key that the bytes are, when it begins with a prefix. */
function keyWith(prefix: string, { bytes, start, end }: Span): string | undefined {
  if (bytesToString(bytes, start, Math.min(end, start + prefix.length)) !== prefix) return undefined;
  return bytesToString(bytes, start, end);
}
