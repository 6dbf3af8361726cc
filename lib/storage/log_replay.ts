/** Turns the records of the log, in order, into the entries above a snapshot. */

import { Run } from "../raft/run.ts";
import type { EntryId } from "../raft/types.ts";
import { type OpenBody, openPlainBody } from "./encryption/record_bodies.ts";
import { LogShape } from "./log_shape.ts";
import type { ReadRecordHeader } from "./wal_format.ts";

/** The entries of a log as they are rebuilt. */
export class LogReplay {
  readonly shape = new LogShape();
  readonly #keepAbove: number;
  #runs: Run[] = [];

  /** Entries up to `keepAbove` are not decoded: a snapshot has them. */
  constructor(keepAbove: number) {
    this.#keepAbove = keepAbove;
  }

  /** The entries above `keepAbove`, whatever a snapshot says of them. */
  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** Takes the next record. Returns what is wrong with it, if anything; then the replay is over. */
  take(record: ReadRecordHeader, body: Uint8Array, open: OpenBody = openPlainBody): string | undefined {
    const problem = this.shape.take(record);
    if (problem !== undefined) return problem;
    this.#dropFrom(record.restart ? 0 : record.firstIndex);
    if (record.firstIndex + record.count - 1 <= this.#keepAbove) return undefined;
    const plain = open(record, body);
    if (typeof plain === "string") return plain;
    const run = Run.parse({ index: record.firstIndex, term: record.term }, plain);
    if (run === undefined || run.count !== record.count) return "the entries of the record cannot be read";
    this.#runs.push(run.slice(Math.max(run.firstIndex, this.#keepAbove + 1), run.lastIndex));
    return undefined;
  }

  /** The log after `snapshot` (index and term 0: none), contiguous. A text says why there is none. */
  runsAfter(snapshot: EntryId): readonly Run[] | string {
    const { base, lastIndex } = this.shape;
    if (base === undefined || lastIndex < snapshot.index) return [];
    if (base.index > snapshot.index) {
      return `the log begins at index ${base.index + 1}, but ${
        snapshot.index === 0 ? "there is no snapshot" : `the snapshot ends at ${snapshot.index}`
      }`;
    }
    if (this.shape.termAt(snapshot.index) === snapshot.term) {
      const above = this.#runs.filter((run) => run.lastIndex > snapshot.index);
      return above.map((run) => run.slice(Math.max(run.firstIndex, snapshot.index + 1), run.lastIndex));
    }
    // Raft 7: a snapshot from the leader that the log contradicts replaces all of it, what begins right behind it included.
    // This node had no time to append again since; then the record would say `restart`. A snapshot of its own can never
    // contradict its log.
    return [];
  }

  #dropFrom(index: number): void {
    for (let last = this.#runs.at(-1); last !== undefined && last.lastIndex >= index; last = this.#runs.at(-1)) {
      this.#runs.pop();
      if (last.firstIndex < index) this.#runs.push(last.slice(last.firstIndex, index - 1));
    }
  }
}
