/** The `Storage` over one directory: hands each call to the part that does it, and waits for all of them at the end. */

import { IncompatibleError } from "../base/errors.ts";
import type { Run } from "../raft/run.ts";
import type { Configuration, EntryId, HardState, Index } from "../raft/types.ts";
import type { Compression } from "./block_codec.ts";
import type { Disk, DiskLock, DiskSpace } from "./disk.ts";
import { KEY_FILE_NAME } from "./encryption/key_file.ts";
import type { NodeStore } from "./node_store.ts";
import { scrubKeyFile, scrubNodeFile, scrubSegment, scrubSnapshot, type ScrubStep, whileKept } from "./scrub.ts";
import type { SnapshotStore } from "./snapshot_store.ts";
import type { Recovered, SnapshotReceiver, SnapshotSource, SnapshotWriter, Storage, StorageSizes } from "./storage.ts";
import type { Wal } from "./wal.ts";

/** The parts of an open directory. */
export interface DirectoryParts {
  readonly disk: Disk;
  readonly walDirectory: string;
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
      writtenBack: () => writer.writtenBack(),
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

  *scrub(): Generator<ScrubStep, void> {
    const { disk, node, snapshots, wal, walDirectory } = this.#parts;
    for (const snapshot of [...snapshots.listed]) {
      const placeOf = () => snapshots.listed.findIndex(({ name }) => name === snapshot.name);
      const reading = scrubSnapshot(disk, `${snapshots.directory}/${snapshot.name}`);
      const damage = yield* whileKept(reading, () => placeOf() >= 0);
      const place = placeOf();
      if (damage === undefined) continue;
      yield { type: "Damaged", damage, part: { type: "Snapshot", id: snapshot.lastIncluded, isNewest: place === 0 } };
    }
    for (const { name } of [...wal.durableSegments()]) {
      // It may have gone on, or be gone, since.
      const segment = wal.durableSegments().find((now) => now.name === name);
      if (segment === undefined) continue;
      const reading = scrubSegment({ disk, directory: walDirectory }, segment);
      const damage = yield* whileKept(reading, () => wal.indexCovering(name) !== undefined);
      if (damage === undefined) continue;
      yield { type: "Damaged", damage, part: { type: "Segment", name } };
    }
    const damage = yield* scrubNodeFile(disk, node.path);
    if (damage !== undefined) yield { type: "Damaged", damage, part: { type: "NodeFile" } };
    yield* this.#scrubKeys();
  }

  *#scrubKeys(): Generator<ScrubStep, void> {
    const { disk } = this.#parts;
    const { directory } = this;
    if (disk.encryption?.keysOf(directory) === undefined) return;
    const path = `${directory}/${KEY_FILE_NAME}`;
    const damage = yield* scrubKeyFile(disk, {
      path,
      examine: (bytes) => disk.encryption?.examine(directory, bytes),
    });
    if (damage !== undefined) yield { type: "Damaged", damage, part: { type: "KeyFile" } };
  }

  async restoreKeyFile(): Promise<boolean> {
    const { encryption } = this.#parts.disk;
    if (encryption === undefined) {
      throw new IncompatibleError(`Cannot restore the keys of ${this.directory}: it has none`);
    }
    return await this.#track(encryption.restore(this.directory));
  }

  leaveSegment(name: string): boolean {
    return this.#parts.wal.leave(name);
  }

  indexCovering(name: string): number | undefined {
    return this.#parts.wal.indexCovering(name);
  }

  dropSnapshot(id: EntryId): Promise<void> {
    return this.#track(this.#parts.snapshots.drop(id));
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
