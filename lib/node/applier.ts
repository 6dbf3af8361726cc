/** The applied side of a node: the state machine, how far it is, and what is committed but not applied yet. */

import type { CommandResult } from "../kv/results.ts";
import type { StateMachine } from "../kv/state_machine.ts";
import type { Clock } from "../base/clock.ts";
import type { Counter, Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import type { Configuration, Entry, EntryId } from "../raft/types.ts";
import { APPLIED_ENTRY_BYTES, APPLIED_PER_TURN_BYTES } from "./limits.ts";

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
  /** More was committed than belonged into one turn of the event loop, and the next one has come: `apply` is to be called. */
  hasMore(): void;
}

/** Applies committed entries in order, each once. Owns the state machine. */
export class Applier {
  readonly #clock: Clock;
  readonly #handler: ApplierHandler;
  readonly #committedCount: Counter;
  readonly #appliedCount: Counter;
  #state: StateMachine;
  #last: EntryId;
  #configuration: Configuration;
  #committed: (readonly Entry[])[] = [];
  /** The next entry of the first of them. */
  #at = 0;
  #waitsForTurn = false;
  #entriesSinceSnapshot = 0;
  #bytesSinceSnapshot = 0;
  #keysAtSnapshot: number;
  #bytesAtSnapshot: number;

  /** Goes on from `begin`. */
  constructor(begin: AppliedState, parts: { clock: Clock; handler: ApplierHandler; metrics: Registry }) {
    this.#state = begin.state;
    this.#keysAtSnapshot = begin.state.size;
    this.#bytesAtSnapshot = begin.state.bytes;
    this.#last = begin.id;
    this.#configuration = begin.configuration;
    this.#clock = parts.clock;
    this.#handler = parts.handler;
    this.#committedCount = parts.metrics.counter(METRIC.proposalsCommitted);
    this.#appliedCount = parts.metrics.counter(METRIC.proposalsApplied);
  }

  /** The applied state. */
  get state(): StateMachine {
    return this.#state;
  }

  /** The applied state, its last entry and the configuration there. The state machine changes with an installation. */
  get present(): AppliedState {
    return { state: this.#state, id: this.#last, configuration: this.#configuration };
  }

  /** Takes committed entries, applied by the next `apply`. */
  commit(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#committedCount.add(entries.length);
    this.#committed.push(entries);
  }

  /** Applies what is committed, as much as belongs into one turn of the event loop; in that turn nothing more, however often. */
  apply(): void {
    if (this.#waitsForTurn) return;
    let left = APPLIED_PER_TURN_BYTES;
    for (let entries = this.#committed[0]; entries !== undefined; entries = this.#committed[0]) {
      for (; this.#at < entries.length; this.#at++) {
        const entry = entries[this.#at];
        if (entry === undefined) continue;
        if (left <= 0) return this.#goOnLater();
        left -= APPLIED_ENTRY_BYTES + (entry.type === "Command" ? entry.command.length : 0);
        this.#applyEntry(entry);
      }
      this.#at = 0;
      this.#committed.shift();
    }
  }

  #goOnLater(): void {
    this.#waitsForTurn = true;
    this.#clock.after(0, () => {
      this.#waitsForTurn = false;
      this.#handler.hasMore();
    });
  }

  /** A snapshot's state takes the place of the present one, unless that is newer: then false. */
  install(loaded: AppliedState): boolean {
    if (loaded.id.index <= this.#last.index) return false;
    const { sink } = this.#state;
    if (sink !== undefined) loaded.state.tell(sink);
    this.#state.passTimeOn(loaded.state);
    sink?.jumped(loaded.id.index);
    this.#state = loaded.state;
    this.#last = loaded.id;
    this.#configuration = loaded.configuration;
    this.restartCount();
    this.#handler.configurationCommitted(loaded.configuration);
    return true;
  }

  /**
   * Whether so much has been applied since the last snapshot that another one is due: half as much as the state was large then,
   * at the least, so that a write does not cost the more the more keys there are.
   */
  snapshotIsDue({ entries, bytes }: { readonly entries: number; readonly bytes: number }): boolean {
    return this.#entriesSinceSnapshot >= Math.max(entries, this.#keysAtSnapshot / 2) ||
      this.#bytesSinceSnapshot >= Math.max(bytes, this.#bytesAtSnapshot / 2);
  }

  /** A snapshot of the present state begins: count from here. */
  restartCount(): void {
    this.#entriesSinceSnapshot = 0;
    this.#bytesSinceSnapshot = 0;
    this.#keysAtSnapshot = this.#state.size;
    this.#bytesAtSnapshot = this.#state.bytes;
  }

  #applyEntry(entry: Entry): void {
    // A snapshot installed meanwhile may hold it already.
    if (entry.index <= this.#last.index) return;
    if (entry.term !== this.#last.term) this.#state.keepWarrantedTime();
    this.#entriesSinceSnapshot += 1;
    this.#appliedCount.add();
    let result: CommandResult | undefined;
    if (entry.type === "Command") {
      this.#bytesSinceSnapshot += entry.command.length;
      result = this.#state.apply(entry.index, entry.command);
    } else this.#state.skip(entry.index);
    if (entry.type === "Configuration") this.#configuration = entry.configuration;
    this.#last = entry;
    this.#handler.applied(entry, result ?? { type: "Invalid", revision: entry.index });
    if (entry.type === "Configuration") this.#handler.configurationCommitted(entry.configuration);
  }
}
