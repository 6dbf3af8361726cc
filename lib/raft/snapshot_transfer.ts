/** The leader's side of InstallSnapshot (Raft 7): one chunk in flight per peer, sent again when no answer comes. */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import type { LeadingCore } from "./core.ts";
import type { Progress } from "./progress.ts";

const NO_DATA = new Uint8Array(0);

/** The peer needs entries that are dropped: begins to send the snapshot that replaces them. */
export function beginSnapshot(core: LeadingCore, peer: Progress): void {
  assert(core.snapshot !== undefined, "Cannot have dropped entries without a snapshot");
  peer.becomeSnapshot(core.snapshot);
  if (peer.pauseTicks === 0) sendChunk(core, peer);
}

/**
 * The peer could not use what came, and may not be able to use the same again: sent at once it would come in an endless loop,
 * which costs disk and network of both. After the pause the newest snapshot is sent, from its beginning.
 */
export function pauseTransfer(core: LeadingCore, peer: Progress): void {
  const { snapshotPauseTicksMin, snapshotPauseTicksMax } = core.limits;
  peer.pauseTicks = Math.min(snapshotPauseTicksMax, snapshotPauseTicksMin * 2 ** peer.rejections);
  peer.rejections += 1;
  beginSnapshot(core, peer);
}

/** On each tick outside a pause: after an interval without progress the chunk is sent again; it also keeps the peer from campaigning. */
export function resendChunk(core: LeadingCore, peer: Progress): void {
  const { transfer } = peer;
  if (transfer === undefined) return;
  const isLate = transfer.waitedTicks >= core.limits.heartbeatTicks;
  if (isLate && transfer.backTo !== undefined) {
    transfer.offset = transfer.backTo;
    transfer.backTo = undefined;
  }
  if (isLate || fault("raft/chunkSentAgain")) sendChunk(core, peer);
}

/** A newer snapshot is there: a transfer of the old one that no peer has answered begins anew, any other goes on. */
export function renewTransfers(core: LeadingCore): void {
  for (const peer of core.roleState.progress.values()) {
    if (peer.transfer !== undefined && !peer.transfer.started) beginSnapshot(core, peer);
  }
}

/**
 * Sends the chunk at the offset of the transfer. The driver reads `data` from the snapshot file: from `offset` on
 * `chunkBytesMax` bytes, or what is left.
 */
export function sendChunk(core: LeadingCore, peer: Progress): void {
  const { transfer } = peer;
  assert(transfer !== undefined, "Cannot send a chunk outside Snapshot");
  transfer.waitedTicks = 0;
  const { snapshot, offset } = transfer;
  core.outbox.send({
    type: "InstallSnapshot",
    from: core.id,
    to: peer.id,
    term: core.currentTerm,
    lastIncludedIndex: snapshot.lastIncluded.index,
    lastIncludedTerm: snapshot.lastIncluded.term,
    configuration: snapshot.configuration,
    offset,
    data: NO_DATA,
    done: offset + core.limits.chunkBytesMax >= snapshot.bytes,
    round: core.roleState.round,
  });
}
