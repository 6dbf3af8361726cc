/** Writes of this node while it leads: taken or refused, gathered, proposed, and told their outcome. */

import { fault } from "../../base/faults.ts";
import { CommandGrowth } from "../../kv/command_growth.ts";
import { encodeCommand, isAboutUsers } from "../../kv/commands.ts";
import type { Counter } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import { type Commands, encodeCommands } from "../../raft/run.ts";
import type { Term } from "../../raft/types.ts";
import type { Update } from "../../raft/update.ts";
import type { NotDoneReason, WriteOutcome } from "../api.ts";
import { GATHERED_MAX, GATHERING_MS_MAX, STAMP_BYTES_MAX } from "../limits.ts";
import type { Core, Stages } from "../parts.ts";
import type { PendingWrites, QueuedWrite } from "./pending_writes.ts";
import { reasonOf } from "./outcomes.ts";
import { knowsUsers } from "../membership/level.ts";
import { countOf, WriteQueue } from "./write_queue.ts";

type Needed = Core & Pick<Stages, "effects" | "persistence" | "pendingWrites">;

const ADVANCE = encodeCommand({ type: "Advance" });

/**
 * Owns the writes that wait to be proposed; `PendingWrites` has them from then on. Commands are opaque but for their length: only
 * one place puts them into a proposal, with the leader's time.
 */
export class Proposals {
  readonly #parts: Needed;
  readonly #queue = new WriteQueue();
  readonly #growth = new CommandGrowth();
  readonly #pendingWrites: PendingWrites;
  readonly #failures: Counter;
  readonly #refusedForSpace: Counter;
  readonly #refusedForMemory: Counter;
  /** The term in which what waits was taken. */
  #queueTerm: Term | undefined;
  #proposalId = 0;
  #proposedAt = 0;
  #isClosed = false;

  /** Nothing is proposed yet. */
  constructor(parts: Needed) {
    const { metrics } = parts;
    this.#parts = parts;
    this.#pendingWrites = parts.pendingWrites;
    this.#failures = metrics.counter(METRIC.proposalsFailed);
    this.#refusedForSpace = metrics.counter(METRIC.refusedForSpace);
    this.#refusedForMemory = metrics.counter(METRIC.refusedForMemory);
    metrics.gauge(METRIC.proposalsPending, () => this.size);
  }

  /** Writes that are proposed or wait for it. */
  get size(): number {
    return this.#pendingWrites.size + this.#queue.size;
  }

  /** Bytes of memory that writes hold which are not proposed yet. */
  get heldBytes(): number {
    return this.#queue.bytes;
  }

  /** Whether something of an earlier term is open: another leader may have replaced it since, and then it is to be done anew. */
  get hasOlder(): boolean {
    const { term } = this.#pendingWrites;
    return term !== undefined && term !== this.#parts.raft.currentTerm;
  }

  /** Takes an encoded command; see `NodeWriter.write`. */
  write(command: string, done: (outcome: WriteOutcome) => void): void {
    const deadline = this.#parts.tickTime.now + this.#parts.timeoutMs;
    this.add({ command, bytes: command.length, deadline, growthBytes: 0, done });
  }

  /** The same for a write that has its deadline. */
  add(write: QueuedWrite): void {
    const reason = this.#refusalOfWrite(write);
    this.#refuseOlder();
    if (reason !== undefined) return this.#refuseWrite(write, reason);
    this.#queue.push(write);
    this.#parts.inbox.wake();
  }

  /** An entry that says how late it is, for what is due. It follows what waits already. */
  addTime(): void {
    this.write(ADVANCE, (outcome) => this.#parts.ownEntries.advanced(outcome));
  }

  /** The same at once, without gathering. */
  proposeTime(): void {
    this.addTime();
    if (this.#queue.size > 0) this.#propose();
  }

  /** Proposes what waits, unless it is to gather. */
  propose(): void {
    while (this.#queue.size > 0 && !this.#isGathering()) this.#propose();
  }

  /** Ends writes whose deadline has passed at `now`. */
  expire(now: number): void {
    for (const write of this.#queue.expire(now)) this.#refuseWrite(write, "Timeout");
    this.#pendingWrites.expire(fault("node/writesExpireEarly") ? Infinity : now);
  }

  /** Refuses new writes from now on: the node is stopping. */
  close(): void {
    this.#isClosed = true;
  }

  /** Nothing may be answered from the state any more: what is in the log is unknown, and what waits is for another leader. */
  fence(): void {
    this.#refuseQueued("Quarantined");
    this.#pendingWrites.endAll();
  }

  /** Ends every write: the process stops. */
  endAll(): void {
    this.#refuseQueued("Stopping");
    this.#pendingWrites.endAll();
  }

  /**
   * Group commit: writes gather while a sync is in flight, and while the proposal before them is on its way to be committed,
   * unless they have become many or it takes long. So a few clients share one round instead of splitting into several.
   */
  #isGathering(): boolean {
    if (this.#parts.persistence.syncing || this.#parts.raft.isFounding) return true;
    if (this.#pendingWrites.size === 0 || this.#queue.size >= GATHERED_MAX) return false;
    return this.#parts.clock.now() - this.#proposedAt < GATHERING_MS_MAX;
  }

  #propose(): void {
    const { raft, storage, clock, time } = this.#parts;
    this.#refuseOlder();
    if (this.#queue.size === 0) return;
    this.#proposedAt = clock.now();
    const { writes, bytes } = this.#queue.takeBatch();
    if (raft.role === "Leader" && !storage.reserve(bytes + STAMP_BYTES_MAX, writes.length)) {
      this.#refusedForSpace.add();
      for (const write of writes) this.#refuseWrite(write, "NoSpace");
      return;
    }
    this.#proposalId += 1;
    const commands = encodeCommands(time.stamped(writes.map(({ command }) => command)));
    const update = this.#stepWith(writes, commands);
    const accepted = update.accepted[0];
    if (accepted !== undefined) {
      time.appended(accepted.first, commands.count);
      return this.#pendingWrites.add(accepted.first, writes);
    }
    const reason = reasonOf(update.refused[0]?.refusal);
    this.#refuseAll(writes, reason);
    // What another leader is to do must not be overtaken by what was taken after it.
    if (reason !== "Overloaded") this.#refuseQueued(reason);
  }

  /** What was taken in an earlier term must not be proposed in this one: what the log lost in between is to be done before it. */
  #refuseOlder(): void {
    const { currentTerm } = this.#parts.raft;
    if (this.#queueTerm === currentTerm) return;
    this.#queueTerm = currentTerm;
    this.#refuseQueued("NotLeader");
  }

  #refuseQueued(reason: NotDoneReason): void {
    while (this.#queue.size > 0) this.#refuseAll(this.#queue.takeBatch().writes, reason);
  }

  /** At once, not in a microtask: what is put back must stand in its place before anything else is taken. */
  #refuseAll(writes: readonly QueuedWrite[], reason: NotDoneReason): void {
    const { leaderId } = this.#parts.raft;
    for (const write of writes) {
      this.#failures.add(countOf(write));
      write.done({ type: "NotDone", reason, leaderId });
    }
  }

  /** A step that throws ends the node; nobody may wait for ever for the outcome of its writes. */
  #stepWith(writes: readonly QueuedWrite[], commands: Commands): Update {
    try {
      return this.#parts.effects.step({ type: "Propose", id: this.#proposalId, commands });
    } catch (error) {
      for (const write of writes) write.done({ type: "Unknown" });
      throw error;
    }
  }

  #refusalOfWrite(write: QueuedWrite): NotDoneReason | undefined {
    const { raft, lifetime, quarantine, limits } = this.#parts;
    if (lifetime.isOver || this.#isClosed) return "Stopping";
    if (raft.role !== "Leader") return raft.leaderId === undefined ? "NoLeader" : "NotLeader";
    if (quarantine.isFenced) return "Quarantined";
    // Who cannot read it would be left behind by those who can (ADR 18).
    const { command } = write;
    if (typeof command === "string" && !knowsUsers(raft.configuration) && isAboutUsers(command)) return "TooOld";
    const tooMany = this.size + countOf(write) > limits.writesMax;
    const tooLong = this.#pendingWrites.bytes + this.#queue.bytes >= limits.writeBytesMax;
    return tooMany || tooLong || fault("node/writeRefused") ? "Overloaded" : this.#refusalForRoom(write);
  }

  /** Every write comes by here, also those of other nodes: what is in the log must be applied, whatever it adds. */
  #refusalForRoom(write: QueuedWrite): NotDoneReason | undefined {
    const { memory, space } = this.#parts;
    const growth = this.#growth;
    const { command } = write;
    if (typeof command === "string") growth.read(command);
    else growth.readRun(command.count, write.bytes);
    write.growthBytes = growth.bytes;
    const promised = this.#pendingWrites.growthBytes + this.#queue.growthBytes;
    if (!memory.admits(growth, promised)) {
      this.#refusedForMemory.add();
      return "OutOfMemory";
    }
    if (space.isAmple || space.admits(growth, promised)) return undefined;
    this.#refusedForSpace.add();
    return "NoSpace";
  }

  #refuseWrite(write: QueuedWrite, reason: NotDoneReason): void {
    this.#failures.add(countOf(write));
    const { leaderId } = this.#parts.raft;
    // In a microtask of its own, so that a caller never hears the outcome before its call has returned.
    queueMicrotask(() => write.done({ type: "NotDone", reason, leaderId }));
  }
}
