/**
 * What one entry does to keys, gathered as bytes: a change is made of them only when somebody looks. Numbers are little-endian.
 *
 *     0  u32  where the keys end
 *     4  for each key, in the order of first touch:
 *           0  u32  where the next key begins      12  u32  bytes of the value that was found
 *           4  u32  flags                          16  u32  where the value that was left begins
 *           8  u32  bytes of the key               20  u32  bytes of that value
 *          24  f64  of what was found: create revision, revision, version, deadline
 *          56  f64  of what was left: the same
 *          88  the key, the value that was found
 *        the values that were left
 */

import { bytesToString } from "../base/bytes.ts";
import type { RecordView } from "../store/record.ts";
import { Span } from "../store/span.ts";
import { type Change, REPLACED_BYTES_TOLD_MAX } from "./change.ts";
import type { KeyRecord } from "./key_record.ts";

const NEXT = 0;
const FLAGS = 4;
const KEY_BYTES = 8;
const FOUND_BYTES = 12;
const LEFT_AT = 16;
const LEFT_BYTES = 20;
const FOUND = 24;
const LEFT = 56;
const HEAD_BYTES = 88;
const KEYS_AT = 4;

const WAS_FOUND = 1;
/** Its deadline had come. */
const WAS_DUE = 2;
const IS_LEFT = 4;

/** A longer buffer is let go. */
const KEPT_BYTES_MAX = 65_536;

/**
 * The touched keys of one entry. `Keyspace` tells of each before it changes. One that the entry has made or changed itself, by its
 * revision, is passed over: so no value is copied twice, however often an entry changes it.
 */
export class ChangeRecorder {
  /** That of the entry. */
  revision = 0;
  readonly #look: (key: Span) => RecordView | undefined;
  #bytes = new Uint8Array(KEPT_BYTES_MAX);
  #view = new DataView(this.#bytes.buffer);
  #end = KEYS_AT;
  #valueBytes = 0;
  #isTooMuch = false;
  readonly #changes = new Span();
  readonly #key = new Span();

  /** `look` gives what a key leads to now, one that is due included. */
  constructor(look: (key: Span) => RecordView | undefined) {
    this.#look = look;
  }

  /** The entry is about to make a key. */
  made(key: Span): void {
    if (!this.#isTooMuch) this.#addKey(key, 0);
  }

  /** It is about to change or remove a key that is there. */
  found(key: Span, record: RecordView): void {
    this.#addFound(key, record);
  }

  /** The same for one whose deadline has come. */
  expired(key: Span, record: RecordView): void {
    const at = this.#addFound(key, record);
    if (at !== undefined) this.#view.setUint32(at + FLAGS, WAS_FOUND | WAS_DUE, true);
  }

  /** The entry changes more than is told one by one: forgets what was touched. */
  tooMuch(): void {
    this.#isTooMuch = true;
    this.#end = KEYS_AT;
  }

  /**
   * The changes since the last call, packed, of no length for none; undefined when they were too much. To be used before the next key
   * is touched.
   */
  take(): Span | undefined {
    const keysEnd = this.#end;
    if (keysEnd > KEYS_AT) this.#addLeft(keysEnd);
    const changes = this.#isTooMuch ? undefined : this.#changes.set(this.#bytes, 0, keysEnd > KEYS_AT ? this.#end : 0);
    this.#isTooMuch = false;
    this.#end = KEYS_AT;
    this.#valueBytes = 0;
    return changes;
  }

  /** Where the key begins; undefined when it is passed over. */
  #addFound(key: Span, record: RecordView): number | undefined {
    if (this.#isTooMuch || record.revision === this.revision) return undefined;
    const { valueBytes } = record;
    if (!this.#hasRoomFor(valueBytes)) return undefined;
    const at = this.#addKey(key, WAS_FOUND);
    this.#reserve(valueBytes);
    const value = this.#end;
    record.value.copyTo(this.#bytes, value);
    this.#end = value + valueBytes;
    this.#view.setUint32(at + NEXT, this.#end, true);
    this.#view.setUint32(at + FOUND_BYTES, valueBytes, true);
    this.#setNumbers(at + FOUND, record);
    return at;
  }

  /** Whether so many bytes more are told; else nothing of the entry is. */
  #hasRoomFor(valueBytes: number): boolean {
    this.#valueBytes += valueBytes;
    if (this.#valueBytes <= REPLACED_BYTES_TOLD_MAX) return true;
    this.tooMuch();
    return false;
  }

  /** Adds a key of which nothing was found so far; where it begins. */
  #addKey(key: Span, flags: number): number {
    if (this.#end === KEYS_AT && this.#bytes.length > KEPT_BYTES_MAX) this.#resize(KEPT_BYTES_MAX);
    this.#reserve(HEAD_BYTES + key.length);
    const at = this.#end;
    const view = this.#view;
    key.copyTo(this.#bytes, at + HEAD_BYTES);
    this.#end = at + HEAD_BYTES + key.length;
    view.setUint32(at + NEXT, this.#end, true);
    view.setUint32(at + FLAGS, flags, true);
    view.setUint32(at + KEY_BYTES, key.length, true);
    view.setUint32(at + FOUND_BYTES, 0, true);
    return at;
  }

  /** Adds what each key leads to now. */
  #addLeft(keysEnd: number): void {
    this.#view.setUint32(0, keysEnd, true);
    this.#valueBytes = 0;
    for (let at = KEYS_AT; at < keysEnd; at = this.#view.getUint32(at + NEXT, true)) {
      const keyAt = at + HEAD_BYTES;
      const key = this.#key.set(this.#bytes, keyAt, keyAt + this.#view.getUint32(at + KEY_BYTES, true));
      const record = this.#look(key);
      if (record === undefined) continue;
      const { valueBytes } = record;
      if (!this.#hasRoomFor(valueBytes)) return;
      const foundAt = key.end;
      // A new deadline leaves the value: it stands here once, not once for each record.
      const isSame = valueBytes === this.#view.getUint32(at + FOUND_BYTES, true) &&
        this.#holdsAt(foundAt, record.value);
      if (!isSame) this.#reserve(valueBytes);
      const view = this.#view;
      if (!isSame) record.value.copyTo(this.#bytes, this.#end);
      view.setUint32(at + FLAGS, view.getUint32(at + FLAGS, true) | IS_LEFT, true);
      view.setUint32(at + LEFT_AT, isSame ? foundAt : this.#end, true);
      view.setUint32(at + LEFT_BYTES, valueBytes, true);
      this.#setNumbers(at + LEFT, record);
      if (!isSame) this.#end += valueBytes;
    }
  }

  #holdsAt(at: number, { bytes, start, end }: Span): boolean {
    for (let from = start; from < end; from++) if (bytes[from] !== this.#bytes[at + from - start]) return false;
    return true;
  }

  #setNumbers(at: number, record: RecordView): void {
    const view = this.#view;
    view.setFloat64(at, record.createRevision, true);
    view.setFloat64(at + 8, record.revision, true);
    view.setFloat64(at + 16, record.version, true);
    view.setFloat64(at + 24, record.deadline, true);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes > this.#bytes.length) this.#resize(2 * (this.#end + bytes));
  }

  #resize(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Goes through the keys of packed changes. */
export class ChangeReader {
  /** The key that was read last. */
  readonly key = new Span();
  #bytes = this.key.bytes;
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #next = 0;
  #end = 0;

  /** Begins with packed changes, which may be none. */
  begin({ bytes, start, end }: Span): this {
    this.#bytes = bytes.subarray(start, end);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
    this.#next = KEYS_AT;
    this.#end = end === start ? KEYS_AT : this.#view.getUint32(0, true);
    return this;
  }

  /** Goes to the next key; false behind the last. A key that was removed and made again stands here twice: its first place counts. */
  next(): boolean {
    if (this.#next >= this.#end) return false;
    const at = this.#next;
    this.#at = at;
    this.#next = this.#view.getUint32(at + NEXT, true);
    this.key.set(this.#bytes, at + HEAD_BYTES, at + HEAD_BYTES + this.#view.getUint32(at + KEY_BYTES, true));
    return true;
  }

  /** Whether there is a change: a key that the entry made and removed again was never there for anybody else. */
  get isChange(): boolean {
    return (this.#flags & (WAS_FOUND | IS_LEFT)) !== 0;
  }

  /** Whether the entry removed the key. */
  get isRemoval(): boolean {
    return (this.#flags & (WAS_FOUND | IS_LEFT)) === WAS_FOUND;
  }

  /** Revision of what the entry found; undefined when the key was not there. */
  get previousRevision(): number | undefined {
    return (this.#flags & WAS_FOUND) === 0 ? undefined : this.#view.getFloat64(this.#at + FOUND + 8, true);
  }

  /** The change of the key. */
  change(): Change {
    const { key } = this;
    const view = this.#view;
    const at = this.#at;
    const flags = this.#flags;
    const found = { at: key.end, bytes: view.getUint32(at + FOUND_BYTES, true) };
    const left = { at: view.getUint32(at + LEFT_AT, true), bytes: view.getUint32(at + LEFT_BYTES, true) };
    const isLeft = (flags & IS_LEFT) !== 0;
    return {
      type: isLeft ? "Put" : (flags & WAS_DUE) === 0 ? "Delete" : "Expire",
      key: bytesToString(this.#bytes, key.start, key.end),
      record: isLeft ? this.#recordAt(at + LEFT, left) : undefined,
      previousRevision: this.previousRevision,
      previous: (flags & WAS_FOUND) === 0 ? undefined : this.#recordAt(at + FOUND, found),
    };
  }

  get #flags(): number {
    return this.#view.getUint32(this.#at + FLAGS, true);
  }

  #recordAt(numbers: number, value: { readonly at: number; readonly bytes: number }): KeyRecord {
    const view = this.#view;
    const deadline = view.getFloat64(numbers + 24, true);
    return {
      value: bytesToString(this.#bytes, value.at, value.at + value.bytes),
      createRevision: view.getFloat64(numbers, true),
      revision: view.getFloat64(numbers + 8, true),
      version: view.getFloat64(numbers + 16, true),
      expiresAt: deadline === 0 ? undefined : deadline,
    };
  }
}

/** Packed changes one by one: each key once. */
export function unpackChanges(packed: Span): readonly Change[] {
  const reader = new ChangeReader().begin(packed);
  const changes = new Map<string, Change>();
  while (reader.next()) {
    if (!reader.isChange) continue;
    const change = reader.change();
    if (!changes.has(change.key)) changes.set(change.key, change);
  }
  return [...changes.values()];
}
