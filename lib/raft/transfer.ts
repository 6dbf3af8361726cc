/** Leadership transfer (thesis 3.10): the target is brought up to date, then asked to campaign at once. */

import { fault } from "../base/faults.ts";
import { type Core, isLeading, type LeadingCore, mayCampaign } from "./core.ts";
import type { TransferLeadership } from "./events.ts";
import type { Progress } from "./progress.ts";
import { diskHangs } from "./hanging_disk.ts";
import { hasQuorum, isVoter } from "./quorum.ts";
import { replicate } from "./replication.ts";
import { becomeCandidate } from "./roles.ts";
import type { NodeId } from "./types.ts";

/** Begins a transfer. Asked of another than the leader, or for a target that cannot lead, nothing happens. */
export function handleTransferLeadership(core: Core, event: TransferLeadership): void {
  if (!isLeading(core)) return;
  const target = event.target ?? bestSuccessor(core)?.id;
  const peer = target === undefined ? undefined : core.roleState.progress.get(target);
  if (peer === undefined || !peer.isVoter || core.roleState.transfer?.target === target) return;
  core.roleState.transfer = { target: peer.id, elapsedTicks: 0, timeoutNowSent: false };
  replicate(core, peer);
}

/** At the end of a leader's step: asks the target to campaign as soon as it has the whole log. */
export function settleTransfer(core: LeadingCore): void {
  const { transfer, progress } = core.roleState;
  if (transfer === undefined) return;
  const peer = progress.get(transfer.target);
  if (peer === undefined || !isVoter(core.log.configuration, peer.id) || fault("raft/transferAbandoned")) {
    abandonTransfer(core);
    return;
  }
  if (transfer.timeoutNowSent || peer.matchIndex !== core.log.lastIndex) return;
  transfer.timeoutNowSent = true;
  sendTimeoutNow(core, peer.id);
}

/** Thesis 3.10: after about an election timeout the leader goes on as before. */
export function tickTransfer(core: LeadingCore): void {
  const { transfer } = core.roleState;
  if (transfer === undefined) return;
  transfer.elapsedTicks += 1;
  if (transfer.elapsedTicks >= core.limits.electionTimeoutTicksMin) abandonTransfer(core);
  // The request may have been lost; a second one finds the target in a later term and is ignored.
  else if (transfer.elapsedTicks % core.limits.heartbeatTicks === 0) transfer.timeoutNowSent = false;
}

/**
 * Divergence D17. Hands over where the others have done without this disk for a whole election timeout. Where all disks are
 * slow nobody else would do better: then the leader stays, and the leadership does not wander.
 */
export function handOverIfDiskHangs(core: LeadingCore): void {
  const { disk, roleState } = core;
  disk.behindTicks = isOvertaken(core) ? disk.behindTicks + 1 : 0;
  if (disk.behindTicks < core.limits.electionTimeoutTicksMin || roleState.transfer !== undefined) return;
  const successor = bestSuccessor(core);
  if (successor === undefined || successor.matchIndex <= core.log.durableIndex) return;
  handleTransferLeadership(core, { type: "TransferLeadership", target: successor.id });
}

/** Proposals are taken again. The target may campaign still: that is safe, as any election. */
export function abandonTransfer(core: LeadingCore): void {
  core.roleState.transfer = undefined;
}

/** The voter, other than this leader, with the longest log among those in contact, a drained one last; the lowest id among equals. */
export function bestSuccessor(core: LeadingCore): Progress | undefined {
  let best: Progress | undefined;
  for (const peer of core.roleState.progress.values()) {
    if (!peer.isVoter) continue;
    if (best === undefined || isBetter(core, { peer, best })) best = peer;
  }
  return best;
}

/** Asks `to` to campaign without waiting. */
export function sendTimeoutNow(core: LeadingCore, to: NodeId): void {
  core.outbox.send({ type: "TimeoutNow", from: core.id, to, term: core.currentTerm });
}

/** The leader of the current term asks this server to campaign: without PreVote, and past stickiness (thesis 4.2.3). */
export function handleTimeoutNow(core: Core, from: NodeId): void {
  if (core.roleState.role !== "Follower" || (core.leaderId !== undefined && core.leaderId !== from)) return;
  if (mayCampaign(core) && !diskHangs(core) && !fault("raft/timeoutNowIgnored")) becomeCandidate(core, true);
}

function isBetter(core: LeadingCore, { peer, best }: { readonly peer: Progress; readonly best: Progress }): boolean {
  const isNear = ({ inContact, silentTicks }: Progress) =>
    inContact && silentTicks < core.limits.electionTimeoutTicksMin / 2;
  if (isNear(peer) !== isNear(best)) return isNear(peer);
  const { drained = [] } = core.log.configuration;
  if (drained.includes(peer.id) !== drained.includes(best.id)) return drained.includes(best.id);
  return peer.matchIndex > best.matchIndex;
}

/** Whether a majority without this server has durably what this server's disk has not. */
function isOvertaken(core: LeadingCore): boolean {
  if (core.disk.waitedTicks === 0) return false;
  const { log: { configuration, durableIndex }, roleState: { progress } } = core;
  if (!isVoter(configuration, core.id)) return false;
  return hasQuorum(configuration, (id) => id !== core.id && (progress.get(id)?.matchIndex ?? 0) > durableIndex);
}
