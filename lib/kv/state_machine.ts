/** The replicated state machine: keys, values and revisions. Deterministic: the same log gives the same state and snapshot. */

import { assert } from "../base/assert.ts";
import { ShardedMap } from "../base/sharded_map.ts";
import { type CommandResult, decodeCommand, type PutCommand } from "./commands.ts";
import { KeyIndex } from "./key_index.ts";
import { type Cell, SnapshotCut } from "./snapshot_cut.ts";

/** A value and the log index of its last change. */
export interface KeyRecord {
  readonly value: string;
  readonly revision: number;
}

/**
 * The state after applying the log up to `lastApplied`.
 *
 * Invariants: the map and the ordered index lead to the same cells; `bytes` is the sum of the lengths of keys and values;
 * while a cut is open, a cell it has not emitted yet is saved to it before the cell changes.
 */
export class StateMachine {
  readonly #cells = new ShardedMap<Cell>();
  readonly #index = new KeyIndex<Cell>();
  #bytes = 0;
  #lastApplied = 0;
  #cut: SnapshotCut | undefined;

  /** Index of the last entry applied. */
  get lastApplied(): number {
    return this.#lastApplied;
  }

  /** Number of keys. */
  get size(): number {
    return this.#cells.size;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The record of `key`, or undefined. The object is a view of the present: read it at once. */
  get(key: string): KeyRecord | undefined {
    return this.#cells.get(key);
  }

  /** Applies the command of entry `index`, the next one. A command that cannot be read changes nothing, on every node alike. */
  apply(index: number, command: string): CommandResult {
    this.skip(index);
    const decoded = decodeCommand(command);
    if (decoded === undefined) return { type: "Invalid", revision: index };
    if (decoded.type === "Put") return this.#put(decoded, index);
    return this.#delete(decoded.key, index);
  }

  /** Entry `index`, the next one, holds nothing for the state machine (a no-op or a configuration). */
  skip(index: number): void {
    assert(index === this.#lastApplied + 1, `Cannot apply entry ${index}: last applied is ${this.#lastApplied}`);
    this.#lastApplied = index;
  }

  /** Opens a cut of the present state, to be read in slices while commands go on. One at a time; `close` it. */
  cut(): SnapshotCut {
    assert(this.#cut === undefined, "Cannot cut the state: another cut is open");
    const cut = new SnapshotCut(new KeyIndex(this.#index), {
      lastApplied: this.#lastApplied,
      onClose: () => {
        this.#cut = undefined;
      },
    });
    this.#cut = cut;
    return cut;
  }

  /** For loading a snapshot into an empty state: keys come in ascending order. */
  load(key: string, { value, revision }: KeyRecord): void {
    const cell: Cell = { value, revision };
    this.#cells.set(key, cell);
    this.#index.set(key, cell);
    this.#bytes += key.length + value.length;
  }

  /** Ends the loading of a snapshot whose last included index is `index`. */
  finishLoading(index: number): void {
    this.#lastApplied = index;
  }

  #put({ key, value }: PutCommand, revision: number): CommandResult {
    const cell = this.#cells.get(key);
    if (cell === undefined) {
      this.load(key, { value, revision });
      return { type: "Put", revision, created: true };
    }
    this.#cut?.save(cell);
    this.#bytes += value.length - cell.value.length;
    cell.value = value;
    cell.revision = revision;
    return { type: "Put", revision, created: false };
  }

  #delete(key: string, revision: number): CommandResult {
    const cell = this.#cells.get(key);
    if (cell === undefined) return { type: "Delete", revision, existed: false };
    // An open cut keeps the cell through its own clone of the index, and nothing changes the cell any more.
    this.#cells.delete(key);
    this.#index.delete(key);
    this.#bytes -= key.length + cell.value.length;
    return { type: "Delete", revision, existed: true };
  }
}
