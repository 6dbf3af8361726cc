/** A snapshot of the state machine taken in slices while commands go on, and its way back. */

import { fault } from "../base/faults.ts";
import type { KeyIndex } from "./key_index.ts";
import type { StateMachine } from "./state_machine.ts";

/** What a key leads to; changed in place, so that an overwrite does not touch the ordered index. */
export interface Cell {
  value: string;
  revision: number;
}

/** Format of the blocks, in the first block. */
const FORMAT = 1;
/** A block is closed once it holds so many bytes of keys and values. */
const BLOCK_BYTES_TARGET = 65_536;
/** Only an escape can make a character that is no byte: a block without one needs no closer look. */
const ESCAPE_BEYOND_BYTES = /\\u(?!00)/;
const BEYOND_BYTES = /[\u0100-\uffff]/;

/** The state at one index. Blocks are JSON texts of byte strings, equal on every node with the same log. */
export class SnapshotCut {
  readonly #entries: IterableIterator<[string, Cell]>;
  readonly #saved = new Map<Cell, Cell>();
  readonly #onClose: () => void;
  #begun = false;

  /** Index of the last entry that the cut holds. */
  readonly lastApplied: number;

  /** A cut of the state at `lastApplied`, from a clone of its index; `onClose` runs when it is closed. */
  constructor(index: KeyIndex<Cell>, of: { readonly lastApplied: number; readonly onClose: () => void }) {
    this.#entries = index.entries();
    this.lastApplied = of.lastApplied;
    this.#onClose = of.onClose;
  }

  /** Keeps what a cell holds before its first change since the cut. */
  save(cell: Cell): void {
    if (cell.revision > this.lastApplied || this.#saved.has(cell)) return;
    this.#saved.set(cell, { value: cell.value, revision: cell.revision });
  }

  /** The next block, about 64 KiB or one longer record; undefined after the last. */
  next(): string | undefined {
    if (!this.#begun) {
      this.#begun = true;
      return JSON.stringify({ format: FORMAT, lastApplied: this.lastApplied });
    }
    const block: (string | number)[] = [];
    let bytes = 0;
    const target = fault("kv/blockOfOneKey") ? 1 : BLOCK_BYTES_TARGET;
    while (bytes < target) {
      const entry = this.#entries.next();
      if (entry.done === true) break;
      const [key, present] = entry.value;
      const cell = this.#saved.get(present) ?? present;
      block.push(key, cell.value, cell.revision);
      bytes += key.length + cell.value.length;
    }
    return block.length === 0 ? undefined : JSON.stringify(block);
  }

  /** Lets the state machine go on without saving. Idempotent. */
  close(): void {
    this.#saved.clear();
    this.#onClose();
  }
}

/** Loads the blocks of a cut, in order, into an empty state machine. */
export class SnapshotLoader {
  readonly #state: StateMachine;
  #lastApplied: number | undefined;
  #lastKey: string | undefined;

  /** `state` must be empty. */
  constructor(state: StateMachine) {
    this.#state = state;
  }

  /** Loads one block. False when it is not one that this version can read: the snapshot is unusable. */
  load(block: string): boolean {
    const parsed = parse(block);
    if (this.#lastApplied === undefined) return this.#begin(parsed);
    if (!Array.isArray(parsed) || parsed.length % 3 !== 0) return false;
    const mayBeWide = ESCAPE_BEYOND_BYTES.test(block);
    for (let at = 0; at < parsed.length; at += 3) {
      const key: unknown = parsed[at];
      const value: unknown = parsed[at + 1];
      const revision: unknown = parsed[at + 2];
      if (typeof key !== "string" || typeof value !== "string" || !isCount(revision)) return false;
      // Entries after the snapshot would be applied on top of their own effects.
      if (revision > this.#lastApplied) return false;
      if (mayBeWide && (BEYOND_BYTES.test(key) || BEYOND_BYTES.test(value))) return false;
      // A key that came before would be counted twice.
      if (this.#lastKey !== undefined && key <= this.#lastKey) return false;
      this.#lastKey = key;
      this.#state.load(key, { value, revision });
    }
    return true;
  }

  /** Ends the loading. False when there was no first block. */
  finish(): boolean {
    if (this.#lastApplied === undefined) return false;
    this.#state.finishLoading(this.#lastApplied);
    return true;
  }

  #begin(header: unknown): boolean {
    if (typeof header !== "object" || header === null) return false;
    const { format, lastApplied } = header as { readonly format?: unknown; readonly lastApplied?: unknown };
    if (format !== FORMAT || !isCount(lastApplied)) return false;
    this.#lastApplied = lastApplied;
    return true;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parse(block: string): unknown {
  try {
    return JSON.parse(block);
  } catch {
    return undefined; // The caller tells a block it cannot read by its shape.
  }
}
