/** Turns the records of the log, in order, into the entries above a snapshot. */

import { bytesToString } from "../base/bytes.ts";
import { decodeEntries } from "../raft/entry_codec.ts";
import type { Entry, EntryId } from "../raft/types.ts";
import { LogShape } from "./log_shape.ts";
import type { ReadRecordHeader } from "./wal_format.ts";

/** The entries of a log as they are rebuilt. */
export class LogReplay {
  readonly shape = new LogShape();
  readonly #keepAbove: number;
  #entries: Entry[] = [];

  /** Entries up to `keepAbove` are not decoded: a snapshot has them. */
  constructor(keepAbove: number) {
    this.#keepAbove = keepAbove;
  }

  /** The entries above `keepAbove`, whatever a snapshot says of them. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Takes the next record. Returns what is wrong with it, if anything; then the replay is over. */
  take(record: ReadRecordHeader, body: Uint8Array): string | undefined {
    const problem = this.shape.take(record);
    if (problem !== undefined) return problem;
    this.#dropFrom(record.restart ? 0 : record.firstIndex);
    if (record.firstIndex + record.count - 1 <= this.#keepAbove) return undefined;
    const decoded = decodeEntries(bytesToString(body), record.firstIndex, record.term);
    if (decoded === undefined || decoded.length !== record.count) return "the entries of the record cannot be read";
    for (const entry of decoded) if (entry.index > this.#keepAbove) this.#entries.push(entry);
    return undefined;
  }

  /** The log after `snapshot` (index and term 0: none), contiguous. A text says why there is none. */
  entriesAfter(snapshot: EntryId): readonly Entry[] | string {
    const { base, lastIndex } = this.shape;
    if (base === undefined || lastIndex < snapshot.index) return [];
    if (base.index > snapshot.index) {
      return `the log begins at index ${base.index + 1}, but ${
        snapshot.index === 0 ? "there is no snapshot" : `the snapshot ends at ${snapshot.index}`
      }`;
    }
    if (this.shape.termAt(snapshot.index) === snapshot.term) {
      return this.#keepAbove === snapshot.index
        ? this.#entries
        : this.#entries.filter((entry) => entry.index > snapshot.index);
    }
    // Raft 7: a snapshot from the leader that the log contradicts replaces all of it. This node had no time to append
    // again since; then the record would say `restart`. A snapshot of its own can never contradict its log.
    if (base.index < snapshot.index) return [];
    return `the log begins after an entry of term ${base.term}, but the snapshot says term ${snapshot.term}`;
  }

  #dropFrom(index: number): void {
    const first = this.#entries[0]?.index;
    if (first === undefined) return;
    if (index <= first) this.#entries = [];
    else if (index - first < this.#entries.length) this.#entries.length = index - first;
  }
}
