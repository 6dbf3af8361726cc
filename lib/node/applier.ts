/** Applies what is committed to the state machine, and tells those who wait for it. */

import type { Clock } from "../base/clock.ts";
import type { CommandResult } from "../kv/results.ts";
import type { Counter, Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import type { RaftNode } from "../raft/raft_node.ts";
import type { Entry } from "../raft/types.ts";
import type { Applied, AppliedState } from "./applied.ts";
import type { Inbox } from "./inbox.ts";
import { APPLIED_ENTRY_BYTES, APPLIED_PER_TURN_BYTES } from "./limits.ts";
import type { NodeLog } from "./options.ts";
import type { PeerDirectory } from "./peer_directory.ts";
import type { PendingWrites } from "./pending_writes.ts";

/** What the applier needs, and whom it tells. */
export interface ApplierParts {
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly log: NodeLog;
  readonly raft: Pick<RaftNode, "leaderId">;
  /** Woken when more was committed than belonged into one turn of the event loop, and the next one has come. */
  readonly inbox: Pick<Inbox, "wake">;
  readonly pendingWrites: Pick<PendingWrites, "size" | "applied" | "jumpedTo">;
  readonly directory: Pick<PeerDirectory, "configurationCommitted">;
}

/** Applies committed entries in order, each once. The only one that changes the applied state. */
export class Applier {
  readonly #applied: Applied;
  readonly #parts: ApplierParts;
  readonly #committedCount: Counter;
  readonly #appliedCount: Counter;
  readonly #snapshotsInstalled: Counter;
  #committed: (readonly Entry[])[] = [];
  /** The next entry of the first of them. */
  #at = 0;
  #waitsForTurn = false;
  #entriesSinceSnapshot = 0;
  #bytesSinceSnapshot = 0;
  #keysAtSnapshot: number;
  #bytesAtSnapshot: number;

  /** Goes on from what `applied` is now. */
  constructor(applied: Applied, parts: ApplierParts) {
    this.#applied = applied;
    this.#parts = parts;
    this.#keysAtSnapshot = applied.state.size;
    this.#bytesAtSnapshot = applied.state.bytes;
    this.#committedCount = parts.metrics.counter(METRIC.proposalsCommitted);
    this.#appliedCount = parts.metrics.counter(METRIC.proposalsApplied);
    this.#snapshotsInstalled = parts.metrics.counter(METRIC.snapshotsInstalled);
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
    this.#parts.clock.after(0, () => {
      this.#waitsForTurn = false;
      this.#parts.inbox.wake();
    });
  }

  /** A snapshot's state takes the place of the present one, unless that is newer: then false. */
  install({ state, id, configuration }: AppliedState): boolean {
    const applied = this.#applied;
    if (id.index <= applied.id.index) return false;
    const { sink } = applied.state;
    if (sink !== undefined) state.tell(sink);
    applied.state.passTimeOn(state);
    sink?.jumped(id.index);
    applied.state = state;
    applied.id = id;
    applied.configuration = configuration;
    this.restartCount();
    this.#parts.directory.configurationCommitted(configuration);
    this.#snapshotsInstalled.add();
    this.#parts.pendingWrites.jumpedTo(id.index);
    this.#parts.log("info", `Installed the leader's snapshot at index ${id.index}`);
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
    this.#keysAtSnapshot = this.#applied.state.size;
    this.#bytesAtSnapshot = this.#applied.state.bytes;
  }

  #applyEntry(entry: Entry): void {
    const applied = this.#applied;
    // A snapshot installed meanwhile may hold it already.
    if (entry.index <= applied.id.index) return;
    if (entry.term !== applied.id.term) applied.state.keepWarrantedTime();
    this.#entriesSinceSnapshot += 1;
    this.#appliedCount.add();
    let result: CommandResult | undefined;
    if (entry.type === "Command") {
      this.#bytesSinceSnapshot += entry.command.length;
      result = applied.state.apply(entry.index, entry.command);
    } else applied.state.skip(entry.index);
    applied.id = entry;
    if (entry.type === "Configuration") applied.configuration = entry.configuration;
    this.#settle(entry, result ?? { type: "Invalid", revision: entry.index });
    if (entry.type === "Configuration") this.#parts.directory.configurationCommitted(entry.configuration);
  }

  #settle(entry: Entry, result: CommandResult): void {
    const { pendingWrites, raft } = this.#parts;
    if (pendingWrites.size > 0) pendingWrites.applied(entry, { result, leaderId: raft.leaderId });
  }
}
