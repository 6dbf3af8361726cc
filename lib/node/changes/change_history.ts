/** The last entries of the log with what they changed, in rings that grow up to a bound and are then written over. */

import { assert } from "../../base/assert.ts";
import { bytesToString } from "../../base/bytes.ts";
import type { Change } from "../../kv/change.ts";
import { decodeCommand } from "../../kv/commands.ts";
import type { KeyRevisions } from "../../kv/key_record.ts";
import type { Span } from "../../store/span.ts";
import type { RevisionChanges } from "./changes.ts";

/** Entries of the log whose changes are kept, those that changed nothing included. A power of two. */
export const CHANGE_HISTORY_ENTRIES_MAX = 65_536;
/** Bytes of commands, keys and values kept for that. Most of them are held by the log as well. */
export const CHANGE_HISTORY_BYTES_MAX = 33_554_432;
/** Entries that a history has room for at first. A power of two. */
const FIRST_CAPACITY = 1_024;
/** What a change costs beside its key and value: two objects and their place in a list. */
const BYTES_PER_CHANGE = 160;

/** Numbers kept of an entry: its bytes and, of a Put, where they begin and what its key was before. */
const NUMBERS = 5;
const BYTES = 0;
const START = 1;
const PREVIOUS_REVISION = 2;
const CREATE_REVISION = 3;
const VERSION = 4;

/** Puts share buffers of this length; one that is longer than a part of it gets its own. */
const BUFFER_BYTES = 65_536;
const SHARED_BYTES_MAX = 4_096;

/** The buffer of a Put as the log has it, whose change is made when it is read; the changes of another entry; nothing. */
type Content = Uint8Array | readonly Change[] | undefined;

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
  /** Where the next Put is copied to. */
  #buffer = new Uint8Array(0);
  #used = 0;

  readonly #bytesMax: number;

  /** Begins behind entry `revision`. */
  constructor(revision: number, bytesMax = CHANGE_HISTORY_BYTES_MAX) {
    this.#newest = revision;
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
  addPut(command: Span, before: KeyRevisions | undefined): void {
    const { length } = command;
    const isShared = length <= SHARED_BYTES_MAX;
    if (isShared && this.#used + length > this.#buffer.length) {
      this.#buffer = new Uint8Array(BUFFER_BYTES);
      this.#used = 0;
    }
    if (isShared) command.copyTo(this.#buffer, this.#used);
    this.#advance(isShared ? this.#buffer : command.copy(), length);
    const at = this.#head * NUMBERS;
    const numbers = this.#numbers;
    numbers[at + START] = isShared ? this.#used : 0;
    if (isShared) this.#used += length;
    if (before === undefined) {
      numbers[at + PREVIOUS_REVISION] = 0;
      return;
    }
    numbers[at + PREVIOUS_REVISION] = before.revision;
    numbers[at + CREATE_REVISION] = before.createRevision;
    numbers[at + VERSION] = before.version + 1;
  }

  /** Adds any other entry. */
  add(changes: readonly Change[], commandBytes: number): void {
    if (changes.length === 0) return this.#advance(undefined, 0);
    let bytes = commandBytes;
    for (const { key, record } of changes) bytes += key.length + (record?.value.length ?? 0) + BYTES_PER_CHANGE;
    this.#advance(changes, bytes);
  }

  /** Forgets everything; the next entry is the one behind `revision`. */
  restart(revision: number): void {
    while (this.#count > 0) this.#dropOldest();
    this.#newest = revision;
  }

  /** What was changed behind `revision`, which is not older than `oldest`. */
  *after(revision: number): Iterable<RevisionChanges> {
    assert(revision >= this.oldest, "Cannot tell of changes: they are not kept any more");
    for (let at = revision + 1; at <= this.#newest; at++) {
      const changes = this.#changesOf(at);
      if (changes !== undefined) yield { revision: at, changes };
    }
  }

  #changesOf(revision: number): readonly Change[] | undefined {
    const slot = this.#slotOf(revision);
    const content = this.#contents[slot];
    return content instanceof Uint8Array ? [this.#putOf(content, { slot, revision })] : content;
  }

  #putOf(buffer: Uint8Array, { slot, revision }: { readonly slot: number; readonly revision: number }): Change {
    const numbers = this.#numbers.subarray(slot * NUMBERS, (slot + 1) * NUMBERS);
    const [bytes = 0, start = 0, previous = 0, create = 0, version = 0] = numbers;
    const put = decodeCommand(bytesToString(buffer, start, start + bytes))?.command;
    assert(put?.type === "Put", "Cannot tell of a change: the command is no plain Put");
    const previousRevision = previous === 0 ? undefined : previous;
    const own = previous === 0 ? { createRevision: revision, version: 1 } : { createRevision: create, version };
    return {
      type: "Put",
      key: put.key,
      record: { value: put.value, ...own, revision, expiresAt: undefined },
      previousRevision,
    };
  }

  #slotOf(revision: number): number {
    return (this.#head - (this.#newest - revision) + this.#capacity) & (this.#capacity - 1);
  }

  #advance(content: Content, bytes: number): void {
    if (this.#count === this.#capacity && this.#capacity < CHANGE_HISTORY_ENTRIES_MAX) this.#grow();
    const head = (this.#head + 1) & (this.#capacity - 1);
    const at = head * NUMBERS + BYTES;
    // With every slot in use the next one is that of the oldest entry, which is forgotten by being written over.
    if (this.#count === this.#capacity) this.#bytes -= this.#numbers[at] ?? 0;
    else this.#count += 1;
    this.#head = head;
    this.#newest += 1;
    this.#contents[head] = content;
    this.#numbers[at] = bytes;
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
