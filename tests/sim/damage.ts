/**
 * Damage of a disk at rest: flipped bits, lost and misdirected writes of data that was synced.
 *
 * It is placed where something that stays readable proves the damaged data to have been durable (docs/formats.md), for
 * otherwise nobody could tell it from a torn write; and only while the others have all that was acknowledged.
 */

import type { Random } from "../../lib/base/random.ts";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import { SECTOR_BYTES } from "../support/memory/memory_file.ts";
import { RECORD_HEADER_BYTES } from "../../lib/storage/wal_format.ts";
import { MARK_NAME, scanWal } from "../../lib/storage/wal_scan.ts";

/** The three ways in which synced data is damaged. */
export type DamageKind = "disk/bit-flip" | "disk/lost-write" | "disk/misdirected-write";

const TRIES = 8;
const NODE_FILE = /\/RaftNode\d+\.json$/;

interface RecordPlace {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  readonly number: number;
  readonly durableNumber: number;
}

interface Sector {
  readonly path: string;
  readonly sector: number;
}

/** Damages the disk of a node that is down. Undefined when no place was found, else what was hit. `directory` is the node's. */
export function plantDamage(
  disk: MemoryDisk,
  { directory, kind, random }: { readonly directory: string; readonly kind: DamageKind; readonly random: Random },
): string | undefined {
  const records = findRecords(disk, `${directory}/wal`);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    // The last record that was synced is the one that a torn write is most easily taken for.
    const target = attempt === 0 && random.chance(0.5) ? lastSector(records) : pickSector(disk, random);
    if (target === undefined) continue;
    const source = kind === "disk/misdirected-write" ? pickSector(disk, random) : undefined;
    const hit = source === undefined ? [target] : [target, source];
    if (!hit.every((sector) => isProven(sector, { hit, records }))) continue;
    damage(disk, { kind, target, source, random });
    return hit.map(({ path, sector }) => `${path} sector ${sector}`).join(" from ");
  }
  return undefined;
}

/** Where a bit changes while a process has read all of it. */
export const ROT_KINDS = ["snapshot", "log", "node file"] as const;

/** A byte that is not what was written; what is there now. */
export interface Rot {
  readonly path: string;
  readonly at: number;
  readonly value: number;
}

/** Changes a bit of what a process has written and synced long ago. Undefined when there is nothing of that kind. */
export function plantRot(
  disk: MemoryDisk,
  { directory, kind, random }: {
    readonly directory: string;
    readonly kind: typeof ROT_KINDS[number];
    readonly random: Random;
  },
): Rot | undefined {
  const place = pickRot(disk, { directory, kind, random });
  if (place === undefined) return undefined;
  const { path, from, to } = place;
  const at = random.between(from, to - 1);
  disk.damage(path, (bytes) => bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8)));
  return { path, at, value: disk.contents(path)?.[at] ?? 0 };
}

function pickRot(
  disk: MemoryDisk,
  { directory, kind, random }: {
    readonly directory: string;
    readonly kind: typeof ROT_KINDS[number];
    readonly random: Random;
  },
): Pick<RecordPlace, "path" | "from" | "to"> | undefined {
  if (kind === "log") {
    const records = findRecords(disk, `${directory}/wal`).filter(({ number, path }) =>
      number > 0 && path.endsWith(".wal")
    );
    // One that others follow is synced.
    return records.length < 2 ? undefined : random.pick(records.slice(0, -1));
  }
  const names = [...disk.files()].filter(([path, { length }]) => {
    return length > 0 && (kind === "snapshot" ? path.endsWith(".snap") : NODE_FILE.test(path));
  });
  if (names.length === 0) return undefined;
  const [path, { length }] = random.pick(names);
  return { path, from: 0, to: length };
}

function damage(
  disk: MemoryDisk,
  { kind, target, source, random }: {
    readonly kind: DamageKind;
    readonly target: Sector;
    readonly source: Sector | undefined;
    readonly random: Random;
  },
): void {
  if (source !== undefined) {
    const content = disk.contents(source.path)?.slice(...rangeOf(source));
    disk.damage(target.path, (bytes) => {
      const place = bytes.subarray(...rangeOf(target));
      place.set((content ?? new Uint8Array(0)).subarray(0, place.length));
    });
  }
  disk.damage((source ?? target).path, (bytes) => {
    const place = bytes.subarray(...rangeOf(source ?? target));
    if (kind !== "disk/bit-flip") place.fill(0);
    else if (place.length > 0) {
      const at = random.below(place.length);
      place[at] = (place[at] ?? 0) ^ (1 << random.below(8));
    }
  });
}

function rangeOf({ sector }: Sector): [number, number] {
  return [sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES];
}

/** A sector that holds something, of any file but the lock. */
function pickSector(disk: MemoryDisk, random: Random): Sector | undefined {
  const files = [...disk.files()].filter(([path, bytes]) => bytes.length > 0 && !path.endsWith("/LOCK"));
  if (files.length === 0) return undefined;
  const [path, bytes] = random.pick(files);
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === 0) end -= 1;
  return { path, sector: random.below(Math.ceil(end / SECTOR_BYTES)) };
}

/** A sector of the last record; undefined without one. */
function lastSector(records: readonly RecordPlace[]): Sector | undefined {
  const last = records.reduce<RecordPlace | undefined>(
    (best, one) => one.number > (best?.number ?? 0) ? one : best,
    undefined,
  );
  return last === undefined ? undefined : { path: last.path, sector: Math.floor((last.to - 1) / SECTOR_BYTES) };
}

function findRecords(disk: MemoryDisk, directory: string): readonly RecordPlace[] {
  const records: RecordPlace[] = [];
  const { mark } = scanWal(disk, directory, (record, body, segment) => {
    const from = segment.end;
    const to = from + RECORD_HEADER_BYTES + body.length;
    records.push({ path: segment.path, from, to, number: record.number, durableNumber: record.durableNumber });
    return undefined;
  });
  if (mark !== undefined) {
    records.push({
      path: `${directory}/${MARK_NAME}`,
      from: 0,
      to: SECTOR_BYTES,
      number: 0,
      durableNumber: mark.number,
    });
  }
  return records;
}

function isProven(
  sector: Sector,
  { hit, records }: { readonly hit: readonly Sector[]; readonly records: readonly RecordPlace[] },
): boolean {
  if (!sector.path.endsWith(".wal")) return true;
  const damaged = records.filter((record) => hit.some((one) => overlaps(record, one)));
  // The header of a segment stands for its first record.
  const first = sector.sector === 0 ? records.find((record) => record.path === sector.path)?.number ?? 0 : 0;
  let proven = 0;
  for (const record of records) {
    if (!damaged.includes(record)) proven = Math.max(proven, record.durableNumber);
  }
  return damaged.every((record) => record.number <= proven) && first <= proven;
}

function overlaps(record: RecordPlace, { path, sector }: Sector): boolean {
  const [from, to] = rangeOf({ path, sector });
  return record.path === path && record.from < to && record.to > from;
}
