/** `kvstore inspect`: what a stopped node's directory holds, as JSON. */

import { DenoDisk } from "../storage/deno_disk.ts";
import type { CommandContext } from "./commands.ts";
import { EXIT, Failure } from "./failures.ts";
import { UsageError } from "./usage_error.ts";

/** Reads the directory and changes nothing. Resolves to 74 when something is damaged. */
export async function runInspectCommand({ settings, operands, surroundings }: CommandContext): Promise<number> {
  const [directory, ...others] = operands;
  if (directory === undefined || others.length > 0) {
    throw new UsageError("inspect takes one directory, for example kvstore inspect ./kvstore-data/node-0");
  }
  refuseOtherDirectory(directory);
  const { inspectDirectory } = await import("../storage/inspect.ts");
  const inspection = await inspectDirectory(new DenoDisk(), directory);
  surroundings.out(`${JSON.stringify(inspection, undefined, 2)}\n`);
  void settings;
  return inspection.damages.length > 0 ? EXIT.corrupt : EXIT.ok;
}

function refuseOtherDirectory(directory: string): void {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(directory), (entry) => entry.name);
  } catch (error) {
    throw new Failure(`Cannot read ${directory}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (names.some((name) => /^RaftNode[0-9]+\.json$/.test(name) || name === "wal" || name === "snapshots")) return;
  throw new Failure(`${directory} is not a data directory: it holds no RaftNode<id>.json`);
}
