/** The disk under one core: what was written, and how much of it a crash would leave. */

import type { Entry, EntryId, HardState, SnapshotDescription } from "../../../lib/raft/types.ts";
import type { LogWrite, Update } from "../../../lib/raft/update.ts";

/** A snapshot file: what it describes and the state, one applied entry per line, as bytes. */
export interface SnapshotFile {
  readonly description: SnapshotDescription;
  readonly bytes: Uint8Array;
}

/** What of the unsynced reaches the disk in a crash: the oldest `writes` and `hardStates`. */
export interface Survivors {
  readonly writes: number;
  readonly hardStates: number;
}

/** A write in the page cache; discarded when a snapshot has replaced what it belongs to. */
interface UnsyncedWrite {
  readonly write: LogWrite;
  discarded: boolean;
}

/** What a disk holds at first. */
export interface RaftDiskContents {
  readonly hardState: HardState;
  readonly log: readonly Entry[];
  readonly snapshot: SnapshotFile | undefined;
}

/** Forgets what was not synced. Snapshots are durable at once. */
export class RaftDisk {
  #hardState: HardState;
  #log: readonly Entry[];
  #snapshot: SnapshotFile | undefined;
  #writes: UnsyncedWrite[] = [];
  #hardStates: HardState[] = [];
  #hardStatesWritten = 0;

  constructor({ hardState, log, snapshot }: RaftDiskContents) {
    this.#hardState = hardState;
    this.#log = log;
    this.#snapshot = snapshot;
  }

  /** Everything that a crash now would leave. */
  get durable(): RaftDiskContents {
    return { hardState: this.#hardState, log: this.#log, snapshot: this.#snapshot };
  }

  /** The last hard state, synced or not. */
  get hardState(): HardState {
    return this.#hardStates.at(-1) ?? this.#hardState;
  }

  /** The log, synced or not. */
  get log(): readonly Entry[] {
    return this.#writes.filter(({ discarded }) => !discarded).reduce(
      (log, { write }) => appended(log, write),
      this.#log,
    );
  }

  get snapshot(): SnapshotFile | undefined {
    return this.#snapshot;
  }

  /** Index of the last entry in the snapshot; 0 without one. */
  get snapshotIndex(): number {
    return this.#snapshot?.description.lastIncluded.index ?? 0;
  }

  /** Writes and hard states that wait for a sync. */
  get unsynced(): number {
    return this.#writes.length + this.#hardStates.length;
  }

  /** Hard states written since the last crash. */
  get hardStatesWritten(): number {
    return this.#hardStatesWritten;
  }

  /** How many of those are durable. */
  get hardStatesDurable(): number {
    return this.#hardStatesWritten - this.#hardStates.length;
  }

  /** Whether the entry would survive a crash, in the log or in the snapshot. */
  holdsDurably({ index, term }: EntryId): boolean {
    return index <= this.snapshotIndex || this.#log.some((entry) => entry.index === index && entry.term === term);
  }

  /** Takes what a step writes; nothing of it is durable yet. */
  write({ hardState, writes }: Update): void {
    for (const write of writes) this.#writes.push({ write, discarded: false });
    if (hardState === undefined) return;
    this.#hardStates.push(hardState);
    this.#hardStatesWritten += 1;
  }

  /** Makes the oldest `count` hard states durable. */
  syncHardStates(count: number): void {
    this.#hardState = this.#hardStates.splice(0, count).at(-1) ?? this.#hardState;
  }

  /** Makes the oldest `count` writes durable and returns the last of them. */
  syncWrites(count: number): LogWrite | undefined {
    const writes = this.#writes.splice(0, count);
    for (const write of writes) this.#store(write);
    return writes.at(-1)?.write;
  }

  /** The newest snapshot from now on; entries below `keepFrom` are dropped from the log. */
  keepSnapshot(file: SnapshotFile, keepFrom: number): void {
    this.#snapshot = file;
    this.#log = this.#log.filter((entry) => entry.index >= keepFrom);
  }

  /**
   * A snapshot from a leader. Raft figure 13: what follows it stays only if the log has its last entry; the rest of the log is
   * discarded.
   */
  installSnapshot(file: SnapshotFile): void {
    const { index, term } = file.description.lastIncluded;
    const written = [...this.#log, ...this.#writes.flatMap(({ write }) => write.run.entries())];
    const isKept = written.findLast((entry) => entry.index === index)?.term === term;
    if (!isKept) { for (const write of this.#writes) write.discarded = true; }
    this.#log = isKept ? this.#log.filter((entry) => entry.index > index) : [];
    this.#snapshot = file;
  }

  /** The process dies: what was not synced and does not survive is lost. */
  crash(survivors: Survivors): void {
    this.syncWrites(survivors.writes);
    this.syncHardStates(survivors.hardStates);
    this.#writes = [];
    this.#hardStates = [];
    this.#hardStatesWritten = 0;
  }

  #store({ write, discarded }: UnsyncedWrite): void {
    if (!discarded) this.#log = appended(this.#log, write);
  }
}

/** A log after a write: what is at or above its first index is replaced. */
function appended(log: readonly Entry[], { run }: LogWrite): readonly Entry[] {
  return [...log.filter((entry) => entry.index < run.firstIndex), ...run.entries()];
}
