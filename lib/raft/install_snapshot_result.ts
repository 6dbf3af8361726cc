/** The leader's side of InstallSnapshotResult (Raft 7): the next chunk, the same again, or back to AppendEntries. */

import type { LeadingCore } from "./core.ts";
import type { InstallSnapshotResult } from "./messages.ts";
import { replicate } from "./replication.ts";
import { pauseTransfer, sendChunk } from "./snapshot_transfer.ts";

/** Goes on with the transfer the answer belongs to; answers of other transfers only count as a sign of life. */
export function handleInstallSnapshotResult(core: LeadingCore, result: InstallSnapshotResult): void {
  const peer = core.roleState.progress.get(result.from);
  if (peer === undefined || result.round > core.roleState.round) return;
  peer.heard(result.round);
  const { transfer } = peer;
  if (transfer === undefined || transfer.snapshot.lastIncluded.index !== result.lastIncludedIndex) return;
  if (result.installed) {
    peer.acknowledged(result.lastIncludedIndex);
    peer.becomeProbe(peer.matchIndex + 1);
    replicate(core, peer);
    return;
  }
  // Nothing was sent of this transfer yet: the answer is a late one.
  if (peer.pauseTicks > 0) return;
  transfer.started = true;
  if (result.rejected) return pauseTransfer(core, peer);
  const { nextOffset } = result;
  if (!(nextOffset >= 0 && nextOffset <= transfer.snapshot.bytes) || nextOffset === transfer.offset) return;
  // Back to an earlier offset only after a heartbeat without progress: each late duplicate would otherwise make the next
  // answer look like progress, and answers and chunks would multiply.
  if (nextOffset < transfer.offset) {
    transfer.backTo = nextOffset;
    return;
  }
  transfer.offset = nextOffset;
  transfer.backTo = undefined;
  sendChunk(core, peer);
}
