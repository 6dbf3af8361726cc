/**
 * A server whose state is not sound, by the word of its driver (divergence D23): it neither campaigns nor votes, and one that leads lets
 * another one lead. Its log is sound: what it has acknowledged it keeps, and counts for.
 */

import { type Core, isLeading, type LeadingCore } from "./core.ts";
import type { Quarantine, SendSnapshot } from "./events.ts";
import { becomeFollower } from "./roles.ts";
import { beginSnapshot } from "./snapshot_transfer.ts";
import { handleTransferLeadership } from "./transfer.ts";

/** Begins or ends it. */
export function handleQuarantine(core: Core, { isOn }: Quarantine): void {
  core.isQuarantined = isOn;
  if (!isOn) return;
  core.quarantineTicks = 0;
  if (isLeading(core)) handleTransferLeadership(core, { type: "TransferLeadership", target: undefined });
  else if (core.roleState.role !== "Follower") stepDown(core);
}

/** Once for each tick of a leader in quarantine: whether it has led there for as long as a transfer may take, and leads no more. */
export function leavesOffice(core: LeadingCore): boolean {
  core.quarantineTicks += 1;
  if (core.quarantineTicks < core.limits.electionTimeoutTicksMin) return false;
  stepDown(core);
  return true;
}

/** A peer needs a whole state, whatever entries it has: the newest snapshot is sent, unless one is on its way. */
export function handleSendSnapshot(core: Core, { peer: id }: SendSnapshot): void {
  if (!isLeading(core) || core.snapshot === undefined) return;
  const peer = core.roleState.progress.get(id);
  if (peer !== undefined && peer.state !== "Snapshot") beginSnapshot(core, peer);
}

function stepDown(core: Core): void {
  becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
}
