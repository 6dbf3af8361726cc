/** What the directory of a local cluster says of its nodes, and what stands in the way of starting so many on it. */

import { join } from "@std/path";
import { CorruptionError, FormatVersionError } from "../base/errors.ts";
import type { NodeId } from "../raft/types.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import { isInUse } from "../storage/inspect.ts";
import { decodeNodeFile, nodeFileName } from "../storage/node_file.ts";
import { REMOVED_NAME } from "../storage/node_store.ts";

/** The nodes of a cluster, by id, in ascending order each. */
export interface ClusterNodes {
  /** Those that found it, or founded it. */
  readonly founders: readonly NodeId[];
  /** Those that joined it, or are about to. */
  readonly joined: readonly NodeId[];
  /** Those of them that have no directory yet, where others have: the cluster grows by them. */
  readonly added: readonly NodeId[];
  /** No node has a directory yet. */
  readonly isNew: boolean;
  /** Above all ids that nodes of the directory have or had. */
  readonly nextId: NodeId;
}

/** Why the cluster may not be started, in one line. */
export type DirectoryProblem =
  /** The directory was made by a larger cluster. */
  | { readonly type: "OtherSize"; readonly line: string }
  /** Every node in it was removed from its cluster. */
  | { readonly type: "AllRemoved"; readonly line: string }
  /** A node has it open. */
  | { readonly type: "InUse"; readonly line: string };

/** What the directory of one node tells. */
interface FoundNode {
  readonly id: NodeId;
  /** How many nodes it was told of when it was made; none for one that joined, or that cannot be read. */
  readonly founders: number;
  readonly isRemoved: boolean;
}

const NODE_DIRECTORY = /^node-([0-9]{1,10})$/;

/** How many nodes a cluster shall have. */
export interface WantedNodes {
  readonly count: number;
  /** A directory that holds a cluster has as many as it has. */
  readonly isDefault: boolean;
}

/** The nodes of the cluster on `directory`: those that are there, and new ones; or why that cannot be. Changes nothing. */
export async function findNodes(directory: string, wanted: WantedNodes): Promise<ClusterNodes | DirectoryProblem> {
  const found = await readNodes(directory);
  const founders = Math.max(0, ...found.map((node) => node.founders));
  const all = Array.from({ length: founders === 0 ? wanted.count : founders }, (_, id) => id);
  const removed = new Set(found.filter(({ isRemoved }) => isRemoved).map(({ id }) => id));
  const left = all.filter((id) => !removed.has(id));
  // A directory of a founder may be lost, that of another node cannot be told from one that never was.
  const joined = found.map(({ id }) => id).filter((id) => !all.includes(id) && !removed.has(id));
  const size = left.length + joined.length;
  if (size === 0) {
    const line =
      `${directory} holds only nodes that were removed from their cluster: give --data-dir for another directory`;
    return { type: "AllRemoved", line };
  }
  const count = wanted.isDefault ? size : wanted.count;
  if (size > count) {
    const line = `${directory} holds a cluster of ${size} nodes, and --nodes is ${count}: ` +
      "leave --nodes out, or give --data-dir for another directory";
    return { type: "OtherSize", line };
  }
  const nextId = Math.max(...all, ...found.map(({ id }) => id)) + 1;
  const added = Array.from({ length: count - size }, (_, at) => nextId + at);
  return { founders: left, joined: [...joined, ...added], added, isNew: found.length === 0, nextId };
}

/** The first node that has its directory open; undefined when there is none. Changes nothing. */
export async function findRunningNode(nodeDirectories: readonly string[]): Promise<DirectoryProblem | undefined> {
  const disk = new DenoDisk();
  for (const path of nodeDirectories) {
    if (await isInUse(disk, path)) {
      return { type: "InUse", line: `A node is running on ${path}: stop its cluster first, or give --data-dir` };
    }
  }
  return undefined;
}

async function readNodes(directory: string): Promise<readonly FoundNode[]> {
  const found: FoundNode[] = [];
  for (const name of namesIn(directory)) {
    const digits = NODE_DIRECTORY.exec(name)?.[1];
    if (digits === undefined) continue;
    const id = Number(digits);
    const path = join(directory, name);
    const file = join(path, nodeFileName(id));
    const bytes = await Deno.readFile(file).catch(() => undefined);
    // Nothing was made there, or nothing that this user may read: then the node says so itself.
    if (bytes === undefined) continue;
    found.push({ id, founders: foundersIn(bytes, file), isRemoved: namesIn(path).includes(REMOVED_NAME) });
  }
  return found.sort((left, right) => left.id - right.id);
}

/** None where the file is damaged or of another version: that node says so by itself, and the others may run without it. */
function foundersIn(bytes: Uint8Array, file: string): number {
  try {
    return decodeNodeFile(bytes, file).initialConfiguration.members.length;
  } catch (error) {
    if (error instanceof CorruptionError || error instanceof FormatVersionError) return 0;
    throw error;
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return [];
    throw error;
  }
}
