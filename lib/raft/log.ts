/** The log in memory: the entries after a dropped prefix, with their terms, runs for messages, and what is durable. */

import { assert, fail } from "../base/assert.ts";
import { ConfigurationHistory } from "./configuration_history.ts";
import { Durability } from "./durability.ts";
import { type Configuration, type Entry, type EntryId, type Index, type Term, toIndex } from "./types.ts";
import type { LogWrite } from "./update.ts";

/** What a log is made of at start: `entries` follow `base` without a gap and are durable. */
export interface RaftLogStart {
  readonly base: EntryId;
  readonly configuration: Configuration;
  readonly entries: readonly Entry[];
}

/** Bounds of one message. */
export interface RunLimits {
  readonly entriesPerMessageMax: number;
  readonly bytesPerMessageMax: number;
}

const NO_ENTRIES: readonly Entry[] = [];

/**
 * The log of one server. Indexes run without a gap from `firstIndex` to `lastIndex`; `base` is the entry before the first,
 * dropped but known by its id. Invariants: terms never fall along the log; `base.index <= durableIndex <= lastIndex`.
 */
export class RaftLog {
  #base: EntryId;
  #entries: Entry[];
  /** Entries at the front of `#entries` that are dropped: they go when they outnumber the others, so dropping is O(1) each. */
  #dropped = 0;
  #bytes = 0;
  readonly #durability: Durability;
  readonly #configurations: ConfigurationHistory;
  // Two peers at the same place get the same array, and the write has it too: it is encoded once, by identity.
  #lastAppended = NO_ENTRIES;
  #lastRun = NO_ENTRIES;

  constructor(start: RaftLogStart) {
    this.#base = { index: start.base.index, term: start.base.term };
    this.#entries = [];
    this.#configurations = new ConfigurationHistory(start.base.index, start.configuration);
    for (const entry of start.entries) this.#push(entry);
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
    return toIndex(this.#base.index + this.#entries.length - this.#dropped);
  }

  get lastTerm(): Term {
    return this.#entries.length === this.#dropped ? this.#base.term : this.#at(this.lastIndex).term;
  }

  /** Bytes of the commands in memory. */
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
    if (!(index > this.#base.index)) return undefined;
    return this.#entries[this.#position(index)]?.term;
  }

  /** The lowest index in the log whose entry has the term of the entry at `index`, found by bisection. */
  firstIndexOfTerm(index: number): Index {
    const term = this.#at(index).term;
    let low: number = this.firstIndex;
    let high = index;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#at(middle).term < term) low = middle + 1;
      else high = middle;
    }
    return toIndex(low);
  }

  /** The highest index at or below `atMost` whose entry has `term`, or undefined. Bisection: terms never fall. */
  lastIndexOfTerm(term: number, atMost: number): Index | undefined {
    if (atMost < this.#base.index) return undefined;
    let low: number = this.#base.index;
    let high = Math.min(atMost, this.lastIndex);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#at(middle).term > term) high = middle - 1;
      else low = middle;
    }
    return this.termAt(low) === term ? toIndex(low) : undefined;
  }

  /** Entries of one term (divergence D7) from `from` on, as many as one message may hold, at least one; none above `lastIndex`. */
  run(from: number, limits: RunLimits): readonly Entry[] {
    if (from > this.lastIndex) return NO_ENTRIES;
    if (this.#lastAppended[0]?.index === from) return this.#lastAppended;
    if (this.#lastRun[0]?.index === from) return this.#lastRun;
    const term = this.#at(from).term;
    const end = Math.min(this.lastIndex, from + limits.entriesPerMessageMax - 1);
    let bytes = entryBytes(this.#at(from));
    let last = from;
    while (last < end) {
      const next = this.#at(last + 1);
      bytes += entryBytes(next);
      if (next.term !== term || bytes > limits.bytesPerMessageMax) break;
      last += 1;
    }
    this.#lastRun = this.range(from, last);
    return this.#lastRun;
  }

  /** The entries `from` to `to`, both included, whatever their terms. */
  range(from: number, to: number): readonly Entry[] {
    assert(from > this.#base.index && to <= this.lastIndex, `Cannot read entries ${from} to ${to} of the log`);
    return this.#entries.slice(this.#position(from), this.#position(to) + 1);
  }

  /** Bytes of the commands of the entries `from` to `to`, both included. */
  bytesBetween(from: number, to: number): number {
    let bytes = 0;
    for (let index = from; index <= to; index++) bytes += entryBytes(this.#at(index));
    return bytes;
  }

  /** Appends entries of one term after the last one and numbers their write. The array is kept: never change it again. */
  append(entries: readonly Entry[]): LogWrite {
    for (const entry of entries) this.#push(entry);
    const last = entries.at(-1);
    assert(last !== undefined, "Cannot append no entries");
    this.#lastAppended = entries;
    return { number: this.#durability.begin({ index: last.index, term: last.term }), entries };
  }

  /** Raft 5.3: removes the entry at `first` and all that follow it (B9: a kept tail would be entries nobody sent). */
  truncate(first: number): void {
    assert(first > this.#base.index && first <= this.lastIndex, `Cannot truncate at ${first}`);
    this.#bytes -= this.bytesBetween(first, this.lastIndex);
    this.#entries.length = this.#position(first);
    this.#durability.truncate(first - 1);
    this.#configurations.truncate(first);
    this.#forgetRuns();
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
    const { term } = this.#at(last);
    this.#bytes -= this.bytesBetween(this.firstIndex, last);
    this.#dropped += last - this.#base.index;
    this.#base = { index: toIndex(last), term };
    this.#configurations.drop(last);
    this.#durability.raise(last);
    if (this.#dropped * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#dropped);
    this.#dropped = 0;
  }

  /** Raft 7: discards the entire log, for a snapshot that it conflicts with or does not reach (B12). */
  reset(base: EntryId, configuration: Configuration): void {
    this.#base = { index: base.index, term: base.term };
    this.#entries = [];
    this.#dropped = 0;
    this.#bytes = 0;
    this.#durability.truncate(base.index);
    this.#durability.raise(base.index);
    this.#configurations.reset(base.index, configuration);
    this.#forgetRuns();
  }

  #push(entry: Entry): void {
    if (entry.index !== this.lastIndex + 1) fail(`Cannot append entry ${entry.index}: last index is ${this.lastIndex}`);
    if (entry.term < this.lastTerm) fail(`Cannot append term ${entry.term} after term ${this.lastTerm}`);
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
    if (entry.type === "Configuration") this.#configurations.push(entry.index, entry.configuration);
  }

  #at(index: number): Entry {
    const entry = index > this.#base.index ? this.#entries[this.#position(index)] : undefined;
    assert(entry !== undefined, "Cannot read an entry outside the log");
    return entry;
  }

  #position(index: number): number {
    return index - this.#base.index - 1 + this.#dropped;
  }

  #forgetRuns(): void {
    this.#lastAppended = NO_ENTRIES;
    this.#lastRun = NO_ENTRIES;
  }
}

/** What an entry counts towards limits in bytes. */
function entryBytes(entry: Entry): number {
  return entry.type === "Command" ? entry.command.length : 0;
}
