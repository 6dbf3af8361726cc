/** The copy of a data directory that is kept inside it: node file, log and snapshots, in a directory that a node can start on. */

import { IncompatibleError } from "../base/errors.ts";
import type { NodeId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { KEY_FILE_NAME } from "./encryption/key_file.ts";
import { loadNodeFile } from "./load.ts";
import { nodeFileName } from "./node_file.ts";
import { SNAPSHOTS_NAME, WAL_NAME } from "./version_check.ts";

/** The one copy that a directory has. */
export const KEPT_NAME = "before-recovery";
/** Bytes that are copied at a time. */
const COPY_BYTES = 1_048_576;

/** Whose directory it is. */
export interface KeptDirectory {
  readonly directory: string;
  readonly nodeId: NodeId;
  /** Of the data now in the directory. */
  readonly clusterId: string;
}

interface Way {
  readonly from: string;
  readonly to: string;
}

/** Throws `IncompatibleError` when the copy of another cluster's data stands in the way: nobody but the operator deletes data. */
export function refuseOtherCopy(disk: Disk, { directory, nodeId, clusterId }: KeptDirectory): void {
  const kept = `${directory}/${KEPT_NAME}`;
  const found = loadNodeFile(disk, kept, nodeId);
  if (found === undefined || found.hardState.clusterId === clusterId) return;
  throw new IncompatibleError(
    `Cannot keep a copy in ${kept}: it holds that of an earlier recovery; move it away first`,
  );
}

/**
 * Makes the copy, durably, in the place of one that an interrupted attempt left, and gives its path. The node file comes last:
 * a copy without it is none. The caller holds the lock, and nothing is written to the directory meanwhile.
 */
export async function keepCopy(disk: Disk, place: KeptDirectory): Promise<string> {
  refuseOtherCopy(disk, place);
  const { directory, nodeId } = place;
  const kept = `${directory}/${KEPT_NAME}`;
  const nodeFile = nodeFileName(nodeId);
  disk.makeDirectory(kept);
  disk.remove(`${kept}/${nodeFile}`);
  await disk.syncDirectory(kept);
  // Before what it is needed for.
  const keyFile = { from: `${directory}/${KEY_FILE_NAME}`, to: `${kept}/${KEY_FILE_NAME}` };
  disk.remove(keyFile.to);
  if (disk.exists(keyFile.from)) await copyFile(disk, keyFile);
  for (const room of [WAL_NAME, SNAPSHOTS_NAME]) {
    await copyFiles(disk, { from: `${directory}/${room}`, to: `${kept}/${room}` });
  }
  await copyFile(disk, { from: `${directory}/${nodeFile}`, to: `${kept}/${nodeFile}.tmp` });
  disk.rename(`${kept}/${nodeFile}.tmp`, `${kept}/${nodeFile}`);
  await disk.syncDirectory(kept);
  await disk.syncDirectory(directory);
  return kept;
}

async function copyFiles(disk: Disk, { from, to }: Way): Promise<void> {
  disk.makeDirectory(to);
  for (const name of disk.list(to)) disk.remove(`${to}/${name}`);
  for (const name of disk.list(from).filter((found) => !found.endsWith(".tmp"))) {
    await copyFile(disk, { from: `${from}/${name}`, to: `${to}/${name}` });
  }
  await disk.syncDirectory(to);
}

/** Byte by byte, whatever is wrong with it: of the older snapshot nothing is needed, and it may be damaged. */
async function copyFile(disk: Disk, { from, to }: Way): Promise<void> {
  const stored = disk.encryption?.stored ?? disk;
  const source = stored.open(from, "read");
  const target = stored.open(to, "create");
  try {
    const buffer = new Uint8Array(Math.min(COPY_BYTES, source.size()));
    for (let at = 0; at < source.size();) {
      const count = source.readAt(at, buffer);
      target.writeAt(at, buffer.subarray(0, count));
      at += count;
    }
    await target.syncData();
  } finally {
    source.close();
    target.close();
  }
}
