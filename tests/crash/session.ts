/** A program that uses one directory and keeps the history of what it asked and what was acknowledged. */

import { Run } from "../../lib/raft/run.ts";
import { type Configuration, type Entry, type EntryId, type NodeId, toIndex, toTerm } from "../../lib/raft/types.ts";
import { type CrashSurvival, MemoryDisk } from "../support/memory/memory_disk.ts";
import type { Compression } from "../../lib/storage/block_codec.ts";
import type { SnapshotReceiver, Storage } from "../../lib/storage/storage.ts";
import { id, ONE, open, pathOf } from "../unit/storage/support.ts";
import { asGiven } from "./encryption.ts";
import { History, type KnownSnapshot } from "./history.ts";
import { Judge } from "./judge.ts";
import type { Machine } from "./machine.ts";
import { describe } from "./outcome.ts";
import { stringToBytes } from "../../lib/base/bytes.ts";

/** Chance from a seed (a multiplicative congruential generator): 0 to below 1. */
export function chanceOf(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
}

/** A third of everything is lost, by chance. */
export function chanceSurvival(chance: () => number): CrashSurvival {
  return {
    keepOperation: () => chance() < 0.67,
    keepSize: () => chance() < 0.67,
    keepVersions: (_path, _sector, versions) => Math.floor(chance() * (versions + 1)),
  };
}

/** Entries whose content tells where they belong: now and then one without a command, or with a configuration. */
export function entriesOf(first: number, term: number, count = 1, bytes = 20): Entry[] {
  return Array.from({ length: count }, (_, at): Entry => {
    const place = id(first + at, term);
    if (place.index % 11 === 0) return { type: "NoOp", ...place };
    if (place.index % 13 === 0) return { type: "Configuration", ...place, configuration: configurationOf(term) };
    const text = `command ${place.index} of term ${term} \x00\xff`;
    return { type: "Command", ...place, command: text.padEnd(bytes, text) };
  });
}

function configurationOf(term: number): Configuration {
  const learner = { id: 7, address: `10.0.0.${term}:15000`, clientAddress: `10.0.0.${term}:5000`, identity: "" };
  return { ...ONE, members: [...ONE.members, learner], learners: [7] };
}

/** The blocks of the snapshot that ends at an entry; every one differs from every other. */
export function blocksOf({ index, term }: EntryId): string[] {
  return [0, 1, 2].map((block) => `block ${block} at ${index}, term ${term} `.padEnd(300, `${index}\x00\xff${block}`));
}

/** Some are compressed: both forms of file go through every stop, made here and received. */
function compressionOf({ index }: EntryId): Compression {
  return index % 8 === 0 ? "deflate" : "off";
}

/** The bytes of the file of a snapshot, as another node makes and sends them. */
export async function snapshotBytes(last: EntryId): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const writer = storage.createSnapshot(last, ONE, compressionOf(last));
  for (const block of blocksOf(last)) writer.write(stringToBytes(block));
  await writer.finish();
  return disk.contents(pathOf(last.index, last.term)) ?? new Uint8Array(0);
}

/** One program on one machine, through several lives. */
export class Session {
  readonly history = new History();
  readonly machine: Machine;
  readonly #segmentBytes: number;
  #storage: Storage | undefined;
  readonly #sent: ReadonlyMap<number, Uint8Array>;

  /** `sent` holds the files of the snapshots that `receive` gets, by their last index. */
  constructor(machine: Machine, options: { segmentBytes: number; sent: ReadonlyMap<number, Uint8Array> }) {
    this.machine = machine;
    this.#segmentBytes = options.segmentBytes;
    this.#sent = options.sent;
  }

  /** Starts, and judges what was found. `isPlain`: as a start without a master key, whatever the others have. */
  async open({ isPlain = false } = {}): Promise<void> {
    const disk = isPlain ? this.machine : asGiven(this.machine);
    this.#storage = await open(disk, { segmentBytes: this.#segmentBytes });
    const found = describe(this.#storage);
    const wrong = new Judge(this.history).judge({ type: "Opened", found });
    if (wrong !== undefined) throw new Error(`A start inside the workload: ${wrong}`);
    this.history.recover(found);
  }

  append(entries: readonly Entry[], restart = false): void {
    this.history.appends.push({ entries, restart });
    this.#used.append(Run.of(entries));
  }

  sync(): Promise<void> {
    const covered = this.history.appends.length;
    return handled(this.#used.sync().then(() => void (this.history.acknowledged = covered)));
  }

  save(term: number, votedFor: NodeId | undefined): Promise<void> {
    const hardState = { currentTerm: toTerm(term), votedFor };
    this.history.hardStates.push(hardState);
    const done = () => void (this.history.hardStates = [hardState]);
    return handled(this.#used.saveHardState(hardState).then(done));
  }

  /** Makes a snapshot of the state at an entry, without compaction. */
  take(index: number, term: number): Promise<void> {
    const last = id(index, term);
    const writer = this.#used.createSnapshot(last, ONE, compressionOf(last));
    for (const block of blocksOf(last)) writer.write(stringToBytes(block));
    return this.#finish(last, () => writer.finish());
  }

  /** Begins to receive a snapshot; the pieces are sent by `send`. */
  receive(index: number, term: number): SnapshotReceiver {
    return this.#used.receiveSnapshot(id(index, term), ONE);
  }

  /** Sends up to `bytes` of the snapshot that ends at `index`. */
  send(receiver: SnapshotReceiver, index: number, bytes = Infinity): void {
    const file = this.#sent.get(index);
    if (file === undefined) throw new Error(`No snapshot was made at ${index} for this workload`);
    receiver.write(receiver.nextOffset, file.subarray(receiver.nextOffset, receiver.nextOffset + bytes));
  }

  finish(receiver: SnapshotReceiver, last: EntryId): Promise<void> {
    return this.#finish(last, () => receiver.finish());
  }

  compact(index: number): Promise<void> {
    return handled(this.#used.compact(toIndex(index)));
  }

  /** An orderly end. */
  async close(): Promise<void> {
    await this.#used.close();
    this.#storage = undefined;
  }

  /** The process ends at once; what it wrote is in the page cache. Nothing may be in flight. */
  kill(): void {
    this.machine.disk.releaseLocks();
    this.#storage = undefined;
  }

  /** Power fails, part of what was unsynced is lost, and comes back. Nothing may be in flight. */
  losePower(seed: number): void {
    this.machine.replaceDisk(this.machine.disk.crash(chanceSurvival(chanceOf(seed))));
    this.#storage = undefined;
  }

  get #used(): Storage {
    if (this.#storage === undefined) throw new Error("The directory is not open");
    return this.#storage;
  }

  #finish(last: EntryId, finish: () => Promise<unknown>): Promise<void> {
    const snapshot: KnownSnapshot = { id: last, content: blocksOf(last).join("") };
    this.history.unfinished.push(snapshot);
    return handled(
      finish().then(() => {
        this.history.unfinished = this.history.unfinished.filter((other) => other !== snapshot);
        if (last.index > this.history.snapshot.id.index) this.history.snapshot = snapshot;
      }),
    );
  }
}

/** The same promise; that it rejects once the power has failed is no unhandled rejection. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
