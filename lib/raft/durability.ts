/** Which part of the log is durable here, through overwrites. Writes are numbered, so that none is mistaken for another. */

import { assert } from "../base/assert.ts";
import { type EntryId, type Index, toIndex } from "./types.ts";

/** A write that was handed out and is not known to be durable. */
interface PendingWrite {
  readonly number: number;
  /** As it was written, to check `Persisted` by. */
  readonly last: EntryId;
  /** What of it still stands: lowered when a truncation took its tail. */
  lastIndex: number;
}

/**
 * The durable prefix of the log.
 *
 * An index alone would lie (B19): entry 7 written, truncated, written again; the completion of the first write says "7".
 * So completions name the write, and a truncation lowers what the writes still under way will prove.
 */
export class Durability {
  #index: number;
  #lastNumber = 0;
  readonly #pending: PendingWrite[] = [];

  /** Everything up to `index` is durable at the start. */
  constructor(index: number) {
    this.#index = index;
  }

  /** Every entry up to here is durable. */
  get index(): Index {
    return toIndex(this.#index);
  }

  /** Whether a write is under way. */
  get isWriting(): boolean {
    return this.#pending.length > 0;
  }

  /** Numbers a write that ends with `last`. */
  begin(last: EntryId): number {
    this.#lastNumber += 1;
    this.#pending.push({ number: this.#lastNumber, last, lastIndex: last.index });
    return this.#lastNumber;
  }

  /** Every write up to and including `number` is durable; `last` is the last entry of that one, as it was written. */
  complete(number: number, last: EntryId): void {
    assert(number <= this.#lastNumber, `Cannot complete write ${number}: the last one begun is ${this.#lastNumber}`);
    let count = 0;
    for (const write of this.#pending) {
      if (write.number > number) break;
      if (write.number === number) {
        const same = write.last.index === last.index && write.last.term === last.term;
        assert(same, `Cannot complete write ${number} with entry ${last.index}/${last.term}: it ended otherwise`);
      }
      if (write.lastIndex > this.#index) this.#index = write.lastIndex;
      count += 1;
    }
    if (count > 0) this.#pending.splice(0, count);
  }

  /** Entries above `last` are gone from the log; what is written in their place is another write. */
  truncate(last: number): void {
    this.#index = Math.min(this.#index, last);
    for (const write of this.#pending) write.lastIndex = Math.min(write.lastIndex, last);
  }

  /** Everything up to `index` is durable by another way: a snapshot that holds it. */
  raise(index: number): void {
    this.#index = Math.max(this.#index, index);
  }
}
