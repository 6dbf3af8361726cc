/** The one log that the cluster agreed on, as its first applications showed it, and what every key was after each entry. */

import { decodeCommand, unstampCommand } from "../../lib/kv/commands.ts";
import type { Configuration, Entry } from "../../lib/raft/types.ts";
import { CommittedLog } from "../support/raft/checks/committed_log.ts";
import { KeyspaceModel, type ModelResult } from "./model/keyspace_model.ts";
import type { ModelRecord, ModelState } from "./model/record.ts";
import type { ModelRights } from "./model/rights.ts";

/** A key after the entry at `index`; the record is undefined when it was not there. */
interface Version {
  readonly index: number;
  readonly record: ModelRecord | undefined;
}

/** What a read reads: the state after an entry, judged by a time. */
export interface Moment {
  readonly index: number;
  readonly nowMs: number;
}

/** The committed log and the state of a model that applies it. */
export class Reference extends CommittedLog {
  readonly configurations: { readonly index: number; readonly configuration: Configuration }[] = [];
  readonly #versions = new Map<string, Version[]>();
  readonly #indexByCommand = new Map<string, number>();
  readonly #results = new Map<number, ModelResult>();
  /** By index. */
  readonly #times: number[] = [0];
  readonly #model = new KeyspaceModel((key, record) => this.#change(key, record));

  /** Takes the next entry. */
  override append(entry: Entry): void {
    super.append(entry);
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

  /** Where a command was committed, the last time; undefined while it is not. Those of unique values are found. */
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

  /** Every key after the entry at `index`, with those whose time is up and that no entry has removed. */
  recordsAt(index: number): readonly (readonly [key: string, record: ModelRecord])[] {
    return this.keys().flatMap((key) => {
      const record = this.recordAt(key, index);
      return record === undefined ? [] : [[key, record] as const];
    });
  }

  /** A key after the entry at `index` as a read judges it that was told `nowMs`. */
  seenAt(key: string, { index, nowMs }: Moment): ModelRecord | undefined {
    const record = this.recordAt(key, index);
    return isDue(record, nowMs) ? undefined : record;
  }

  /** Whether somebody with that login may do something after the entry at `index`. */
  allowsAt(login: number, index: number): boolean {
    return this.#model.users.allowsAt(login, index);
  }

  /** What somebody with that login may do after the entry at `index`; undefined for nobody. */
  rightsAt(login: number, index: number): ModelRights | undefined {
    return this.#model.users.rightsAt(login, index);
  }

  /** The token by which one comes in who has that login. */
  tokenOf(login: number): ReturnType<KeyspaceModel["users"]["tokenOf"]> {
    return this.#model.users.tokenOf(login);
  }

  /** The cluster's time after the entry at `index`. */
  timeAt(index: number): number {
    return this.#times[index] ?? 0;
  }

  /** The time at which the first command after `index` is done; undefined while there is none. */
  timeAfter(index: number): number | undefined {
    const next = this.entries.slice(index).find(({ type }) => type === "Command");
    return next === undefined ? undefined : this.#times[next.index];
  }

  /** All keys after the entry at `index`, as a read judges them that was told `nowMs`. */
  stateAt({ index, nowMs }: Moment): ModelState {
    return {
      get: (key) => this.seenAt(key, { index, nowMs }),
      names: () => this.keys().filter((key) => this.seenAt(key, { index, nowMs }) !== undefined).sort(byBytes),
      size: this.keys().filter((key) => this.recordAt(key, index) !== undefined).length,
      timeMs: this.timeAt(index),
    };
  }

  /** Whether a key was there after each entry from `first` to `last`, for reads that were told `nowMs` at the latest. */
  stayed(
    key: string,
    { first, last, nowMs }: { readonly first: number; readonly last: number; readonly nowMs: number },
  ): boolean {
    const between = (this.#versions.get(key) ?? []).filter(({ index }) => index > first && index <= last);
    const records = [this.recordAt(key, first), ...between.map(({ record }) => record)];
    return records.every((record) => record !== undefined && !isDue(record, nowMs));
  }

  /** Every key that was ever written. */
  keys(): readonly string[] {
    return [...this.#versions.keys()];
  }
}

function isDue(record: ModelRecord | undefined, nowMs: number): boolean {
  return record?.expiresAt !== undefined && record.expiresAt <= nowMs;
}

function byBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
