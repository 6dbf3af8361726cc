/** `kvstore inspect`: what a stopped node's directory holds, as JSON. */

import { knownContents } from "../node/known_contents.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import type { Disk } from "../storage/disk.ts";
import { inspectDirectory, type Inspection, isInUse } from "../storage/inspect.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT, Failure } from "./failures.ts";
import { keyedDisk } from "./master_key.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

/** Reads the directory and changes nothing. Resolves to 77 when a file is of another version, else to 74 when one is damaged. */
export async function runInspectCommand({ settings, operands, surroundings }: CommandContext): Promise<number> {
  const [directory, ...others] = operands;
  if (directory === undefined || others.length > 0) {
    throw new UsageError("inspect takes one directory, for example ./kvstore-data/node-0");
  }
  refuseOtherDirectory(directory);
  await refuseRunning(directory);
  const inspection = await inspect(await keyedDisk(settings), { directory, settings });
  // A node that was started meanwhile.
  if (inspection.damages.length + inspection.otherVersions.length > 0) await refuseRunning(directory);
  surroundings.out(`${JSON.stringify(inspection, undefined, 2)}\n`);
  for (const { what } of inspection.otherVersions) surroundings.err(`kvstore: ${what}\n`);
  // Without its version nothing of a file can be judged, damage neither.
  if (inspection.otherVersions.length > 0) return EXIT.otherVersion;
  return inspection.damages.length > 0 ? EXIT.corrupt : EXIT.ok;
}

/** Rejects with `Failure` when a node runs on the directory: what is being written would look like damage. */
export async function refuseRunning(directory: string): Promise<void> {
  if (!await isInUse(new DenoDisk(), directory)) return;
  throw new Failure(`Cannot inspect ${directory}: a node is running on it; stop the node first`);
}

async function inspect(
  disk: Disk,
  { directory, settings }: { readonly directory: string; readonly settings: Settings },
): Promise<Inspection> {
  const outline = await inspectDirectory(disk, directory, { contents: knownContents() });
  const count = settings.integer("entries");
  const ranged = settings.given("from") !== undefined || settings.given("to") !== undefined;
  if (outline.log === null || (count === 0 && !ranged)) return outline;
  // Which indexes there are is known only now.
  const from = Math.max(settings.optionalInteger("from") ?? 1, outline.log.first.index);
  const to = Math.min(settings.optionalInteger("to") ?? outline.log.last.index, outline.log.last.index);
  const firstListed = Math.max(outline.log.first.index, to - count + 1);
  return await inspectDirectory(disk, directory, {
    contents: knownContents(),
    digest: { from, to },
    ...(count === 0 ? {} : { entries: { from: firstListed, count: to - firstListed + 1 } }),
  });
}

/** Throws `Failure` when it is no data directory. */
export function refuseOtherDirectory(directory: string): void {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(directory), (entry) => entry.name);
  } catch (error) {
    throw new Failure(`Cannot read ${directory}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (names.some((name) => /^RaftNode[0-9]+\.json$/.test(name) || name === "wal" || name === "snapshots")) return;
  throw new Failure(`${directory} is not a data directory: it holds no RaftNode<id>.json`);
}
