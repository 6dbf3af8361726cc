/** The state of a cluster that goes on under another id: the keys as they are, at revisions that were never handed out. */

import { isKeyBlock, jsonBlock, raiseRevisions, readJsonBlock } from "./snapshot_blocks.ts";
import type { SnapshotCut } from "./snapshot_cut.ts";

/**
 * The blocks of `cut` with `by` added to every revision, for a snapshot whose last entry is `cut.lastApplied + by`; each is
 * valid until the next. Sessions are left out: what a client was acknowledged in one may be lost, so none goes on. Users stay, with the
 * passwords that they had.
 */
export function* raisedBlocks(cut: SnapshotCut, by: number): Iterable<Uint8Array> {
  for (let block = cut.next(); block !== undefined; block = cut.next()) {
    if (isKeyBlock(block)) {
      raiseRevisions(block, by);
      yield block;
      continue;
    }
    const content = readJsonBlock(block);
    if (content?.["users"] !== undefined) yield block;
    if (content?.["lastApplied"] !== undefined) yield jsonBlock({ ...content, lastApplied: cut.lastApplied + by });
  }
}
