/**
 * One server of Raft: a function with memory.
 *
 * `step(event)` takes one event and returns everything that is to be done about it. There is no clock, no chance but the
 * injected one, no input and no output here; so a simulator can run a whole cluster from one seed. Each RPC has a file of
 * its own on either side, the role has one writer (roles.ts), and what follows from any step (commits handed out, reads
 * confirmed, a joint configuration left) is settled here, once, at its end.
 */

import { unreachable } from "../base/assert.ts";
import { acknowledgePersisted } from "./append_entries.ts";
import { advanceCommit, applyCommitted } from "./commit.ts";
import { type Core, isLeading } from "./core.ts";
import type { Event } from "./events.ts";
import { isFounding, learnClusterId } from "./founding.ts";
import { resetDisk } from "./hanging_disk.ts";
import { handleSnapshotInstalled, handleSnapshotRejected, handleSnapshotTaken } from "./install_snapshot.ts";
import { assertInvariants } from "./invariants.ts";
import { handleChangeMembership, leaveJoint, nameCluster, stepDownIfRemoved } from "./membership.ts";
import type { RaftOptions } from "./options.ts";
import { handlePropose } from "./propose.ts";
import { handleQuarantine, handleSendSnapshot } from "./quarantine.ts";
import { handleRead, settleReads } from "./read_index.ts";
import { handleMessage } from "./receive.ts";
import type { Run } from "./run.ts";
import { startCore } from "./start.ts";
import type { RaftStatus } from "./status.ts";
import { describeStatus } from "./status_report.ts";
import { handlePeerDisconnected, handlePeerIntroduced, handleStalled, handleTick } from "./tick.ts";
import { handleTransferLeadership, settleTransfer } from "./transfer.ts";
import {
  type Configuration,
  type Entry,
  type EntryId,
  type HardState,
  type Index,
  type NodeId,
  type Role,
  type Term,
  toIndex,
} from "./types.ts";
import type { Update } from "./update.ts";

/** The Raft core of one server. Synchronous; throws `AssertionFailure` for bugs of ours only, never for what peers send. */
export class RaftNode {
  readonly #core: Core;
  /** What the driver was last told to keep. */
  #hardState: HardState;

  constructor(options: RaftOptions) {
    this.#core = startCore(options);
    this.#hardState = options.hardState;
  }

  /** Takes one event; the effects are to be performed in the order of `Update`. */
  step(event: Event): Update {
    const core = this.#core;
    handleEvent(core, event);
    settle(core);
    assertInvariants(core);
    return core.outbox.take(this.#changedHardState());
  }

  get id(): NodeId {
    return this.#core.id;
  }

  get role(): Role {
    return this.#core.roleState.role;
  }

  get currentTerm(): Term {
    return this.#core.currentTerm;
  }

  /** The leader of the current term, this server included; undefined while none is known. */
  get leaderId(): NodeId | undefined {
    return this.#core.leaderId;
  }

  get commitIndex(): Index {
    return toIndex(this.#core.commitIndex);
  }

  /** The last entry of the log, durable or not. */
  get lastEntry(): EntryId {
    const { log } = this.#core;
    return { index: log.lastIndex, term: log.lastTerm };
  }

  /** The last entry that is durable here. */
  get lastDurable(): EntryId {
    const { log } = this.#core;
    return { index: log.durableIndex, term: log.termAt(log.durableIndex) ?? log.base.term };
  }

  /** The latest configuration in the log, committed or not: the one in force here (Raft 6). */
  get configuration(): Configuration {
    return this.#core.log.configuration;
  }

  /** Index of that configuration; of the snapshot's last entry when it is older. */
  get configurationIndex(): Index {
    return toIndex(this.#core.log.configurationIndex);
  }

  /** The same of the latest configuration that is committed for certain, known as such or not; 0 for none. */
  get settledConfigurationIndex(): Index {
    return toIndex(this.#core.log.settledConfigurationIndex(this.#core.commitIndex));
  }

  /** Bytes of the entries in memory. */
  get heldBytes(): number {
    return this.#core.log.bytes;
  }

  /** Messages dropped in this life because no election leads to their term (divergence D18). */
  get strayTerms(): number {
    return this.#core.strayTerms;
  }

  /** The id of the cluster; undefined until it is known to be committed. */
  get clusterId(): string | undefined {
    return this.#core.clusterId;
  }

  /** Whether this server leads a new cluster whose id is not committed yet: it takes no commands for that moment. */
  get isFounding(): boolean {
    return isLeading(this.#core) && isFounding(this.#core);
  }

  /** The last `count` entries in memory, oldest first. */
  logTail(count: number): readonly Entry[] {
    return this.logRuns(this.#core.log.lastIndex - count).flatMap((run) => run.entries());
  }

  /** The entries in memory behind `index`, in order. */
  logRuns(index: number): readonly Run[] {
    const { log } = this.#core;
    const from = Math.max(log.firstIndex, index + 1);
    return from > log.lastIndex ? [] : log.range(from, log.lastIndex);
  }

  /** Bytes of the entries in memory behind `index`. */
  bytesBehind(index: number): number {
    const { log } = this.#core;
    return log.bytesBetween(Math.max(log.firstIndex, index + 1), log.lastIndex);
  }

  /** What is to be kept: durable here, or being made so. */
  get hardState(): HardState {
    return this.#hardState;
  }

  /** A copy of what there is to know. Not for hot paths. */
  status(): RaftStatus {
    return describeStatus(this.#core);
  }

  #changedHardState(): HardState | undefined {
    const { currentTerm, votedFor, clusterId } = this.#core;
    const known = this.#hardState;
    const same = known.currentTerm === currentTerm && known.votedFor === votedFor && known.clusterId === clusterId;
    if (same) return undefined;
    this.#hardState = { currentTerm, votedFor, ...(clusterId === undefined ? {} : { clusterId }) };
    return this.#hardState;
  }
}

function handleEvent(core: Core, event: Event): void {
  switch (event.type) {
    case "Tick":
      return handleTick(core);
    case "Receive":
      return handleMessage(core, event.message);
    case "Propose":
      return handlePropose(core, event);
    case "Read":
      return handleRead(core, event);
    case "Persisted":
      core.log.persisted(event.write, event.last);
      resetDisk(core);
      return isLeading(core) ? advanceCommit(core) : acknowledgePersisted(core);
    case "ChangeMembership":
      return handleChangeMembership(core, event);
    case "TransferLeadership":
      return handleTransferLeadership(core, event);
    case "SnapshotTaken":
      return handleSnapshotTaken(core, event);
    case "SnapshotInstalled":
      return handleSnapshotInstalled(core, event);
    case "SnapshotRejected":
      return handleSnapshotRejected(core, event);
    case "PeerDisconnected":
      return handlePeerDisconnected(core, event.peer);
    case "PeerIntroduced":
      return handlePeerIntroduced(core, event);
    case "Stalled":
      return handleStalled(core);
    case "Quarantine":
      return handleQuarantine(core, event);
    case "SendSnapshot":
      return handleSendSnapshot(core, event);
    default:
      return unreachable(event);
  }
}

/** What may have become possible in a step, whatever the event was. Stepping down comes last. */
function settle(core: Core): void {
  if (isLeading(core)) {
    leaveJoint(core);
    nameCluster(core);
    settleTransfer(core);
    settleReads(core);
    stepDownIfRemoved(core);
  }
  applyCommitted(core);
  learnClusterId(core);
}
