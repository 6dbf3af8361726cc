/** The log in memory: the runs after a dropped prefix, runs for messages, and what is durable. */

import { assert, fail } from "../base/assert.ts";
import { ConfigurationHistory } from "./configuration_history.ts";
import { Durability } from "./durability.ts";
import { Run, type RunLimits } from "./run.ts";
import { type Configuration, type EntryId, type Index, type Term, toIndex } from "./types.ts";
import type { LogWrite } from "./update.ts";

/** What a log is made of at start: `runs` follow `base` without a gap and are durable. */
export interface RaftLogStart {
  readonly base: EntryId;
  readonly configuration: Configuration;
  readonly runs: readonly Run[];
}

/**
 * The log of one server. Indexes run without a gap from `firstIndex` to `lastIndex`; `base` is the entry before the first,
 * dropped but known by its id. Invariants: terms never fall along the log; `base.index <= durableIndex <= lastIndex`.
 */
export class RaftLog {
  #base: EntryId;
  #runs: Run[] = [];
  /** Runs at the front of `#runs` that are dropped: they go when they outnumber the others, so dropping is O(1) each. */
  #dropped = 0;
  #lastIndex: Index;
  #bytes = 0;
  readonly #durability: Durability;
  readonly #configurations: ConfigurationHistory;
  /** Two peers at the same place get the same run. */
  #lastSent: Run | undefined;

  constructor(start: RaftLogStart) {
    this.#base = { index: start.base.index, term: start.base.term };
    this.#lastIndex = start.base.index;
    this.#configurations = new ConfigurationHistory(start.base.index, start.configuration);
    for (const run of start.runs) this.#push(run);
    this.#durability = new Durability(this.lastIndex);
  }

  /** The entry before the first one; its index is 0 when nothing was ever dropped. */
  get base(): EntryId {
    return this.#base;
  }

  get firstIndex(): Index {
    return toIndex(this.#base.index + 1);
  }

  get lastIndex(): Index {
    return this.#lastIndex;
  }

  get lastTerm(): Term {
    return this.#runs.length === this.#dropped ? this.#base.term : this.#at(this.#runs.length - 1).term;
  }

  /** Bytes of the entries in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Every entry up to here is durable on this server. */
  get durableIndex(): Index {
    return this.#durability.index;
  }

  /** Whether a write to the log is under way: handed out and not known to be durable. */
  get isWriting(): boolean {
    return this.#durability.isWriting;
  }

  /** Raft 6: a server uses the latest configuration in its log, committed or not. */
  get configuration(): Configuration {
    return this.#configurations.latest;
  }

  get configurationIndex(): number {
    return this.#configurations.latestIndex;
  }

  /** Index of the latest configuration that is committed for certain: none is proposed before the one before it is committed. */
  settledConfigurationIndex(commitIndex: number): number {
    const { latestIndex, previousIndex = 0 } = this.#configurations;
    return latestIndex <= commitIndex ? latestIndex : previousIndex;
  }

  /** The configuration before the latest, which is in force again should the latest be truncated. */
  get previousConfiguration(): Configuration | undefined {
    return this.#configurations.previous;
  }

  /** The cluster's id by the configurations at or below `index`. */
  clusterIdThrough(index: number): string | undefined {
    return this.#configurations.clusterIdThrough(index);
  }

  /** The term of the entry at `index`; undefined outside `base.index` to `lastIndex`. */
  termAt(index: number): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    if (!(index > this.#base.index && index <= this.#lastIndex)) return undefined;
    return this.#runAt(index).term;
  }

  /** The lowest index in the log whose entry has the term of the entry at `index`. */
  firstIndexOfTerm(index: number): Index {
    const { term } = this.#runAt(index);
    // Terms never fall along the log.
    return this.#at(this.#firstWhere((run) => run.term >= term)).firstIndex;
  }

  /** The highest index at or below `atMost` whose entry has `term`, or undefined. */
  lastIndexOfTerm(term: number, atMost: number): Index | undefined {
    if (atMost < this.#base.index) return undefined;
    const above = this.#firstWhere((run) => run.term > term || run.firstIndex > atMost);
    const last = above > this.#dropped ? this.#at(above - 1).last : this.#base;
    return last.term === term ? toIndex(Math.min(atMost, last.index)) : undefined;
  }

  /** Entries of one term (divergence D7) from `from` on, as many as one message may hold, at least one; none above `lastIndex`. */
  run(from: number, limits: RunLimits): Run | undefined {
    if (from > this.#lastIndex) return undefined;
    if (this.#lastSent?.firstIndex === from) return this.#lastSent;
    let at = this.#positionOf(from);
    const first = this.#at(at);
    let part = first.slice(from, first.lastWithin(from, limits));
    const parts = [part];
    let [entries, bytes] = [limits.entriesPerMessageMax - part.count, limits.bytesPerMessageMax - part.bytes];
    for (let run = first; part.lastIndex === run.lastIndex && entries > 0 && at + 1 < this.#runs.length;) {
      at += 1;
      run = this.#at(at);
      if (run.term !== first.term || run.bytesBetween(run.firstIndex, run.firstIndex) > bytes) break;
      const last = run.lastWithin(run.firstIndex, { entriesPerMessageMax: entries, bytesPerMessageMax: bytes });
      part = run.slice(run.firstIndex, last);
      parts.push(part);
      entries -= part.count;
      bytes -= part.bytes;
    }
    this.#lastSent = Run.join(parts);
    return this.#lastSent;
  }

  /** The entries `from` to `to`, both included, whatever their terms. */
  range(from: number, to: number): readonly Run[] {
    assert(from > this.#base.index && to <= this.#lastIndex, `Cannot read entries ${from} to ${to} of the log`);
    const runs: Run[] = [];
    if (from > to) return runs;
    for (let at = this.#positionOf(from); at < this.#runs.length && this.#at(at).firstIndex <= to; at++) {
      const run = this.#at(at);
      runs.push(run.slice(Math.max(from, run.firstIndex), Math.min(to, run.lastIndex)));
    }
    return runs;
  }

  /** Bytes of the entries `from` to `to`, both included. */
  bytesBetween(from: number, to: number): number {
    let bytes = 0;
    for (let index = from; index <= to;) {
      const run = this.#runAt(index);
      const last = Math.min(to, run.lastIndex);
      bytes += run.bytesBetween(index, last);
      index = last + 1;
    }
    return bytes;
  }

  /** Appends a run after the last entry and numbers its write. */
  append(run: Run): LogWrite {
    this.#push(run);
    return { number: this.#durability.begin(run.last), run };
  }

  /** Raft 5.3: removes the entry at `first` and all that follow it (B9: a kept tail would be entries nobody sent). */
  truncate(first: number): void {
    assert(first > this.#base.index && first <= this.#lastIndex, `Cannot truncate at ${first}`);
    this.#bytes -= this.bytesBetween(first, this.#lastIndex);
    const at = this.#positionOf(first);
    const cut = this.#at(at);
    this.#runs.length = at;
    if (cut.firstIndex < first) this.#runs.push(cut.slice(cut.firstIndex, first - 1));
    this.#lastIndex = toIndex(first - 1);
    this.#durability.truncate(first - 1);
    this.#configurations.truncate(first);
    this.#lastSent = undefined;
  }

  /** Write `number`, which ended with `last`, and all before it are durable. */
  persisted(number: number, last: EntryId): void {
    this.#durability.complete(number, last);
  }

  /** A snapshot holds everything up to `index`, which makes it durable by another way than the log. */
  coveredBySnapshot(index: number): void {
    this.#durability.raise(Math.min(index, this.lastIndex));
  }

  /** Raft 7: drops the entries at or below `last`, which a snapshot covers. */
  dropThrough(last: number): void {
    if (last <= this.#base.index) return;
    const at = this.#positionOf(last);
    const cut = this.#at(at);
    this.#bytes -= this.bytesBetween(this.firstIndex, last);
    this.#base = { index: toIndex(last), term: cut.term };
    this.#dropped = cut.lastIndex === last ? at + 1 : at;
    if (cut.lastIndex > last) this.#runs[at] = cut.slice(last + 1, cut.lastIndex);
    this.#configurations.drop(last);
    this.#durability.raise(last);
    this.#lastSent = undefined;
    if (this.#dropped * 2 < this.#runs.length) return;
    this.#runs = this.#runs.slice(this.#dropped);
    this.#dropped = 0;
  }

  /** Raft 7: discards the entire log, for a snapshot that it conflicts with or does not reach (B12). */
  reset(base: EntryId, configuration: Configuration): void {
    this.#base = { index: base.index, term: base.term };
    this.#runs = [];
    this.#dropped = 0;
    this.#lastIndex = base.index;
    this.#bytes = 0;
    this.#durability.truncate(base.index);
    this.#durability.raise(base.index);
    this.#configurations.reset(base.index, configuration);
    this.#lastSent = undefined;
  }

  #push(run: Run): void {
    const { index, term } = run.first;
    if (index !== this.#lastIndex + 1) fail(`Cannot append entry ${index}: last index is ${this.#lastIndex}`);
    if (term < this.lastTerm) fail(`Cannot append term ${term} after term ${this.lastTerm}`);
    this.#runs.push(run);
    this.#lastIndex = run.lastIndex;
    this.#bytes += run.bytes;
    // A peer may be sent more now from the same place on.
    this.#lastSent = undefined;
    for (const placed of run.configurations) this.#configurations.push(placed.index, placed.configuration);
  }

  #runAt(index: number): Run {
    return this.#at(this.#positionOf(index));
  }

  /** The place of the run that holds `index`: most often the last. */
  #positionOf(index: number): number {
    const last = this.#runs.length - 1;
    if (last > this.#dropped && this.#at(last).firstIndex <= index) return last;
    return this.#firstWhere((run) => run.lastIndex >= index);
  }

  /** The place of the first run for which `holds`, which it does for all that follow; behind the last where there is none. */
  #firstWhere(holds: (run: Run) => boolean): number {
    let low = this.#dropped;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#at(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #at(position: number): Run {
    const run = this.#runs[position];
    assert(run !== undefined && position >= this.#dropped, "Cannot read an entry outside the log");
    return run;
  }
}
