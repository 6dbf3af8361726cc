/** The driver: joins core, state machine, storage and transport, and is the only place that knows the order of effects. */

import { fault, type FaultSite } from "../base/faults.ts";
import type { Counter } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import { encodeCommand } from "../kv/commands.ts";
import type { StateMachine } from "../kv/state_machine.ts";
import type { Event } from "../raft/events.ts";
import type { Message } from "../raft/messages.ts";
import type { RaftNode } from "../raft/raft_node.ts";
import type { Configuration } from "../raft/types.ts";
import type { Update } from "../raft/update.ts";
import { type AppliedState, Applier } from "./applier.ts";
import type { NotDoneReason, ReadOutcome, SnapshotOutcome, WriteOutcome } from "./api.ts";
import type { DriverParts } from "./driver_parts.ts";
import * as limits from "./limits.ts";
import { PendingReads } from "./pending_reads.ts";
import { PendingWrites, type QueuedWrite } from "./pending_writes.ts";
import { Persistence } from "./persistence.ts";
import { hasRoomFor, isHeard } from "./reception.ts";
import { reasonOf } from "./refusal_reason.ts";
import { RoleObserver } from "./role_observer.ts";
import { ClusterTime } from "./time/cluster_time.ts";
import { WriteQueue } from "./write_queue.ts";

const ADVANCE = encodeCommand({ type: "Advance" });

/**
 * One pass per turn of the event loop: step every event of the inbox, send, write, sync, apply, answer.
 *
 * State owned here: the inbox, the writes waiting to be proposed, and whether the node has ended.
 */
export class Driver {
  /** The cluster's time at this node. */
  readonly time: ClusterTime;
  readonly #parts: DriverParts;
  readonly #raft: RaftNode;
  readonly #persistence: Persistence;
  readonly #applier: Applier;
  readonly #observer: RoleObserver;
  readonly #pendingWrites = new PendingWrites();
  readonly #reads = new PendingReads();
  readonly #queue = new WriteQueue();
  readonly #failures: Counter;
  readonly #refusedForSpace: Counter;
  readonly #readCount: Counter;
  readonly #snapshotsTaken: Counter;
  readonly #snapshotsInstalled: Counter;
  #inbox: Event[] = [];
  #passScheduled = false;
  #proposalId = 0;
  #proposedAt = 0;
  #now: number;
  #ended = false;
  #refusingWrites = false;
  #configuration: Configuration;

  /** A driver that waits for its first event. */
  constructor(parts: DriverParts) {
    const { metrics, raft, clock } = parts;
    this.#parts = parts;
    this.#raft = raft;
    this.#configuration = raft.configuration;
    this.#now = clock.now();
    this.#observer = new RoleObserver(raft, parts);
    this.#persistence = new Persistence(parts.storage, {
      clock,
      metrics,
      watch: parts.diskWatch,
      handler: {
        persisted: (write, last) => this.enqueue({ type: "Persisted", write, last }),
        release: (messages) => this.#release(messages),
        failed: (error) => this.fail(error),
      },
    });
    this.#applier = new Applier(parts.begin, {
      ...parts,
      handler: {
        applied: (id, result) => {
          if (this.#pendingWrites.size > 0) this.#pendingWrites.applied(id, { result, leaderId: raft.leaderId });
        },
        hasMore: () => this.#schedule(),
        configurationCommitted: (configuration) => parts.configurationCommitted(configuration),
      },
    });
    this.time = new ClusterTime({
      raft,
      clock: parts.clusterClock,
      dates: parts.dates,
      now: () => clock.now(),
      log: parts.log,
      applied: () => this.#applier.present,
    });
    this.#failures = metrics.counter(METRIC.proposalsFailed);
    this.#refusedForSpace = metrics.counter(METRIC.refusedForSpace);
    this.#readCount = metrics.counter(METRIC.reads);
    this.#snapshotsTaken = metrics.counter(METRIC.snapshotsTaken);
    this.#snapshotsInstalled = metrics.counter(METRIC.snapshotsInstalled);
    metrics.gauge(METRIC.proposalsPending, () => this.#pendingWrites.size + this.#queue.size);
  }

  /** The applied state and its place in the log. */
  get applied(): AppliedState {
    return this.#applier.present;
  }

  /** The applied state. */
  get state(): StateMachine {
    return this.#applier.state;
  }

  /** Whether no write or read waits for its outcome. */
  get drained(): boolean {
    return this.#pendingWrites.size === 0 && this.#queue.size === 0 && this.#reads.size === 0;
  }

  /** Writes that are proposed or wait for it. */
  get writesOpen(): number {
    return this.#pendingWrites.size + this.#queue.size;
  }

  /** The time of the last tick: exact enough for deadlines, and free. */
  get now(): number {
    return this.#now;
  }

  /** Plans a pass for the end of this turn. */
  wake(): void {
    this.#schedule();
  }

  /** Puts an event into the inbox; it is stepped at the end of this turn. */
  enqueue(event: Event): void {
    this.#inbox.push(event);
    this.#schedule();
  }

  /** See `KeyValueNode.write`; `command` is encoded. */
  write(command: string, done: (outcome: WriteOutcome) => void): void {
    this.submit({ command, deadline: this.#now + this.#parts.options.requestTimeoutMs, done });
  }

  /** The same for a write that has its deadline. */
  submit(write: QueuedWrite): void {
    const reason = this.#refusalOfWrite();
    if (reason !== undefined) return this.#refuseWrite(write, reason);
    this.#queue.push(write);
    this.#schedule();
  }

  /** See `KeyValueNode.read`. */
  read(done: (outcome: ReadOutcome) => void): void {
    if (this.#ended || this.#reads.size >= this.#parts.pendingLimits.readsMax) {
      const reason = this.#ended ? "Stopping" : "Overloaded";
      return queueMicrotask(() => done({ type: "NotDone", reason, leaderId: this.#raft.leaderId }));
    }
    this.#readCount.add();
    this.#reads.add({ deadline: this.#now + this.#parts.options.requestTimeoutMs, done });
    this.#schedule();
  }

  /** Takes a snapshot of what is applied now. Rejects with what ends the node. */
  async takeSnapshot(): Promise<SnapshotOutcome> {
    this.#applier.restartCount();
    const outcome = await this.#parts.snapshots.take();
    if (outcome.type === "Created") this.#snapshotsTaken.add();
    return outcome;
  }

  /** A received snapshot is loaded; the core hears of it afterwards. */
  install(loaded: AppliedState): void {
    if (!this.#applier.install(loaded)) return;
    this.#snapshotsInstalled.add();
    this.#pendingWrites.jumpedTo(loaded.id.index);
    this.#parts.log("info", `Installed the leader's snapshot at index ${loaded.id.index}`);
  }

  /** Refuses new writes from now on: the node is stopping. */
  refuseWrites(): void {
    this.#refusingWrites = true;
  }

  /** Ends requests whose deadline has passed; called with every tick. */
  expire(): void {
    const now = this.#parts.clock.now();
    this.#now = now;
    for (const write of this.#queue.expire(now)) this.#refuseWrite(write, "Timeout");
    this.#pendingWrites.expire(fault("node/writesExpireEarly") ? Infinity : now);
    const askedBefore = now - (fault("node/readsAskedAgain") ? 0 : limits.READ_RETRY_MS);
    this.#reads.expire(fault("node/readsExpireEarly") ? Infinity : now, askedBefore);
    if (this.#reads.hasCollected) this.#schedule();
    this.time.tick(now);
    if (this.time.sweepIsDue(now)) this.write(ADVANCE, (outcome) => this.#parts.ownEntries.advanced(outcome));
  }

  /** Ends every open request and takes no further event. */
  end(): void {
    this.#ended = true;
    this.#refuseQueued("Stopping");
    this.#pendingWrites.endAll();
    this.#reads.endAll();
  }

  /** Ends the node with `error`: nothing more is acknowledged. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#parts.failed(error);
  }

  #schedule(): void {
    if (this.#passScheduled || this.#ended) return;
    this.#passScheduled = true;
    this.#parts.clock.endOfTurn(() => {
      this.#passScheduled = false;
      if (this.#ended) return;
      try {
        this.#pass();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  #pass(): void {
    const inbox = this.#inbox;
    this.#inbox = inbox.length > 1 && fault("node/inboxInParts") ? inbox.splice(inbox.length >> 1) : [];
    if (this.#inbox.length > 0) this.#schedule();
    for (const event of inbox) if (this.#isTaken(event)) this.#take(event);
    if (this.time.takeOpening()) this.#advanceTime();
    const askedAt = this.#parts.clock.now();
    if (this.#reads.isDue(askedAt)) this.#stepRead({ type: "Read", id: this.#reads.ask(askedAt) });
    this.#parts.beforeProposals();
    if (!this.#putsOff("node/proposalsPutOff")) {
      while (this.#queue.size > 0 && !this.#isGathering()) this.#propose();
    }
    if (!this.#putsOff("node/sendingPutOff")) this.#parts.transport.flush();
    if (!this.#putsOff("node/syncPutOff")) this.#persistence.flush();
    if (!this.#putsOff("node/applyPutOff")) this.#applier.apply();
    this.time.tell();
    if (!this.#putsOff("node/readsServedLate")) this.#reads.serve(this.#applier.present);
    this.#observer.observe();
    this.#lookAtConfiguration();
    this.#takeSnapshotIfDue();
  }

  /**
   * Group commit: writes gather while a sync is in flight, and while the proposal before them is on its way to be committed,
   * unless they have become many or it takes long. So a few clients share one round instead of splitting into several.
   */
  #isGathering(): boolean {
    if (this.#persistence.syncing || this.#raft.isFounding) return true;
    if (this.#pendingWrites.size === 0 || this.#queue.size >= limits.GATHERED_MAX) return false;
    return this.#parts.clock.now() - this.#proposedAt < limits.GATHERING_MS_MAX;
  }

  /** A simulator may leave a part of a pass to the next one. */
  #putsOff(site: FaultSite): boolean {
    const putsOff = fault(site);
    if (putsOff) this.#schedule();
    return putsOff;
  }

  #lookAtConfiguration(): void {
    const { configuration } = this.#raft;
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    this.#parts.configurationInForce();
  }

  /** Whether the event may be stepped; one that may not is as good as lost on its way. */
  #isTaken(event: Event): boolean {
    if (!isHeard(event, this.#parts)) return false;
    if (hasRoomFor(event, this.#parts)) return true;
    this.#refusedForSpace.add();
    return false;
  }

  #propose(): void {
    this.#proposedAt = this.#parts.clock.now();
    const { writes, bytes } = this.#queue.takeBatch();
    if (this.#raft.role === "Leader" && !this.#parts.storage.reserve(bytes + limits.STAMP_BYTES_MAX, writes.length)) {
      this.#refusedForSpace.add();
      for (const write of writes) this.#refuseWrite(write, "NoSpace");
      return;
    }
    this.#proposalId += 1;
    const commands = this.time.stamped(writes.map((write) => write.command));
    const update = this.#proposeAll(writes, commands);
    const accepted = update.accepted[0];
    if (accepted !== undefined) {
      this.time.appended(accepted.first, writes.length);
      return this.#pendingWrites.add(accepted.first, writes);
    }
    const reason = reasonOf(update.refused[0]?.refusal);
    for (const write of writes) this.#refuseWrite(write, reason);
  }

  #take(event: Event): void {
    if (event.type === "Receive") this.#hear(event.message);
    if (event.type === "PeerDisconnected") this.#parts.snapshots.sender.stop(event.peer);
    if (event.type === "Stalled") this.time.stalled();
    if (event.type === "Receive" && event.message.type === "ReadIndex") this.#stepRead(event);
    else this.#step(event);
  }

  #hear(message: Message): void {
    this.time.heard(message);
    if (message.type === "InstallSnapshotResult") this.#parts.snapshots.sender.heard(message);
  }

  /** Reads that meet what has become due wait for an entry that says so; all that come meanwhile share it. */
  #stepRead(event: Event): void {
    if (this.time.needsEntry) this.#advanceTime();
    this.#step(event);
  }

  #advanceTime(): void {
    this.write(ADVANCE, (outcome) => this.#parts.ownEntries.advanced(outcome));
    if (this.#queue.size > 0) this.#propose();
  }

  /** A step that throws ends the node; nobody may wait for ever for the outcome of its writes. */
  #proposeAll(writes: readonly QueuedWrite[], commands: readonly string[]): Update {
    try {
      return this.#step({ type: "Propose", id: this.#proposalId, commands });
    } catch (error) {
      for (const write of writes) write.done({ type: "Unknown" });
      throw error;
    }
  }

  #refusalOfWrite(): NotDoneReason | undefined {
    if (this.#ended || this.#refusingWrites) return "Stopping";
    if (this.#raft.role !== "Leader") return this.#raft.leaderId === undefined ? "NoLeader" : "NotLeader";
    const tooMany = this.#pendingWrites.size + this.#queue.size >= this.#parts.pendingLimits.writesMax;
    const tooLong = this.#pendingWrites.bytes + this.#queue.bytes >= this.#parts.pendingLimits.writeBytesMax;
    return tooMany || tooLong || fault("node/writeRefused") ? "Overloaded" : undefined;
  }

  #refuseWrite(write: QueuedWrite, reason: NotDoneReason): void {
    this.#failures.add();
    const leaderId = this.#raft.leaderId;
    // In a microtask of its own, so that a caller never hears the outcome before its call has returned.
    queueMicrotask(() => write.done({ type: "NotDone", reason, leaderId }));
  }

  #refuseQueued(reason: NotDoneReason): void {
    while (this.#queue.size > 0) {
      for (const write of this.#queue.takeBatch().writes) this.#refuseWrite(write, reason);
    }
  }

  /** Performs at once what may be, in the order that `Update` fixes; syncing and applying wait for the end of the pass. */
  #step(event: Event): Update {
    this.#observer.count(event);
    const update = this.#raft.step(event);
    this.#parts.stepped?.(this.#raft, { event, update });
    this.time.observe();
    for (const message of update.messages) this.#send(message);
    if (update.hardState !== undefined) this.#persistence.saveHardState(update.hardState);
    for (const write of update.writes) this.#persistence.append(write);
    this.#parts.ownEntries.written(update.writes);
    for (const chunk of update.snapshotChunks) this.#parts.snapshots.store(chunk);
    for (const message of update.durableMessages) this.#send(message);
    this.#applier.commit(update.apply);
    for (const read of update.confirmedReads) this.#reads.confirm(read, this.#raft.currentTerm);
    for (const { id, refusal } of update.refusedReads) this.#reads.refuse(id, refusal);
    return update;
  }

  #send(message: Message): void {
    if (this.#persistence.savingHardState) return this.#persistence.hold(message);
    this.#transmit(message);
  }

  #transmit(message: Message): void {
    const { transport } = this.#parts;
    if (message.type !== "InstallSnapshot") return void transport.send(this.time.filled(message));
    const filled = this.#parts.snapshots.fill(message, this.#parts.chunkBytesMax);
    if (filled !== undefined) return void transport.send(filled);
    // The file is gone: without this the core would ask for its chunks for ever. It looks anew at what the peer needs.
    this.enqueue({ type: "PeerDisconnected", peer: message.to });
  }

  #release(messages: readonly Message[]): void {
    if (this.#ended) return;
    for (const message of messages) this.#transmit(message);
    this.#parts.transport.flush();
  }

  #takeSnapshotIfDue(): void {
    const { snapshotEntries: entries, snapshotBytes: bytes } = this.#parts.options;
    const due = { entries: fault("node/snapshotEarly") ? Math.min(entries, 3) : entries, bytes };
    if (this.#parts.snapshots.taking || !this.#applier.snapshotIsDue(due)) return;
    this.takeSnapshot().then((outcome) => {
      if (outcome.type === "Failed") this.#parts.log("warn", `Cannot take a snapshot: ${outcome.message}`);
    }).catch((error: unknown) => this.fail(error));
  }
}
