/** Snapshots of a node: taken in slices while it serves, sent to peers chunk by chunk, received, verified and loaded. */

import type { Clock } from "../../base/clock.ts";
import { CorruptionError, FormatVersionError, MemoryLimitError, NoSpaceError } from "../../base/errors.ts";
import { fault } from "../../base/faults.ts";
import type { Counter, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { InstallSnapshot } from "../../raft/messages.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import { type EntryId, type SnapshotDescription, toIndex } from "../../raft/types.ts";
import type { SnapshotChunk } from "../../raft/update.ts";
import type { Seed } from "../../store/key_hash.ts";
import type { Compression } from "../../storage/block_codec.ts";
import type { SnapshotReceiver, SnapshotSource, Storage } from "../../storage/storage.ts";
import type { BackupOutcome, SnapshotOutcome } from "../api.ts";
import type { AppliedState } from "../effects/applied.ts";
import type { Applier } from "../effects/applier.ts";
import { Backups } from "./backup.ts";
import type { Inbox } from "../inbox.ts";
import type { Lifetime } from "../lifetime.ts";
import {
  KEPT_FOR_RECEIVER_BYTES_MAX,
  KEPT_FOR_RECEIVER_ENTRIES_MAX,
  MEMORY_HISTORY_SHARE,
  MEMORY_LOG_SHARE,
  MEMORY_QUEUE_SHARE,
  REPLACEMENT_RETRY_MS,
  TRAILING_ENTRIES_MAX,
} from "../limits.ts";
import type { MemoryBudget } from "../memory/memory_budget.ts";
import { compressionFor } from "./compression.ts";
import type { PeerDirectory } from "../membership/peer_directory.ts";
import { inSlices, loadState } from "./load_state.ts";
import type { NodeLog } from "../options.ts";
import type { SpaceBudget } from "../space/space_budget.ts";
import { Pace } from "./pace.ts";
import { SnapshotSender, type Unusable } from "./snapshot_sender.ts";
import type { MemorySweep } from "../self_check/memory_sweep.ts";
import type { Quarantine } from "../self_check/quarantine.ts";

/** What snapshots are made of, and who hears of them. */
export interface SnapshotsParts {
  readonly storage: Storage;
  readonly clock: Clock;
  /** For the hash of keys in a state that is loaded. */
  readonly seed: Seed;
  readonly metrics: Registry;
  readonly log: NodeLog;
  readonly raft: Pick<RaftNode, "heldBytes" | "bytesBehind" | "configuration">;
  readonly directory: Pick<PeerDirectory, "readsZstd">;
  readonly sweep: Pick<MemorySweep, "found">;
  readonly quarantine: Pick<Quarantine, "isFenced" | "replaced">;
  readonly memory: Pick<MemoryBudget, "limitBytes" | "isShort" | "checkFits" | "putOffSnapshots">;
  readonly space: Pick<SpaceBudget, "dueBytesMax" | "trailingBytesMax" | "snapshotBegins">;
  readonly inbox: Pick<Inbox, "put">;
  readonly lifetime: Pick<Lifetime, "fail">;
  readonly applied: AppliedState;
  readonly applier: Pick<Applier, "restartCount" | "snapshotIsDue" | "install">;
  /** The one that the node began with, open. */
  readonly newest: SnapshotSource | undefined;
  /** A snapshot is due after so many entries, which also bounds how many are kept behind one, or so many bytes of commands. */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** What is used where every member can read it. */
  readonly compression: Compression;
}

/** Owns the snapshot files that are open and the one job (taking or loading) that runs at a time. */
export class Snapshots {
  readonly #parts: SnapshotsParts;
  readonly #takenCount: Counter;
  #current: SnapshotSource | undefined;
  #previous: SnapshotSource | undefined;
  #receiver: SnapshotReceiver | undefined;
  #jobs: Promise<void> = Promise.resolve();
  #taking: Promise<SnapshotOutcome> | undefined;
  /** How many wait for the jobs, backups left out: those have time. */
  #hurried = 0;
  /** The next snapshot has become due while one is taken. */
  #isNextDue = false;
  #takenAt: number;
  #closed = false;
  #replacing = false;
  #replacedAt = -Infinity;
  /** Sends files to peers. */
  readonly sender: SnapshotSender;
  readonly #backups: Backups;

  /** Nothing is taken, sent or received yet. */
  constructor(parts: SnapshotsParts) {
    const { clock, storage, lifetime, applied } = parts;
    this.#parts = parts;
    this.#takenAt = clock.now();
    this.#takenCount = parts.metrics.counter(METRIC.snapshotsTaken);
    this.#current = parts.newest;
    this.sender = new SnapshotSender({
      clock,
      open: () => [this.#current, this.#previous].filter((source) => source !== undefined),
      canRead: (peer, { description }) => description.compression !== "zstd" || parts.directory.readsZstd(peer),
      replaceNewest: (why) => this.#replaceNewest(why),
      failed: (error) => lifetime.fail(error),
      warn: (message) => this.#warn(message),
    });
    this.#backups = new Backups({
      clock,
      lastApplied: () => applied.id.index,
      openSnapshot: () => storage.openSnapshot(),
    });
  }

  /** `Clock.now()` when the last one was taken, or of the start. */
  get takenAt(): number {
    return this.#takenAt;
  }

  /** The last entry that the newest snapshot includes; undefined when there is none. */
  get newest(): EntryId | undefined {
    return this.#current?.description.lastIncluded;
  }

  /** Takes a snapshot of the applied state, or joins the one under way. Rejects with what ends the node. */
  take(): Promise<SnapshotOutcome> {
    return this.#hurry(() => this.#join());
  }

  async #join(): Promise<SnapshotOutcome> {
    this.#taking ??= this.#begin();
    const outcome = await this.#taking;
    if (outcome.type === "Created") this.#takenCount.add();
    return outcome;
  }

  /** Who joins it later gets what is applied now: what comes in between counts for the next one. */
  #begin(): Promise<SnapshotOutcome> {
    this.#parts.applier.restartCount();
    return this.#enqueueJob(() => this.#take({ isNewestUsable: true })).finally(() => {
      this.#taking = undefined;
      this.#isNextDue = false;
    });
  }

  /** Takes one also where the newest has everything, since that cannot be read any more. Rejects with what ends the node. */
  replace(): Promise<SnapshotOutcome> {
    return this.#hurry(() => this.#enqueueJob(() => this.#take({ isNewestUsable: false })));
  }

  /** Begins one if enough has been applied since the last; a stage of the driver's pass. */
  takeIfDue(): void {
    const { applier, lifetime, memory, space, snapshotEntries, snapshotBytes: bytes } = this.#parts;
    const entries = fault("node/snapshotEarly") ? Math.min(snapshotEntries, 3) : snapshotEntries;
    const due = { entries, bytes, bytesMax: Math.min(memory.limitBytes * MEMORY_LOG_SHARE, space.dueBytesMax) };
    if (this.#isNextDue || !applier.snapshotIsDue(due)) return;
    if (this.#taking !== undefined) {
      this.#isNextDue = true;
      return;
    }
    space.snapshotBegins();
    this.take().then((outcome) => {
      if (outcome.type === "Failed") this.#warn(`Cannot take a snapshot: ${outcome.message}`);
    }).catch((error: unknown) => lifetime.fail(error));
  }

  /** See `NodeAdministrator`. */
  openBackup(): Promise<BackupOutcome> {
    return this.#backups.open(() => this.#join());
  }

  /** Puts the bytes into a chunk that is about to be sent; undefined when its file is gone (the core asks again). */
  fill(message: InstallSnapshot, chunkBytesMax: number): InstallSnapshot | undefined {
    return fault("node/chunkGone") ? undefined : this.sender.fill(message, chunkBytesMax);
  }

  /** Stores a chunk from the leader; the last one starts verification and loading. */
  store(chunk: SnapshotChunk): void {
    try {
      this.#parts.memory.checkFits("the leader's snapshot", chunk.offset + chunk.data.length);
      if (fault("node/chunkRefused")) throw new NoSpaceError(this.#parts.storage.directory);
      if (chunk.offset === 0) {
        this.#receiver?.abort();
        this.#receiver = this.#parts.storage.receiveSnapshot(chunk.lastIncluded, chunk.configuration);
      }
      this.#receiver?.write(chunk.offset, chunk.data);
    } catch (error) {
      if (error instanceof MemoryLimitError) this.#parts.memory.putOffSnapshots(this.#parts.clock.now());
      else if (!(error instanceof NoSpaceError)) throw error;
      return this.#reject(chunk.lastIncluded, error);
    }
    const receiver = this.#receiver;
    if (!chunk.done || receiver === undefined) return;
    this.#receiver = undefined;
    this.#hurry(() => this.#enqueueJob(() => this.#load(receiver, chunk.lastIncluded)))
      .catch((error) => this.#parts.lifetime.fail(error));
  }

  /** Closes files; waits for the job that runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.sender.end();
    await this.#jobs;
    this.#receiver?.abort();
    for (const source of new Set([...this.sender.sources, this.#current, this.#previous])) source?.close();
  }

  /** Nothing that is under way meanwhile takes its time. */
  async #hurry<T>(work: () => Promise<T>): Promise<T> {
    this.#hurried += 1;
    try {
      return await work();
    } finally {
      this.#hurried -= 1;
    }
  }

  #enqueueJob<T>(job: () => Promise<T>): Promise<T> {
    const run = this.#jobs.then(job);
    // The queue goes on after a failed job; the failure itself reaches the caller through `run`.
    this.#jobs = run.then(() => undefined, () => undefined);
    return run;
  }

  /** Where there is no room for another, that is tried again later. */
  #replaceNewest(why: Unusable): void {
    if (this.#replacing || this.#parts.clock.now() - this.#replacedAt < REPLACEMENT_RETRY_MS) return;
    this.#replacing = true;
    this.replace().then((outcome) => {
      this.#replacing = false;
      this.#replacedAt = this.#parts.clock.now();
      if (outcome.type === "Failed") this.#warn(`Cannot replace the ${why} snapshot: ${outcome.message}`);
      else if (outcome.type !== "NotSound") {
        this.#warn(`Replaced the ${why} snapshot by one at index ${outcome.id.index}`);
      }
    }).catch((error: unknown) => this.#parts.lifetime.fail(error));
  }

  async #take({ isNewestUsable }: { readonly isNewestUsable: boolean }): Promise<SnapshotOutcome> {
    const { state, id, configuration } = this.#parts.applied;
    if (isNewestUsable && id.index === (this.newest?.index ?? 0)) return { type: "UpToDate", id };
    if (this.#parts.quarantine.isFenced) return { type: "NotSound" };
    if (fault("node/snapshotPutOff")) return { type: "Failed", message: "Put off" };
    const snapshot = await this.#write({ state, id, configuration });
    if (snapshot === undefined) return { type: "NotSound" };
    if (typeof snapshot === "string") return { type: "Failed", message: snapshot };
    this.#replaceCurrent();
    const keepFrom = this.#keepFrom(id.index);
    this.#parts.inbox.put({ type: "SnapshotTaken", snapshot, keepFrom });
    await this.#parts.storage.compact(toIndex(keepFrom - 1));
    this.#takenAt = this.#parts.clock.now();
    return { type: "Created", id };
  }

  /**
   * The first entry that stays behind a snapshot at `index`. Under load a follower that needs longer for a snapshot than
   * the next one takes to be due would never catch up, were the entries after the one it receives not kept.
   */
  #keepFrom(index: number): number {
    const { raft, memory: { limitBytes }, space: { trailingBytesMax } } = this.#parts;
    const behindMax = Math.min(limitBytes * MEMORY_HISTORY_SHARE, trailingBytesMax);
    let trailing = fault("node/trailingNone") ? 0 : Math.min(TRAILING_ENTRIES_MAX, this.#parts.snapshotEntries);
    while (trailing > 0 && raft.bytesBehind(index - trailing) > behindMax) trailing >>>= 1;
    let from = index + 1 - trailing;
    if (raft.heldBytes <= Math.min(KEPT_FOR_RECEIVER_BYTES_MAX, limitBytes * MEMORY_QUEUE_SHARE, trailingBytesMax)) {
      for (const source of this.sender.sources) from = Math.min(from, source.description.lastIncluded.index + 1);
    }
    return Math.max(1, from, index + 1 - KEPT_FOR_RECEIVER_ENTRIES_MAX);
  }

  /** Writes a cut of the state to the disk. A text says why there is none, with nothing changed; undefined where the cut is not sound. */
  async #write({ state, id, configuration }: AppliedState): Promise<SnapshotDescription | string | undefined> {
    const { storage, raft, directory, memory, compression: wanted } = this.#parts;
    const facts = { wanted, included: configuration, inForce: raft.configuration };
    const compression = compressionFor({ ...facts, readsZstd: (peer) => directory.readsZstd(peer) });
    const writer = storage.createSnapshot(id, configuration, compression);
    const cut = state.cut();
    try {
      let block: Uint8Array | undefined;
      const pace = new Pace({
        clock: this.#parts.clock,
        // What is written over meanwhile stays in memory until the cut has passed it.
        isForBackup: () => this.#hurried === 0 && !this.#isNextDue && !memory.isShort,
        writtenBack: () => writer.writtenBack(),
      });
      await inSlices(this.#parts.clock, () => {
        // With a long value to make a block and to write it take some 10 ms each: two steps.
        const made = block;
        block = made === undefined && !this.#closed ? cut.next() : undefined;
        if (made !== undefined) writer.write(made);
        return made !== undefined || block !== undefined;
      }, pace);
      if (!this.#closed && !cut.isSound) {
        writer.abort();
        this.#parts.sweep.found("a snapshot of it");
        return undefined;
      }
      if (!this.#closed) return await writer.finish();
      writer.abort();
      return "The node is stopping";
    } catch (error) {
      writer.abort();
      if (error instanceof NoSpaceError) return error.message;
      throw error;
    } finally {
      cut.close();
    }
  }

  async #load(receiver: SnapshotReceiver, lastIncluded: EntryId): Promise<void> {
    if (this.#closed) return receiver.abort();
    const { clock, seed, storage, memory } = this.#parts;
    try {
      // What came is shorter than what it holds.
      const snapshot = await receiver.finish(({ plainBytes }) => memory.checkFits("the leader's snapshot", plainBytes));
      this.#replaceCurrent();
      const state = await loadState(this.#current, { clock, seed, directory: storage.directory }, () => this.#closed);
      if (this.#closed) return;
      const { applier, inbox, quarantine } = this.#parts;
      const isReplaced = applier.install({ state, id: snapshot.lastIncluded, configuration: snapshot.configuration });
      inbox.put({ type: "SnapshotInstalled", snapshot });
      if (isReplaced) quarantine.replaced(snapshot.lastIncluded.index);
      await this.#parts.storage.compact(snapshot.lastIncluded.index);
    } catch (error) {
      if (error instanceof MemoryLimitError) memory.putOffSnapshots(clock.now());
      else if (!isUnusable(error)) throw error;
      this.#reject(lastIncluded, error);
    }
  }

  /** The one before stays open until the next: the core may begin to send it before it hears of the new one. */
  #replaceCurrent(): void {
    const dropped = this.#previous;
    this.#previous = this.#current;
    this.#current = this.#parts.storage.openSnapshot();
    if (dropped !== undefined) this.sender.closeUnlessUsed(dropped);
    const previous = this.#previous;
    if (previous === undefined || !fault("node/previousSnapshotClosed")) return;
    this.#previous = undefined;
    this.sender.closeUnlessUsed(previous);
  }

  #reject(lastIncluded: EntryId, error: Error): void {
    this.#receiver?.abort();
    this.#receiver = undefined;
    this.#warn(`Cannot use the received snapshot: ${error.message}`);
    this.#parts.inbox.put({ type: "SnapshotRejected", lastIncluded });
  }

  #warn(message: string): void {
    this.#parts.log("warn", message);
  }
}

/** A snapshot that arrived damaged, of another format version, or found no room: it is asked for again. */
function isUnusable(error: unknown): error is Error {
  return error instanceof CorruptionError || error instanceof NoSpaceError || error instanceof FormatVersionError;
}
