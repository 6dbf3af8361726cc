/** The `Storage` over one directory: hands each call to the part that does it, and waits for all of them at the end. */

import type { Run } from "../raft/run.ts";
import type { Configuration, EntryId, HardState, Index } from "../raft/types.ts";
import type { Compression } from "./block_codec.ts";
import type { Disk, DiskLock, DiskSpace } from "./disk.ts";
import type { NodeStore } from "./node_store.ts";
import type { SnapshotStore } from "./snapshot_store.ts";
import type { Recovered, SnapshotReceiver, SnapshotSource, SnapshotWriter, Storage, StorageSizes } from "./storage.ts";
import type { Wal } from "./wal.ts";

/** The parts of an open directory. */
export interface DirectoryParts {
  readonly disk: Disk;
  readonly directory: string;
  readonly recovered: Recovered;
  readonly lock: DiskLock;
  readonly node: NodeStore;
  readonly snapshots: SnapshotStore;
  readonly wal: Wal;
}

/** Made by `openStorage`. */
export class DirectoryStorage implements Storage {
  readonly directory: string;
  readonly recovered: Recovered;
  readonly #parts: DirectoryParts;
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(parts: DirectoryParts) {
    this.directory = parts.directory;
    this.recovered = parts.recovered;
    this.#parts = parts;
  }

  reserve(bytes: number, entries: number): boolean {
    return this.#parts.wal.reserve(bytes, entries);
  }

  reserveBody(bodyBytes: number): boolean {
    return this.#parts.wal.reserveBody(bodyBytes);
  }

  append(run: Run): void {
    this.#parts.wal.append(run);
  }

  sync(): Promise<void> {
    return this.#track(this.#parts.wal.sync());
  }

  saveHardState(hardState: HardState): Promise<void> {
    return this.#track(this.#parts.node.save(hardState));
  }

  markRemoved(): Promise<void> {
    return this.#track(this.#parts.node.markRemoved());
  }

  createSnapshot(lastIncluded: EntryId, configuration: Configuration, compression?: Compression): SnapshotWriter {
    const writer = this.#parts.snapshots.create({ lastIncluded, configuration, compression: compression ?? "off" });
    return {
      write: (block) => writer.write(block),
      finish: () => this.#track(writer.finish()),
      abort: () => writer.abort(),
    };
  }

  receiveSnapshot(lastIncluded: EntryId, configuration: Configuration): SnapshotReceiver {
    const receiver = this.#parts.snapshots.receive(lastIncluded, configuration);
    return {
      get nextOffset(): number {
        return receiver.nextOffset;
      },
      write: (offset, data) => receiver.write(offset, data),
      finish: (check) => this.#track(receiver.finish(check)),
      abort: () => receiver.abort(),
    };
  }

  openSnapshot(): SnapshotSource | undefined {
    return this.#parts.snapshots.openNewest();
  }

  compact(index: Index): Promise<void> {
    return this.#track(this.#parts.wal.compact(index));
  }

  sizes(): StorageSizes {
    return { ...this.#parts.wal.sizes(), ...this.#parts.snapshots.sizes() };
  }

  space(): DiskSpace | undefined {
    return this.#parts.disk.space(this.directory);
  }

  keepFree(bytes: number): void {
    this.#parts.wal.keepFree(bytes);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    const { lock, node, snapshots, wal } = this.#parts;
    try {
      snapshots.abortAll();
    } finally {
      node.close();
      await wal.close();
      lock.release();
    }
  }

  #track<T>(running: Promise<T>): Promise<T> {
    this.#inFlight.add(running);
    const forget = () => this.#inFlight.delete(running);
    running.then(forget, forget);
    return running;
  }
}
