/** The state of a cluster that goes on under another id: the keys as they are, at revisions that were never handed out. */

import { dropDeadlines, isKeyBlock, jsonBlock, raiseRevisions, readJsonBlock } from "./snapshot_blocks.ts";
import type { SnapshotCut } from "./snapshot_cut.ts";

/** What becomes of a state. */
export interface Raising {
  /** Added to every revision, so that the last entry of the snapshot is `lastApplied + by`. */
  readonly by: number;
  /** Whether sessions go on, with the answers that they keep as they were given. */
  readonly keepsSessions: boolean;
  /** Whether keys keep their deadlines. */
  readonly keepsDeadlines: boolean;
}

/** The blocks of `cut`, changed so; each is valid until the next. Users stay, with the passwords and tokens that they had. */
export function* raisedBlocks(
  cut: SnapshotCut,
  { by, keepsSessions, keepsDeadlines }: Raising,
): Iterable<Uint8Array> {
  for (let block = cut.next(); block !== undefined; block = cut.next()) {
    if (isKeyBlock(block)) {
      raiseRevisions(block, by);
      if (!keepsDeadlines) dropDeadlines(block);
      yield block;
      continue;
    }
    const content = readJsonBlock(block);
    if (content?.["users"] !== undefined) yield block;
    if (content?.["tokens"] !== undefined) yield block;
    if (keepsSessions && content?.["sessions"] !== undefined) yield block;
    if (content?.["lastApplied"] !== undefined) yield jsonBlock({ ...content, lastApplied: cut.lastApplied + by });
  }
}
