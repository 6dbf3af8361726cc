/** The snapshots of a directory: the newest and the one before it. */

import { CorruptionError } from "../base/errors.ts";
import { fault } from "../base/faults.ts";
import type { Configuration, EntryId, Term } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import type { FailureLatch } from "./failure_latch.ts";
import {
  checkSnapshot,
  parseSnapshotName,
  type SnapshotHead,
  snapshotName,
  type SnapshotSummary,
} from "./snapshot_format.ts";
import { SnapshotFileSource } from "./snapshot_source.ts";
import { storedSnapshot, type TemporaryHost, TemporarySnapshot, verifySnapshot } from "./snapshot_temporary.ts";
import { SnapshotFileReceiver, SnapshotFileWriter } from "./snapshot_writer.ts";
import type { SnapshotReceiver, SnapshotSource, SnapshotWriter, StorageSizes, StoredSnapshot } from "./storage.ts";

/** The newest, and the one before it until a third comes: it costs only space. */
const SNAPSHOTS_KEPT = 2;

/** A complete snapshot by the name of its file. */
export interface ListedSnapshot {
  readonly name: string;
  readonly lastIncluded: EntryId;
  readonly bytes: number;
}

/** The complete snapshots in `directory`, newest first. Their contents are not looked at. */
export function listSnapshots(disk: Disk, directory: string): ListedSnapshot[] {
  const listed: ListedSnapshot[] = [];
  for (const name of disk.list(directory)) {
    const lastIncluded = parseSnapshotName(name);
    if (lastIncluded === undefined) continue;
    const file = disk.open(`${directory}/${name}`, "read");
    listed.push({ name, lastIncluded, bytes: file.size() });
    file.close();
  }
  return listed.sort(newestFirst);
}

/** How a snapshot is verified. */
export interface Verification {
  readonly disk: Disk;
  readonly directory: string;
  readonly pause: () => Promise<void>;
  /** Whoever asks loads it next: its compression is left to that. */
  readonly isLoadedNext?: boolean | undefined;
}

/** Verifies one snapshot, its name included. Rejects with `CorruptionError` or `FormatVersionError`. */
export async function verifyListed(
  { disk, directory, pause, isLoadedNext }: Verification,
  { name, lastIncluded }: ListedSnapshot,
): Promise<SnapshotSummary> {
  const path = `${directory}/${name}`;
  const file = disk.open(path, "read");
  try {
    const summary = await verifySnapshot(file, pause, isLoadedNext === true ? { read: checkSnapshot } : {});
    const { index, term } = summary.lastIncluded;
    if (index === lastIncluded.index && term === lastIncluded.term) return summary;
    throw new CorruptionError(path, {
      offset: 0,
      what: `it holds a snapshot that ends at index ${index} (term ${term})`,
    });
  } finally {
    file.close();
  }
}

/** What the store is opened with. */
export interface SnapshotStoreOptions {
  readonly disk: Disk;
  /** Exists. */
  readonly directory: string;
  readonly latch: FailureLatch;
  pause(): Promise<void>;
  /** Newest first. */
  readonly listed: readonly ListedSnapshot[];
  /** The newest, verified. */
  readonly newest: StoredSnapshot | undefined;
}

/** Keeps, makes and receives snapshots. */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  #listed: readonly ListedSnapshot[];
  #newest: StoredSnapshot | undefined;
  #receiver: SnapshotFileReceiver | undefined;
  readonly #open = new Set<SnapshotFileWriter | SnapshotFileReceiver>();
  #temporaries = 0;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
    this.#listed = options.listed;
    this.#newest = options.newest;
  }

  /** Makes durable what was found, and removes what a crash left: temporary files, and snapshots that were replaced. */
  async tidy(): Promise<void> {
    const { disk, directory } = this.#options;
    const temporary = disk.list(directory).filter((name) => name.endsWith(".tmp"));
    for (const name of temporary) disk.remove(`${directory}/${name}`);
    // A process killed between rename and sync left the name in the page cache only; compaction is about to rely on it.
    if (this.#listed.length > 0) await disk.syncDirectory(directory);
    await this.#removeOlder();
  }

  create(head: SnapshotHead): SnapshotWriter {
    const writer: SnapshotFileWriter = new SnapshotFileWriter(
      this.#temporary("create"),
      head,
      () => this.#open.delete(writer),
    );
    this.#open.add(writer);
    return writer;
  }

  receive(lastIncluded: EntryId, configuration: Configuration): SnapshotReceiver {
    this.#receiver?.abort();
    const receiver: SnapshotFileReceiver = new SnapshotFileReceiver(
      this.#temporary("receive"),
      { lastIncluded, configuration },
      () => this.#open.delete(receiver),
    );
    this.#receiver = receiver;
    this.#open.add(receiver);
    return receiver;
  }

  openNewest(): SnapshotSource | undefined {
    if (this.#newest === undefined) return undefined;
    const path = `${this.#options.directory}/${snapshotName(this.#newest.lastIncluded)}`;
    return new SnapshotFileSource(this.#newest, this.#options.disk.open(path, "read"));
  }

  /** The term of the last entry of a kept snapshot that ends at `index`. */
  termAt(index: number): Term | undefined {
    return this.#listed.find((snapshot) => snapshot.lastIncluded.index === index)?.lastIncluded.term;
  }

  sizes(): Omit<StorageSizes, "segments" | "walBytes"> {
    const snapshotBytes = this.#listed.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
    let temporaryBytes = 0;
    for (const { writtenBytes } of this.#open) temporaryBytes += writtenBytes;
    const newestSnapshotBytes = this.#listed[0]?.bytes ?? 0;
    return { snapshots: this.#listed.length, snapshotBytes, newestSnapshotBytes, temporaryBytes };
  }

  /** The complete snapshots, newest first. */
  get listed(): readonly ListedSnapshot[] {
    return this.#listed;
  }

  /** Where they lie. */
  get directory(): string {
    return this.#options.directory;
  }

  /** See `Storage.dropSnapshot`. */
  async drop({ index, term }: EntryId): Promise<void> {
    const { disk, directory, latch } = this.#options;
    const old = this.#listed.slice(1).find(({ lastIncluded: id }) => id.index === index && id.term === term);
    if (old === undefined) return;
    latch.check();
    this.#listed = this.#listed.filter((other) => other !== old);
    try {
      disk.remove(`${directory}/${old.name}`);
      await disk.syncDirectory(directory);
    } catch (error) {
      throw latch.fail(error, { file: `${directory}/${old.name}`, operation: "remove" });
    }
  }

  /** Aborts what was not finished. */
  abortAll(): void {
    for (const unfinished of this.#open) unfinished.abort();
  }

  #temporary(kind: string): TemporarySnapshot {
    const { disk, directory, latch } = this.#options;
    const host: TemporaryHost = {
      disk,
      latch,
      pause: () => this.#options.pause(),
      publish: (path, summary) => this.#publish(path, summary),
    };
    // A number, since a receiver may be finishing while the next one starts.
    this.#temporaries += 1;
    return new TemporarySnapshot(host, `${directory}/${kind}-${this.#temporaries}.tmp`);
  }

  async #publish(path: string, summary: SnapshotSummary): Promise<void> {
    const { disk, directory } = this.#options;
    const { lastIncluded, bytes } = summary;
    const name = snapshotName(lastIncluded);
    disk.rename(path, `${directory}/${name}`);
    await disk.syncDirectory(directory);
    const others = this.#listed.filter((snapshot) => snapshot.name !== name);
    this.#listed = [...others, { name, lastIncluded, bytes }].sort(newestFirst);
    // A snapshot from the leader may have overtaken one made here.
    if (this.#listed[0]?.name === name) this.#newest = storedSnapshot(summary);
    await this.#removeOlder();
  }

  async #removeOlder(): Promise<void> {
    if (fault("storage/olderSnapshotKept")) return;
    const { disk, directory } = this.#options;
    const kept = fault("storage/olderSnapshotRemoved") ? 1 : SNAPSHOTS_KEPT;
    const old = this.#listed.slice(kept);
    this.#listed = this.#listed.slice(0, kept);
    for (const snapshot of old) disk.remove(`${directory}/${snapshot.name}`);
    if (old.length > 0) await disk.syncDirectory(directory);
  }
}

function newestFirst(left: ListedSnapshot, right: ListedSnapshot): number {
  return right.lastIncluded.index - left.lastIncluded.index || right.lastIncluded.term - left.lastIncluded.term;
}
