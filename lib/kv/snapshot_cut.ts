/** A snapshot of the state machine taken in slices while commands go on. */

import { fault } from "../base/faults.ts";
import { writeList } from "../base/long_strings.ts";
import { type Cell, type KeyRecord, recordOf } from "./cell.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Sessions } from "./sessions.ts";

/** Version of the blocks, in the first block. Every version has a first block with its version as `format`. */
export const SNAPSHOT_FORMAT = 4;
/** Values in a block for each key: key, value, create revision, revision, version, deadline (0 for none). */
export const VALUES_PER_KEY = 6;
/** A block is closed once it holds so many bytes of keys and values. */
const BLOCK_BYTES_TARGET = 65_536;

/** What a cut is made of. */
export interface CutParts {
  readonly keys: Keyspace;
  readonly sessions: Sessions;
  readonly lastApplied: number;
  readonly onClose: () => void;
}

/** The state at one index. Blocks are JSON texts of byte strings (long ones behind the list), equal on every node with the same log. */
export class SnapshotCut {
  readonly #parts: CutParts;
  readonly #entries: IterableIterator<[string, Cell]>;
  readonly #saved = new Map<Cell, KeyRecord>();
  readonly #timeMs: number;
  readonly #sessionIds: readonly number[];
  #nextSession = 0;
  #begun = false;

  /** Index of the last entry that the cut holds. */
  readonly lastApplied: number;

  /** A cut of the state as it is now; `onClose` runs when it is closed. */
  constructor(parts: CutParts) {
    this.#parts = parts;
    this.#entries = parts.keys.cloneIndex().entries();
    this.#timeMs = parts.keys.timeMs;
    this.#sessionIds = parts.sessions.beginSnapshot();
    this.lastApplied = parts.lastApplied;
    parts.keys.beforeChange = (cell) => this.#save(cell);
  }

  /** The next block, about 64 KiB or one longer record; undefined after the last. */
  next(): string | undefined {
    if (!this.#begun) {
      this.#begun = true;
      return JSON.stringify({ format: SNAPSHOT_FORMAT, lastApplied: this.lastApplied, timeMs: this.#timeMs });
    }
    return this.#keyBlock() ?? this.#sessionBlock();
  }

  /** Lets the state machine go on without saving. Idempotent. */
  close(): void {
    this.#saved.clear();
    this.#parts.keys.beforeChange = undefined;
    this.#parts.sessions.endSnapshot();
    this.#parts.onClose();
  }

  /** Keeps what a cell holds before its first change since the cut. */
  #save(cell: Cell): void {
    if (cell.revision > this.lastApplied || this.#saved.has(cell)) return;
    this.#saved.set(cell, recordOf(cell));
  }

  #keyBlock(): string | undefined {
    const block: (string | number)[] = [];
    let bytes = 0;
    const target = fault("kv/blockOfOneKey") ? 1 : BLOCK_BYTES_TARGET;
    while (bytes < target) {
      const entry = this.#entries.next();
      if (entry.done === true) break;
      const [key, present] = entry.value;
      bytes += key.length + this.#addKey(block, { key, present });
    }
    return block.length === 0 ? undefined : writeList(block);
  }

  /** Adds a key with what its cell held at the cut; returns the length of the value. */
  #addKey(
    block: (string | number)[],
    { key, present }: { readonly key: string; readonly present: Readonly<Cell> },
  ): number {
    // A cell that is as old as the cut needs no search: most are, and no record is made for them.
    if (present.revision <= this.lastApplied) {
      const { value, createRevision, revision, version, deadline } = present;
      block.push(key, value, createRevision, revision, version, deadline?.at ?? 0);
      return value.length;
    }
    const { value, createRevision, revision, version, expiresAt } = this.#saved.get(present) ?? recordOf(present);
    block.push(key, value, createRevision, revision, version, expiresAt ?? 0);
    return value.length;
  }

  #sessionBlock(): string | undefined {
    const sessions: unknown[] = [];
    let bytes = 0;
    while (bytes < BLOCK_BYTES_TARGET && this.#nextSession < this.#sessionIds.length) {
      const record = this.#parts.sessions.snapshotOf(this.#sessionIds[this.#nextSession] ?? 0);
      this.#nextSession += 1;
      if (record === undefined) continue;
      const { id, ttlMs, expiresAt, floor, answers } = record;
      sessions.push([id, ttlMs, expiresAt, floor, answers]);
      bytes += answers.reduce((sum, [, answer]) => sum + (answer?.length ?? 0) + 1, 1);
    }
    return sessions.length === 0 ? undefined : JSON.stringify({ sessions });
  }
}

/** The version of a state by its first block; undefined when it is no first block. */
export function stateVersionOf(firstBlock: string): number | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(firstBlock);
  } catch {
    return undefined; // What it is instead, the loading says.
  }
  if (typeof parsed !== "object" || parsed === null || !("format" in parsed)) return undefined;
  return typeof parsed.format === "number" ? parsed.format : undefined;
}
