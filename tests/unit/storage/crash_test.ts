/**
 * Crashes after every disk call of a workload, with samples of what of the unsynced state survives.
 *
 * The oracle: the recovered log is the log as it was after some number of appends, at least those acknowledged; the term,
 * the vote and the snapshot are at least the acknowledged ones; and the directory can be written to again.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Entry, type EntryId, toIndex, ZERO_ENTRY_ID } from "../../../lib/raft/types.ts";
import { type CrashSurvival, MemoryDisk } from "../../../lib/storage/memory_disk.ts";
import type { Storage } from "../../../lib/storage/storage.ts";
import { bytesOf, entries, id, idsOf, ONE, open } from "./support.ts";

/** Chance from a seed (a multiplicative congruential generator): 0 to below 1. */
function chanceOf(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
}

/** What had been asked and what had been acknowledged at one moment. */
interface Promises {
  /** Appends so far, in order, and how many of them were acknowledged. */
  readonly appended: number;
  readonly acknowledged: number;
  readonly term: number;
  readonly termAsked: number;
  readonly snapshot: number;
  readonly snapshotAsked: number;
}

/** A crash image and what it must keep. */
interface Image {
  readonly disk: MemoryDisk;
  readonly call: string;
  readonly promises: Promises;
}

/** One append; with `restart` the first after a snapshot that replaced the log. */
interface Append {
  readonly list: readonly Entry[];
  readonly restart: boolean;
}

/** A storage under test with the history of what it was told. */
class Workload {
  readonly appends: Append[] = [];
  promises: Promises = { appended: 0, acknowledged: 0, term: 0, termAsked: 0, snapshot: 0, snapshotAsked: 0 };
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  append(list: readonly Entry[], restart = false): void {
    this.appends.push({ list, restart });
    this.#promise({ appended: this.appends.length });
    this.#storage.append(list);
  }

  async sync(): Promise<void> {
    const covered = this.appends.length;
    await this.#storage.sync();
    this.#promise({ acknowledged: covered });
  }

  async save(term: number): Promise<void> {
    this.#promise({ termAsked: term });
    await this.#storage.saveHardState({ currentTerm: id(0, term).term, votedFor: term });
    this.#promise({ term });
  }

  async snapshot(index: number, term: number): Promise<void> {
    const writer = this.#storage.createSnapshot(id(index, term), ONE);
    for (let block = 0; block < 3; block++) writer.write(`block ${block} at ${index} ${"x".repeat(400)}`);
    this.#promise({ snapshotAsked: index });
    await writer.finish();
    this.#promise({ snapshot: index });
    await this.#storage.compact(toIndex(index));
  }

  async install(index: number, term: number): Promise<void> {
    const receiver = this.#storage.receiveSnapshot(id(index, term), ONE);
    receiver.write(0, await bytesOf(index, term));
    this.#promise({ snapshotAsked: index });
    await receiver.finish();
    this.#promise({ snapshot: index });
  }

  #promise(news: Partial<Promises>): void {
    this.promises = { ...this.promises, ...news };
  }
}

/** The log after the first `count` appends, as far as it follows `snapshot`. */
function logAfter(appends: readonly Append[], count: number, snapshot: EntryId): readonly Entry[] {
  let log: Entry[] = [];
  for (const { list, restart } of appends.slice(0, count)) {
    const first = list[0]?.index ?? 0;
    log = restart ? [...list] : [...log.filter((entry) => entry.index < first), ...list];
  }
  const replaced = log.find((entry) => entry.index === snapshot.index);
  if (replaced !== undefined && replaced.term !== snapshot.term) return []; // Raft 7: the snapshot contradicts the log.
  return log.filter((entry) => entry.index > snapshot.index);
}

/** Syncs with appends in between, truncations, rolls, votes, snapshots and compaction. */
async function run(workload: Workload): Promise<void> {
  await workload.save(1);
  workload.append(entries(1, 1, 2));
  workload.append(entries(3, 1, 3));
  const first = workload.sync();
  workload.append(entries(6, 1, 8)); // While the sync is in flight.
  await first;
  await workload.sync();
  const vote = workload.save(2);
  workload.append(entries(9, 2, 10)); // Replaces entries that were synced.
  await workload.sync();
  await vote;
  for (let index = 19; index < 120; index += 25) workload.append(entries(index, 2, 25)); // Several segments in one sync.
  await workload.sync();
  await workload.snapshot(60, 2);
  workload.append(entries(144, 2, 4));
  const third = workload.snapshot(100, 2);
  await workload.sync();
  await third;
  workload.append(entries(140, 3, 30));
  await workload.save(3);
  await workload.sync();
  workload.append(entries(170, 3, 3));
  workload.append(entries(173, 3, 3));
  await workload.install(172, 5);
  workload.append(entries(173, 5, 2), true);
  await workload.sync();
  await workload.install(300, 5);
  workload.append(entries(301, 6, 2), true);
  workload.append(entries(303, 6, 20));
  await workload.sync();
}

function survivalOf(chance: () => number, style: number): CrashSurvival {
  if (style === 0) return {};
  if (style === 1) {
    return { keepOperation: () => true, keepSize: () => true, keepVersions: (_path, _sector, versions) => versions };
  }
  return {
    keepOperation: () => chance() < 0.5,
    keepSize: () => chance() < 0.7,
    keepVersions: (_path, _sector, versions) => Math.floor(chance() * (versions + 1)),
  };
}

/** Opens an image, checks it against what was promised, and returns the storage. */
async function check(image: Image, appends: readonly Append[]): Promise<Storage> {
  const { disk, call, promises } = image;
  const storage = await open(disk);
  const { entries: found, snapshot, hardState } = storage.recovered;
  const end = snapshot?.lastIncluded ?? ZERO_ENTRY_ID;
  assert(
    [promises.snapshot, promises.snapshotAsked].includes(end.index),
    `snapshot ${end.index} after ${call}`,
  );
  const possible: string[] = [];
  for (let count = promises.acknowledged; count <= promises.appended; count++) {
    possible.push(idsOf(logAfter(appends, count, end)));
  }
  assert(
    possible.includes(idsOf(found)),
    `log ${idsOf(found)} after ${call}, expected one of:\n${possible.join("\n")}`,
  );
  for (const entry of found) {
    if (entry.type === "Command") assertEquals(entry.command, `command ${entry.index} of term ${entry.term}`);
  }
  const term: number = hardState.currentTerm;
  const logTerm = (found.at(-1) ?? end).term;
  assert(term >= promises.term && term <= Math.max(promises.termAsked, logTerm), `term ${term} after ${call}`);
  if (hardState.votedFor !== undefined) assertEquals<number>(hardState.votedFor, term);
  return storage;
}

/** Runs the workload and takes `samples` images after each call. */
async function imagesOf(seed: number, samples: number): Promise<{ images: Image[]; workload: Workload }> {
  const disk = new MemoryDisk({ pieceBytes: 1_500 });
  const chance = chanceOf(seed);
  const images: Image[] = [];
  const running: { workload?: Workload } = {};
  let calls = 0;
  disk.hooks.afterCall = (operation, path) => {
    calls += 1;
    const promises = running.workload?.promises ??
      { appended: 0, acknowledged: 0, term: 0, termAsked: 0, snapshot: 0, snapshotAsked: 0 };
    for (let sample = 0; sample < samples; sample++) {
      const call = `call ${calls} (${operation} ${path}), seed ${seed}, sample ${sample}`;
      images.push({ disk: disk.crash(survivalOf(chance, sample)), call, promises });
    }
  };
  const workload = running.workload = new Workload(await open(disk));
  await run(workload);
  disk.hooks.afterCall = undefined;
  return { images, workload };
}

Deno.test("a crash after any disk call leaves the acknowledged prefix, and nothing invented", async () => {
  for (const seed of [1, 2, 3]) {
    const { images, workload } = await imagesOf(seed, 6);
    assertGreater(images.length, 800);
    for (const image of images) {
      const storage = await check(image, workload.appends);
      const { entries: found, snapshot } = storage.recovered;
      const next = (found.at(-1) ?? snapshot?.lastIncluded)?.index ?? 0;
      storage.append(entries(next + 1, 9, 40));
      await storage.sync();
      // Power fails again right after the acknowledgement.
      const { recovered } = await open(image.disk.crash());
      assertEquals(idsOf(recovered.entries), idsOf([...found, ...entries(next + 1, 9, 40)]), image.call);
    }
  }
});

Deno.test("a second crash during recovery loses nothing either", async () => {
  const { images, workload } = await imagesOf(2, 4);
  const chance = chanceOf(3);
  for (const image of images) {
    if (chance() > 0.1) continue;
    const second: MemoryDisk[] = [];
    image.disk.hooks.afterCall = () => {
      for (let style = 0; style < 3; style++) second.push(image.disk.crash(survivalOf(chance, style)));
    };
    await check(image, workload.appends);
    for (const disk of second) await check({ ...image, disk }, workload.appends);
  }
});
