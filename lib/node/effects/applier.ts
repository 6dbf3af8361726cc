/** Applies what is committed to the state machine, and tells those who wait for it. */

import type { Clock } from "../../base/clock.ts";
import type { CommandResult } from "../../kv/results.ts";
import type { Counter, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import { EntryReader, type Run } from "../../raft/run.ts";
import { type EntryId, toIndex } from "../../raft/types.ts";
import type { Applied, AppliedState } from "./applied.ts";
import type { Inbox } from "../inbox.ts";
import { EXPECTED_KEYS_MAX } from "../../store/expected_keys.ts";
import { Span } from "../../store/span.ts";
import { APPLIED_ENTRY_BYTES, APPLIED_PER_TURN_BYTES, CHECK_ENTRIES } from "../limits.ts";
import type { NodeLog } from "../options.ts";
import type { PeerDirectory } from "../membership/peer_directory.ts";
import type { StateChecks } from "../self_check/state_checks.ts";
import type { UserWatch } from "../users/user_watch.ts";
import type { PendingWrites } from "../writes/pending_writes.ts";

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
  readonly userWatch: Pick<UserWatch, "look" | "replaced">;
  readonly checks: Pick<StateChecks, "dueMs" | "take" | "restart">;
}

/** How far a run is applied. */
interface PlaceInRun {
  readonly reader: EntryReader;
  /** At the last entry that the state machine expects. */
  readonly ahead: EntryReader;
  /** Of the entry that is read next. */
  index: number;
}

/** Applies committed entries in order, each once. The only one that changes the applied state. */
export class Applier {
  readonly #applied: Applied;
  readonly #parts: ApplierParts;
  readonly #committedCount: Counter;
  readonly #appliedCount: Counter;
  readonly #snapshotsInstalled: Counter;
  #committed: Run[] = [];
  /** The next entry of the first of them. */
  #place: PlaceInRun | undefined;
  readonly #command = new Span();
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

  /** Bytes of memory that the state holds. */
  get heldBytes(): number {
    return this.#applied.state.heldBytes;
  }

  /** Takes committed entries, applied by the next `apply`. */
  commit(runs: readonly Run[]): void {
    for (const run of runs) {
      this.#committedCount.add(run.count);
      this.#committed.push(run);
    }
  }

  /** Applies what is committed, as much as belongs into one turn of the event loop; in that turn nothing more, however often. */
  apply(): void {
    if (this.#waitsForTurn) return;
    let left = APPLIED_PER_TURN_BYTES;
    for (let [run] = this.#committed; run !== undefined; [run] = this.#committed) {
      const { body, firstIndex } = run;
      this.#place ??= { reader: new EntryReader(body), ahead: new EntryReader(body), index: firstIndex };
      const { reader, ahead } = this.#place;
      while (!reader.isAtEnd) {
        if (left <= 0) return this.#goOnLater();
        if (reader.end === ahead.end) this.#expect(body, ahead);
        reader.next();
        left -= APPLIED_ENTRY_BYTES + reader.end - reader.start;
        this.#applyEntry(run, this.#place);
        this.#place.index += 1;
      }
      this.#place = undefined;
      this.#committed.shift();
    }
  }

  /** Lets the state machine know of the next entries. */
  #expect(body: Uint8Array, ahead: EntryReader): void {
    const { state } = this.#applied;
    for (let count = 0; count < EXPECTED_KEYS_MAX && ahead.next(); count++) {
      if (ahead.isCommand) state.expect(this.#command.set(body, ahead.start, ahead.end));
    }
    state.fetchExpected();
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
    this.#parts.userWatch.replaced(state.users);
    this.#parts.checks.restart(state);
    this.#parts.directory.configurationCommitted(configuration);
    this.#snapshotsInstalled.add();
    this.#parts.pendingWrites.jumpedTo(id.index);
    this.#parts.log("info", `Installed the leader's snapshot at index ${id.index}`);
    return true;
  }

  /**
   * Whether so much has been applied since the last snapshot that another one is due: half as much as the state was large then,
   * at the least, so that a write does not cost the more the more keys there are, but never more bytes than `bytesMax`.
   */
  snapshotIsDue(
    { entries, bytes, bytesMax }: { readonly entries: number; readonly bytes: number; readonly bytesMax: number },
  ): boolean {
    return this.#entriesSinceSnapshot >= Math.max(entries, this.#keysAtSnapshot / 2) ||
      this.#bytesSinceSnapshot >= Math.min(Math.max(bytes, this.#bytesAtSnapshot / 2), bytesMax);
  }

  /** A snapshot of the present state begins: count from here. */
  restartCount(): void {
    this.#entriesSinceSnapshot = 0;
    this.#bytesSinceSnapshot = 0;
    this.#keysAtSnapshot = this.#applied.state.size;
    this.#bytesAtSnapshot = this.#applied.state.bytes;
  }

  #applyEntry(run: Run, { reader, index }: PlaceInRun): void {
    const applied = this.#applied;
    // A snapshot installed meanwhile may hold it already.
    if (index <= applied.id.index) return;
    if (run.term !== applied.id.term) applied.state.keepWarrantedTime();
    this.#entriesSinceSnapshot += 1;
    this.#appliedCount.add();
    let result: CommandResult | undefined;
    if (reader.isCommand) {
      this.#bytesSinceSnapshot += reader.end - reader.start;
      result = applied.state.apply(index, this.#command.set(run.body, reader.start, reader.end));
      // Before anybody hears that a user was removed.
      this.#parts.userWatch.look(applied.state.users);
    } else applied.state.skip(index);
    const { checks } = this.#parts;
    if (applied.state.timeMs >= checks.dueMs || index % CHECK_ENTRIES === 0) checks.take(index, applied.state);
    applied.id = { index: toIndex(index), term: run.term };
    const configuration = run.configurations.find((placed) => placed.index === index)?.configuration;
    if (configuration !== undefined) applied.configuration = configuration;
    this.#settle(applied.id, result ?? { type: "Invalid", revision: index });
    if (configuration !== undefined) this.#parts.directory.configurationCommitted(configuration);
  }

  #settle(id: EntryId, result: CommandResult): void {
    const { pendingWrites, raft } = this.#parts;
    if (pendingWrites.size > 0) pendingWrites.applied(id, { result, leaderId: raft.leaderId });
  }
}
