/** The applied side of a node: the state machine, how far it is, and what is committed but not applied yet. */

import type { CommandResult } from "../kv/results.ts";
import type { StateMachine } from "../kv/state_machine.ts";
import type { Counter, Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import type { Configuration, Entry, EntryId } from "../raft/types.ts";

/** Where the applied state begins. */
export interface AppliedState {
  readonly state: StateMachine;
  readonly id: EntryId;
  readonly configuration: Configuration;
}

/** What the applier tells the driver. */
export interface ApplierHandler {
  /** An entry was applied; what is no command has the result `Invalid`. */
  applied(id: EntryId, result: CommandResult): void;
  configurationCommitted(configuration: Configuration): void;
}

/** Applies committed entries in order, each once. Owns the state machine. */
export class Applier {
  readonly #handler: ApplierHandler;
  readonly #appliedCount: Counter;
  #present: AppliedState;
  #committed: (readonly Entry[])[] = [];
  #entriesSinceSnapshot = 0;
  #bytesSinceSnapshot = 0;

  /** Goes on from `begin`. */
  constructor(begin: AppliedState, parts: { handler: ApplierHandler; metrics: Registry }) {
    this.#present = begin;
    this.#handler = parts.handler;
    this.#appliedCount = parts.metrics.counter(METRIC.proposalsApplied);
  }

  /** The applied state, its last entry and the configuration there. The state machine changes with an installation. */
  get present(): AppliedState {
    return this.#present;
  }

  /** Takes committed entries, applied by the next `apply`. */
  commit(entries: readonly Entry[]): void {
    if (entries.length > 0) this.#committed.push(entries);
  }

  /** Applies everything that is committed. */
  apply(): void {
    const batches = this.#committed;
    if (batches.length === 0) return;
    this.#committed = [];
    for (const entries of batches) for (const entry of entries) this.#applyEntry(entry);
  }

  /** A snapshot's state takes the place of the present one, unless that is newer: then false. */
  install(loaded: AppliedState): boolean {
    if (loaded.id.index <= this.#present.id.index) return false;
    this.#present = loaded;
    this.restartCount();
    this.#handler.configurationCommitted(loaded.configuration);
    return true;
  }

  /** Whether so much has been applied since the last snapshot that another one is due. */
  snapshotIsDue(limits: { readonly entries: number; readonly bytes: number }): boolean {
    return this.#entriesSinceSnapshot >= limits.entries || this.#bytesSinceSnapshot >= limits.bytes;
  }

  /** A snapshot of the present state begins: count from here. */
  restartCount(): void {
    this.#entriesSinceSnapshot = 0;
    this.#bytesSinceSnapshot = 0;
  }

  #applyEntry(entry: Entry): void {
    // A snapshot installed meanwhile may hold it already.
    if (entry.index <= this.#present.id.index) return;
    const { state } = this.#present;
    this.#entriesSinceSnapshot += 1;
    this.#appliedCount.add();
    let result: CommandResult = { type: "Invalid", revision: entry.index };
    if (entry.type === "Command") {
      this.#bytesSinceSnapshot += entry.command.length;
      result = state.apply(entry.index, entry.command);
    } else state.skip(entry.index);
    const configuration = entry.type === "Configuration" ? entry.configuration : this.#present.configuration;
    this.#present = { state, id: entry, configuration };
    this.#handler.applied(entry, result);
    if (entry.type === "Configuration") this.#handler.configurationCommitted(configuration);
  }
}
