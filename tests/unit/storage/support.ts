/** Shared by the storage tests: configurations, entries, and opening a directory. */

import { Run } from "../../../lib/raft/run.ts";
import { assert } from "@std/assert";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  type Entry,
  type EntryId,
  toIndex,
  toTerm,
} from "../../../lib/raft/types.ts";
import type { Disk } from "../../../lib/storage/disk.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { openStorage, type OpenStorageOptions } from "../../../lib/storage/open.ts";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import type { SnapshotSource, Storage } from "../../../lib/storage/storage.ts";

export const DIRECTORY = "/data/node-0";
export const NODE_FILE = `${DIRECTORY}/RaftNode0.json`;
export const FIRST_SEGMENT = `${DIRECTORY}/wal/00000000000000000001.wal`;
export const SNAPSHOTS = `${DIRECTORY}/snapshots`;
export const MARK = `${DIRECTORY}/wal/durable.mark`;

/** A configuration of one voter. */
export const ONE: Configuration = {
  ...EMPTY_CONFIGURATION,
  members: [{ id: 0, address: "127.0.0.1:15000", clientAddress: "127.0.0.1:5000", identity: "" }],
  voters: [0],
};

/** Opens the usual directory of node 0. */
export function open(disk: Disk, options: Partial<OpenStorageOptions> = {}): Promise<Storage> {
  return openStorage({
    disk,
    directory: DIRECTORY,
    nodeId: 0,
    clusterName: "test",
    initialConfiguration: ONE,
    makeIdentity: () => "0123456789abcdef",
    segmentBytes: 4_096,
    pause: () => Promise.resolve(),
    ...options,
  });
}

export function id(index: number, term: number): EntryId {
  return { index: toIndex(index), term: toTerm(term) };
}

/** `count` command entries of `term` from `first` on, whose commands tell index and term. */
export function entries(first: number, term: number, count = 1): Entry[] {
  return Array.from({ length: count }, (_, at) => {
    return { type: "Command", ...id(first + at, term), command: `command ${first + at} of term ${term}` };
  });
}

/** Appends and syncs. */
export async function write(storage: Storage, list: readonly Entry[]): Promise<void> {
  storage.append(Run.of(list));
  await storage.sync();
}

/** Index and term of each recovered entry, as "index/term". */
export function idsOf(list: readonly Entry[]): string {
  return list.map((entry) => `${entry.index}/${entry.term}`).join(" ");
}

/** The error that `action` throws or rejects with, which must be of `type`. */
export async function failure<E extends Error>(
  type: new (...parameters: never[]) => E,
  action: () => unknown,
): Promise<E> {
  try {
    await action();
  } catch (error) {
    assert(error instanceof type, `Expected ${type.name}, but it was ${error}`);
    return error;
  }
  throw new Error(`Expected ${type.name}, but nothing was thrown`);
}

/** A copy of the disk with everything that was written on it durable. */
export function durableCopy(disk: MemoryDisk): MemoryDisk {
  return disk.crash({
    keepOperation: () => true,
    keepSize: () => true,
    keepVersions: (_path, _sector, count) => count,
  });
}

/** Overwrites bytes of a file behind the storage's back. */
export function patch(disk: Disk, path: string, change: { offset: number; bytes: Uint8Array }): void {
  const file = disk.open(path, "write");
  file.writeAt(change.offset, change.bytes);
  file.close();
}

/** Flips one bit of a file. */
export function flip(disk: Disk, path: string, bit: number): void {
  const offset = bit >> 3;
  const bytes = new Uint8Array(1);
  const file = disk.open(path, "write");
  file.readAt(offset, bytes);
  bytes[0] = (bytes[0] ?? 0) ^ (1 << (bit & 7));
  file.writeAt(offset, bytes);
  file.close();
}

/** A writer of snapshot blocks that tells the state at `index`. */
export async function makeSnapshot(storage: Storage, index: number, term: number): Promise<void> {
  const writer = storage.createSnapshot(id(index, term), ONE);
  writer.write(stringToBytes(`state at ${index}`));
  writer.write(stringToBytes("second block \xff\x00"));
  await writer.finish();
}

/** The blocks of a snapshot as byte strings. */
export function textsOf(source: SnapshotSource): string[] {
  return Array.from(source.blocks(), (block) => bytesToString(block));
}

/** The file of a snapshot. */
export function pathOf(index: number, term: number): string {
  return `${SNAPSHOTS}/${String(index).padStart(20, "0")}-${term}.snap`;
}

/** The bytes of a snapshot file that another node makes at `index`. */
export async function bytesOf(index: number, term: number): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await makeSnapshot(storage, index, term);
  return disk.contents(pathOf(index, term)) ?? new Uint8Array(0);
}
