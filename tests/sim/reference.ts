/** The one log that the cluster agreed on, as its first applications showed it, and what every key was after each entry. */

import { decodeCommand, unstampCommand } from "../../lib/kv/commands.ts";
import type { Configuration, Entry } from "../../lib/raft/types.ts";
import { KeyspaceModel, type ModelResult } from "./model/keyspace_model.ts";
import type { ModelRecord, ModelState } from "./model/record.ts";

/** A key after the entry at `index`; the record is undefined when it was not there. */
interface Version {
  readonly index: number;
  readonly record: ModelRecord | undefined;
}

/** The committed log and the state of a model that applies it. */
export class Reference {
  /** By index - 1. */
  readonly entries: Entry[] = [];
  readonly configurations: { readonly index: number; readonly configuration: Configuration }[] = [];
  readonly #versions = new Map<string, Version[]>();
  readonly #indexByCommand = new Map<string, number>();
  readonly #results = new Map<number, ModelResult>();
  /** By index. */
  readonly #times: number[] = [0];
  readonly #model = new KeyspaceModel((key, record) => this.#change(key, record));

  /** Index of the last entry. */
  get lastIndex(): number {
    return this.entries.length;
  }

  /** The entry at an index. */
  at(index: number): Entry | undefined {
    return this.entries[index - 1];
  }

  /** Takes the next entry. */
  append(entry: Entry): void {
    this.entries.push(entry);
    if (entry.type === "Configuration") {
      this.configurations.push({ index: entry.index, configuration: entry.configuration });
    }
    if (entry.type === "Command") {
      const logged = decodeCommand(entry.command);
      if (logged !== undefined) this.#results.set(entry.index, this.#model.apply(logged, entry.index));
      this.#indexByCommand.set(unstampCommand(entry.command), entry.index);
    }
    this.#times.push(this.#model.timeMs);
  }

  #change(key: string, record: ModelRecord | undefined): void {
    const versions = this.#versions.get(key) ?? [];
    if (versions.length === 0) this.#versions.set(key, versions);
    versions.push({ index: this.lastIndex, record });
  }

  /** Where a put was committed; undefined while it is not. Values are unique. */
  indexOf(command: string): number | undefined {
    return this.#indexByCommand.get(command);
  }

  /** What applying the entry at an index gives, in the form of `resultToJson`. */
  resultAt(index: number): ModelResult | undefined {
    return this.#results.get(index);
  }

  /** A key after the entry at `index`. */
  recordAt(key: string, index: number): ModelRecord | undefined {
    const versions = this.#versions.get(key) ?? [];
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((versions[middle]?.index ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return versions[low - 1]?.record;
  }

  /** All keys after the entry at `index`. */
  stateAt(index: number): ModelState {
    return {
      get: (key) => this.recordAt(key, index),
      names: () => this.keys().filter((key) => this.recordAt(key, index) !== undefined).sort(byBytes),
      timeMs: this.#times[index] ?? 0,
    };
  }

  /** Whether a key was there after each entry from `first` to `last`. */
  stayed(key: string, { first, last }: { readonly first: number; readonly last: number }): boolean {
    if (this.recordAt(key, first) === undefined) return false;
    const between = (this.#versions.get(key) ?? []).filter(({ index }) => index > first && index <= last);
    return between.every(({ record }) => record !== undefined);
  }

  /** Every key that was ever written. */
  keys(): readonly string[] {
    return [...this.#versions.keys()];
  }
}

function byBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
