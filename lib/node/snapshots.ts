/** Snapshots of a node: taken in slices while it serves, sent to peers chunk by chunk, received, verified and loaded. */

import { type Clock, nextTurn } from "../base/clock.ts";
import { CorruptionError, FormatVersionError, NoSpaceError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import { SnapshotLoader } from "../kv/snapshot_loader.ts";
import { StateMachine } from "../kv/state_machine.ts";
import type { Event } from "../raft/events.ts";
import type { InstallSnapshot } from "../raft/messages.ts";
import { type EntryId, type SnapshotDescription, toIndex } from "../raft/types.ts";
import type { SnapshotChunk } from "../raft/update.ts";
import type { SnapshotReceiver, SnapshotSource, Storage } from "../storage/storage.ts";
import type { SnapshotOutcome } from "./api.ts";
import type { AppliedState } from "./applier.ts";
import { Backups } from "./backup.ts";
import {
  KEPT_FOR_RECEIVER_BYTES_MAX,
  KEPT_FOR_RECEIVER_ENTRIES_MAX,
  REPLACEMENT_RETRY_MS,
  SNAPSHOT_SLICE_MS,
  TRAILING_ENTRIES_MAX,
} from "./limits.ts";
import { SnapshotSender } from "./snapshot_sender.ts";

/** What snapshots ask of the driver. */
export interface SnapshotsHandler {
  /** The present, applied state. */
  cutPoint(): AppliedState;
  /** A received snapshot is loaded: it takes the place of the present state unless that is newer. */
  install(loaded: AppliedState): void;
  /** Puts an event into the driver's inbox. */
  enqueue(event: Event): void;
  /** A failure that ends the process. */
  failed(error: unknown): void;
  warn(message: string): void;
  /** Bytes of the commands in memory. */
  logBytes(): number;
}

/** Owns the snapshot files that are open and the one job (taking or loading) that runs at a time. */
export class Snapshots {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #handler: SnapshotsHandler;
  readonly #entriesBetween: number;
  #current: SnapshotSource | undefined;
  #previous: SnapshotSource | undefined;
  #receiver: SnapshotReceiver | undefined;
  #jobs: Promise<void> = Promise.resolve();
  #taking: Promise<SnapshotOutcome> | undefined;
  #takenAt: number;
  #closed = false;
  #replacing = false;
  #replacedAt = -Infinity;
  /** Sends files to peers. */
  readonly sender: SnapshotSender;
  /** Opens files of snapshots for whoever wants to keep them elsewhere. */
  readonly backups: Backups;

  /** `entriesBetween` is the number of entries between snapshots, which bounds how many are kept behind one. */
  constructor(storage: Storage, parts: { clock: Clock; handler: SnapshotsHandler; entriesBetween: number }) {
    this.#storage = storage;
    this.#clock = parts.clock;
    this.#takenAt = parts.clock.now();
    this.#handler = parts.handler;
    this.#entriesBetween = parts.entriesBetween;
    this.#current = storage.openSnapshot();
    this.sender = new SnapshotSender({
      clock: parts.clock,
      open: () => [this.#current, this.#previous].filter((source) => source !== undefined),
      replaceNewest: () => this.#replaceDamaged(),
      failed: (error) => this.#handler.failed(error),
      warn: (message) => this.#handler.warn(message),
    });
    this.backups = new Backups({
      clock: parts.clock,
      lastApplied: () => this.#handler.cutPoint().id.index,
      openSnapshot: () => storage.openSnapshot(),
    });
  }

  /** Whether one is being taken. */
  get taking(): boolean {
    return this.#taking !== undefined;
  }

  /** `Clock.now()` when the last one was taken, or of the start. */
  get takenAt(): number {
    return this.#takenAt;
  }

  /** The last entry that the newest snapshot includes; undefined when there is none. */
  get newest(): EntryId | undefined {
    return this.#current?.description.lastIncluded;
  }

  /** Takes a snapshot of the applied state, or joins the one under way. */
  take(): Promise<SnapshotOutcome> {
    this.#taking ??= this.#enqueueJob(() => this.#take({ isNewestUsable: true })).finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  /** Puts the bytes into a chunk that is about to be sent; undefined when its file is gone (the core asks again). */
  fill(message: InstallSnapshot, chunkBytesMax: number): InstallSnapshot | undefined {
    return fault("node/chunkGone") ? undefined : this.sender.fill(message, chunkBytesMax);
  }

  /** Stores a chunk from the leader; the last one starts verification and loading. */
  store(chunk: SnapshotChunk): void {
    try {
      if (fault("node/chunkRefused")) throw new NoSpaceError(this.#storage.directory);
      if (chunk.offset === 0) {
        this.#receiver?.abort();
        this.#receiver = this.#storage.receiveSnapshot(chunk.lastIncluded, chunk.configuration);
      }
      this.#receiver?.write(chunk.offset, chunk.data);
    } catch (error) {
      if (!(error instanceof NoSpaceError)) throw error;
      return this.#reject(chunk.lastIncluded, error);
    }
    const receiver = this.#receiver;
    if (!chunk.done || receiver === undefined) return;
    this.#receiver = undefined;
    this.#enqueueJob(() => this.#load(receiver, chunk.lastIncluded)).catch((error) => this.#handler.failed(error));
  }

  /** Closes files; waits for the job that runs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.sender.end();
    await this.#jobs;
    this.#receiver?.abort();
    for (const source of new Set([...this.sender.sources, this.#current, this.#previous])) source?.close();
  }

  #enqueueJob<T>(job: () => Promise<T>): Promise<T> {
    const run = this.#jobs.then(job);
    // The queue goes on after a failed job; the failure itself reaches the caller through `run`.
    this.#jobs = run.then(() => undefined, () => undefined);
    return run;
  }

  /** The newest cannot be read any more. Where there is no room for another, that is tried again later. */
  #replaceDamaged(): void {
    if (this.#replacing || this.#clock.now() - this.#replacedAt < REPLACEMENT_RETRY_MS) return;
    this.#replacing = true;
    this.#enqueueJob(() => this.#take({ isNewestUsable: false })).then((outcome) => {
      this.#replacing = false;
      this.#replacedAt = this.#clock.now();
      if (outcome.type === "Failed") this.#handler.warn(`Cannot replace the damaged snapshot: ${outcome.message}`);
      else this.#handler.warn(`Replaced the damaged snapshot by one at index ${outcome.id.index}`);
    }).catch((error: unknown) => this.#handler.failed(error));
  }

  async #take({ isNewestUsable }: { readonly isNewestUsable: boolean }): Promise<SnapshotOutcome> {
    const { state, id, configuration } = this.#handler.cutPoint();
    if (isNewestUsable && id.index === (this.newest?.index ?? 0)) return { type: "UpToDate", id };
    if (fault("node/snapshotPutOff")) return { type: "Failed", message: "Put off" };
    const snapshot = await this.#write({ state, id, configuration });
    if (typeof snapshot === "string") return { type: "Failed", message: snapshot };
    this.#replaceCurrent();
    const keepFrom = this.#keepFrom(id.index);
    this.#handler.enqueue({ type: "SnapshotTaken", snapshot, keepFrom });
    await this.#storage.compact(toIndex(keepFrom - 1));
    this.#takenAt = this.#clock.now();
    return { type: "Created", id };
  }

  /**
   * The first entry that stays behind a snapshot at `index`. Under load a follower that needs longer for a snapshot than
   * the next one takes to be due would never catch up, were the entries after the one it receives not kept.
   */
  #keepFrom(index: number): number {
    const trailing = fault("node/trailingNone") ? 0 : Math.min(TRAILING_ENTRIES_MAX, this.#entriesBetween);
    let from = index + 1 - trailing;
    if (this.#handler.logBytes() <= KEPT_FOR_RECEIVER_BYTES_MAX) {
      for (const source of this.sender.sources) from = Math.min(from, source.description.lastIncluded.index + 1);
    }
    return Math.max(1, from, index + 1 - KEPT_FOR_RECEIVER_ENTRIES_MAX);
  }

  /** Writes a cut of the state to the disk. A text says why there is none, with nothing changed. */
  async #write({ state, id, configuration }: AppliedState): Promise<SnapshotDescription | string> {
    const writer = this.#storage.createSnapshot(id, configuration);
    const cut = state.cut();
    try {
      let block: string | undefined;
      await this.#inSlices(() => {
        // With a long value to make a block and to write it take some 10 ms each: two steps.
        const made = block;
        block = made === undefined && !this.#closed ? cut.next() : undefined;
        if (made !== undefined) writer.write(made);
        return made !== undefined || block !== undefined;
      });
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
    try {
      const snapshot = await receiver.finish();
      this.#replaceCurrent();
      const state = await this.restore();
      if (state === undefined) return;
      this.#handler.install({ state, id: snapshot.lastIncluded, configuration: snapshot.configuration });
      this.#handler.enqueue({ type: "SnapshotInstalled", snapshot });
      await this.#storage.compact(snapshot.lastIncluded.index);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      this.#reject(lastIncluded, error);
    }
  }

  /** The state that the newest snapshot holds; an empty state when there is none. Undefined once the node is closing. */
  async restore(): Promise<StateMachine | undefined> {
    const state = new StateMachine();
    const source = this.#current;
    if (source === undefined) return state;
    const loader = new SnapshotLoader(state);
    const blocks = source.blocks()[Symbol.iterator]();
    let block: string | undefined;
    await this.#inSlices(() => {
      // To read a block and to load it are two steps for the same reason.
      const read = block;
      block = undefined;
      if (read !== undefined) {
        if (!loader.load(read)) throw this.#unreadable();
        return true;
      }
      const next = blocks.next();
      if (next.done === true || this.#closed) return false;
      block = next.value;
      return true;
    });
    if (this.#closed) return undefined;
    if (!loader.finish()) throw this.#unreadable();
    return state;
  }

  #unreadable(): CorruptionError {
    return new CorruptionError(this.#storage.directory, {
      offset: 0,
      what: "the snapshot's content is not of a known form",
    });
  }

  /** Repeats `step` until it is false, giving the event loop a turn every few milliseconds. */
  async #inSlices(step: () => boolean): Promise<void> {
    for (;;) {
      const end = this.#clock.now() + SNAPSHOT_SLICE_MS;
      do {
        if (!step()) return;
      } while (this.#clock.now() < end && !fault("node/sliceOfOne"));
      await nextTurn(this.#clock);
    }
  }

  /** The one before stays open until the next: the core may begin to send it before it hears of the new one. */
  #replaceCurrent(): void {
    const dropped = this.#previous;
    this.#previous = this.#current;
    this.#current = this.#storage.openSnapshot();
    if (dropped !== undefined) this.sender.closeUnlessUsed(dropped);
    const previous = this.#previous;
    if (previous === undefined || !fault("node/previousSnapshotClosed")) return;
    this.#previous = undefined;
    this.sender.closeUnlessUsed(previous);
  }

  #reject(lastIncluded: EntryId, error: Error): void {
    this.#receiver?.abort();
    this.#receiver = undefined;
    this.#handler.warn(`Cannot use the received snapshot: ${error.message}`);
    this.#handler.enqueue({ type: "SnapshotRejected", lastIncluded });
  }
}

/** A snapshot that arrived damaged, of another format version, or found no room: it is asked for again. */
function isUnusable(error: unknown): error is Error {
  return error instanceof CorruptionError || error instanceof NoSpaceError || error instanceof FormatVersionError;
}
