/** Which indexes the log holds and of which terms: what a replay of the records would give, without the commands. */

import type { EntryId, Index, Term } from "../raft/types.ts";
import type { RecordHeader } from "./wal_format.ts";

/** A stretch of entries of one term. */
interface Run {
  readonly first: number;
  readonly term: Term;
}

/** The shape of the log. A few runs, since a term lasts long. */
export class LogShape {
  /** The entry before the first; undefined as long as no record was taken. */
  #base: EntryId | undefined;
  #runs: Run[] = [];
  #lastIndex = 0;

  get base(): EntryId | undefined {
    return this.#base;
  }

  /** The last index; 0 when nothing was ever taken. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** The term at `index`, the entry before the first included; undefined outside. */
  termAt(index: number): Term | undefined {
    if (this.#base === undefined) return index === 0 ? 0 as Term : undefined;
    if (index > this.#lastIndex) return undefined;
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at];
      if (run !== undefined && run.first <= index) return run.term;
    }
    return index === this.#base.index ? this.#base.term : undefined;
  }

  /** Takes a record. Returns why it cannot follow what was taken before, and then changes nothing. */
  take(record: RecordHeader): string | undefined {
    const { firstIndex, term, count } = record;
    if (count < 1 || firstIndex < 1) return "the record holds no entry";
    if (record.prevTerm > term) return `entry ${firstIndex} has term ${term}, below that of the entry before`;
    if (this.#base === undefined || record.restart || firstIndex <= this.#base.index) {
      this.#base = { index: (firstIndex - 1) as Index, term: record.prevTerm };
      this.#runs = [];
    } else if (firstIndex > this.#lastIndex + 1) {
      return `entry ${firstIndex} does not follow the last index ${this.#lastIndex}`;
    } else if (this.termAt(firstIndex - 1) !== record.prevTerm) {
      return `the entry before ${firstIndex} has another term than the record says`;
    }
    while ((this.#runs.at(-1)?.first ?? 0) >= firstIndex) this.#runs.pop();
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ first: firstIndex, term });
    this.#lastIndex = firstIndex + count - 1;
    return undefined;
  }
}
