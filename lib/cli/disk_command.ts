/** `kvstore disk`: what takes the space in the directory of a node, what may go, and what is to stay free. */

import { AccessError } from "../base/errors.ts";
import { DISK_MARGIN_BYTES_MAX, DISK_MARGIN_SHARE } from "../node/limits.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import type { DiskSpace } from "../storage/disk.ts";
import type { EncryptionFacts } from "../storage/encryption/encryption.ts";
import { describeEncryption } from "../storage/encryption/key_files.ts";
import { isInUse } from "../storage/inspect.ts";
import { listSnapshots } from "../storage/snapshot_store.ts";
import { SNAPSHOTS_NAME } from "../storage/version_check.ts";
import { count } from "./backup/backup_text.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT } from "./failures.ts";
import { refuseOtherDirectory } from "./inspect_command.ts";
import { UsageError } from "./usage_error.ts";

/** Files of one kind: `matches` their paths below the directory, with slashes. */
interface Kind {
  readonly name: string;
  readonly matches: RegExp;
  readonly what: string;
}

/** In the order of the output; the first that matches counts. */
const KINDS: readonly Kind[] = [
  {
    name: "log",
    matches: /^wal\/\d+\.wal$/,
    what: "the log; --snapshot-bytes and --snapshot-entries bound what has no snapshot yet",
  },
  { name: "spare", matches: /^wal\/spare\.tmp$/, what: "room for the log, prepared before it is needed" },
  { name: "snapshots", matches: /^snapshots\/\d+-\d+\.snap$/, what: "the newest snapshot and the one before it" },
  {
    name: "unfinished",
    matches: /^snapshots\/.*\.tmp$/,
    what: "snapshots in the making; what a crash has left goes at the next start",
  },
  {
    name: "node",
    matches:
      /^(RaftNode\d+\.json(\.tmp)?|RaftKeys\.json(\.tmp)?|RaftKeys\.lock|LOCK|RESTORING|REMOVED|wal\/durable\.mark(\.tmp)?)$/,
    what: "who the node is, its term and vote, its keys",
  },
  {
    name: "quarantine",
    matches: /^quarantine\/(open|\d+)\.json(\.tmp)?$/,
    what: "what was found when the state of the node was not sound; numbered files are of times that are over",
  },
  {
    name: "beforeRecovery",
    matches: /^before-recovery\//,
    what: "the directory as it was before kvstore recover force; delete it when all is well",
  },
  { name: "others", matches: /^/, what: "files that KVStore does not know" },
];
const BLOCK_BYTES = 512;
const UNIT = 1_024;
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** A file below the directory. */
interface Found {
  readonly path: string;
  /** What it takes of the disk, where the system tells; else its size. */
  readonly bytes: number;
}

/** Files of one kind, and what they take. */
export interface DiskUse {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
}

/** Changes nothing; a node may run on the directory. Rejects with `UsageError`, `Failure` and `AccessError`. */
export async function runDiskCommand({ settings, operands, surroundings }: CommandContext): Promise<number> {
  const [directory, ...others] = operands;
  if (directory === undefined || others.length > 0) {
    throw new UsageError("disk takes the directory of one node, for example kvstore disk ./kvstore-data/node-0");
  }
  refuseOtherDirectory(directory);
  const inUse = await isInUse(new DenoDisk(), directory);
  const uses = measure(directory);
  const encryption = describeEncryption(new DenoDisk(), directory) ?? null;
  const room = roomOf(directory, uses);
  surroundings.out(
    settings.enabled("json")
      ? `${JSON.stringify({ directory, inUse, encryption, bytes: sumOf(uses), parts: uses, room })}\n`
      : `${show(uses, { directory, inUse })}${showEncryption(encryption)}${room === null ? "" : showRoom(room)}`,
  );
  return EXIT.ok;
}

/** What each kind of files takes, those without files too. Throws `AccessError`. */
export function measure(directory: string): readonly DiskUse[] {
  const found = Array.from(filesBelow(directory, ""));
  return KINDS.map((kind) => {
    const own = found.filter(({ path }) => KINDS.find(({ matches }) => matches.test(path)) === kind);
    return { name: kind.name, files: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
}

/** What is free, and what of it is to stay so. */
export interface Room extends DiskSpace {
  /** The newest snapshot and the log together, which the next snapshot is no longer than. */
  readonly snapshotBytes: number;
  readonly marginBytes: number;
}

/** Null where the system does not tell. Throws `AccessError`. */
export function roomOf(directory: string, uses: readonly DiskUse[]): Room | null {
  const disk = new DenoDisk();
  const space = disk.space(directory);
  if (space === undefined) return null;
  const newest = listSnapshots(disk, `${directory}/${SNAPSHOTS_NAME}`)[0]?.bytes ?? 0;
  const log = uses.find(({ name }) => name === "log")?.bytes ?? 0;
  const marginBytes = Math.min(DISK_MARGIN_BYTES_MAX, space.totalBytes * DISK_MARGIN_SHARE);
  return { ...space, snapshotBytes: newest + log, marginBytes };
}

function showRoom({ totalBytes, freeBytes, snapshotBytes, marginBytes }: Room): string {
  const reserve = `${showBytes(snapshotBytes + marginBytes)} are to stay free for the next snapshot`;
  const found = `Of ${showBytes(totalBytes)}, ${showBytes(freeBytes)} are free`;
  const isShort = freeBytes < snapshotBytes + marginBytes;
  return `${found}; up to ${reserve}${isShort ? ": a node here may refuse writes that add" : ""}\n`;
}

function* filesBelow(directory: string, parent: string): Generator<Found> {
  for (const { name, isDirectory } of entriesOf(directory)) {
    const [path, place] = [`${parent}${name}`, `${directory}/${name}`];
    if (isDirectory) yield* filesBelow(place, `${path}/`);
    else {
      const bytes = bytesOf(place);
      if (bytes !== undefined) yield { path, bytes };
    }
  }
}

function entriesOf(directory: string): readonly Deno.DirEntry[] {
  try {
    return Array.from(Deno.readDirSync(directory));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new AccessError(directory, { operation: "list", cause: error });
  }
}

/** Undefined for a file that is gone meanwhile: a node that runs removes what it needs no more. A link is not followed. */
function bytesOf(path: string): number | undefined {
  try {
    const { size, blocks } = Deno.lstatSync(path);
    return blocks === null ? size : blocks * BLOCK_BYTES;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new AccessError(path, { operation: "look at", cause: error });
  }
}

function sumOf(uses: readonly DiskUse[]): number {
  return uses.reduce((sum, { bytes }) => sum + bytes, 0);
}

function show(
  uses: readonly DiskUse[],
  { directory, inUse }: { readonly directory: string; readonly inUse: boolean },
): string {
  const files = uses.reduce((sum, use) => sum + use.files, 0);
  const all = sumOf(uses);
  const head = `${directory}: ${showBytes(all)} in ${count(files, "file")}${inUse ? "; a node runs on it" : ""}\n`;
  const lines = uses.map(({ name, files, bytes }, at) =>
    files === 0
      ? ""
      : `  ${showBytes(bytes).padStart(12)} ${shareOf(bytes, all).padStart(5)}  ${name} (${count(files, "file")}): ${
        KINDS[at]?.what ?? ""
      }\n`
  );
  return `${head}${lines.join("")}`;
}

function showEncryption(facts: EncryptionFacts | null): string {
  if (facts === null) return "";
  const { masterKeyId, plainFiles } = facts;
  const rest = plainFiles.length === 0 ? "" : `; still plain, until compaction: ${plainFiles.join(", ")}`;
  return `  encrypted under master key ${masterKeyId}${rest}\n`;
}

function shareOf(bytes: number, all: number): string {
  return all === 0 ? "-" : `${Math.round(bytes / all * 100)} %`;
}

/** With one decimal, but for bytes. */
export function showBytes(bytes: number): string {
  let [amount, unit] = [bytes, 0];
  while (amount >= UNIT && unit < UNITS.length - 1) [amount, unit] = [amount / UNIT, unit + 1];
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`;
}
