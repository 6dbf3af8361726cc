/** What stands in the way of starting a local cluster on a directory: another number of nodes, or one that runs on it. */

import { join } from "@std/path";
import { CorruptionError, FormatVersionError } from "../base/errors.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import { isInUse } from "../storage/inspect.ts";
import { decodeNodeFile, nodeFileName } from "../storage/node_file.ts";

/** Why the cluster may not be started, in one line. */
export type DirectoryProblem =
  /** The directory was made by a cluster of another size. */
  | { readonly type: "OtherSize"; readonly nodes: number; readonly line: string }
  /** A node has it open. */
  | { readonly type: "InUse"; readonly line: string };

/** What is asked for. */
export interface WantedCluster {
  readonly directory: string;
  /** The directories of the nodes, in the order of their ids. */
  readonly nodeDirectories: readonly string[];
}

/** The first problem; undefined when there is none. Changes nothing. */
export async function findDirectoryProblem(wanted: WantedCluster): Promise<DirectoryProblem | undefined> {
  const { directory, nodeDirectories } = wanted;
  const count = nodeDirectories.length;
  const found = await sizesOf(nodeDirectories);
  const other = found.find((nodes) => nodes !== count);
  if (other !== undefined) {
    const line = `${directory} holds a cluster of ${other} nodes, and --nodes is ${count}: ` +
      `give --nodes ${other}, or --data-dir for another directory`;
    return { type: "OtherSize", nodes: other, line };
  }
  const disk = new DenoDisk();
  for (const path of nodeDirectories) {
    if (await isInUse(disk, path)) {
      return { type: "InUse", line: `A node is running on ${path}: stop its cluster first, or give --data-dir` };
    }
  }
  return undefined;
}

/** How many nodes each directory that exists was told of when it was made; one that waits to be admitted knows of none. */
async function sizesOf(nodeDirectories: readonly string[]): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (const [id, path] of nodeDirectories.entries()) {
    const file = join(path, nodeFileName(id));
    const length = await membersIn(file);
    if (length > 0) sizes.push(length);
  }
  return sizes;
}

/** None where the file is missing, not to be read, damaged or of another version: that node says so by itself, and the others may run without it. */
async function membersIn(file: string): Promise<number> {
  const bytes = await Deno.readFile(file).catch(() => undefined);
  if (bytes === undefined) return 0;
  try {
    return decodeNodeFile(bytes, file).initialConfiguration.members.length;
  } catch (error) {
    if (error instanceof CorruptionError || error instanceof FormatVersionError) return 0;
    throw error;
  }
}
