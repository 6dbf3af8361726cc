/** The passing of time, and what tells that time or a connection was lost. */

import { fault } from "../base/faults.ts";
import { type Core, isLeading, type LeadingCore, mayCampaign } from "./core.ts";
import { handOverIfDrained, isDrained, leavesElection } from "./drained.ts";
import { diskHangs, tickDisk } from "./hanging_disk.ts";
import { hearIntroduction, mayFound, tickFounding } from "./founding.ts";
import { forgetLeaderContact, hurryElection, restartElectionTimer } from "./election_timer.ts";
import { hasQuorum } from "./quorum.ts";
import { leavesOffice } from "./quarantine.ts";
import { expireForwardedReads, restartRounds } from "./read_index.ts";
import { heartbeat, tellCommit } from "./replication.ts";
import { becomeFollower, becomePreCandidate, setLeader } from "./roles.ts";
import { resendChunk } from "./snapshot_transfer.ts";
import { abandonTransfer, handOverIfDiskHangs, tickTransfer } from "./transfer.ts";
import type { PeerIntroduced } from "./events.ts";
import type { NodeId } from "./types.ts";

/** One tick. */
export function handleTick(core: Core): void {
  core.ticks += 1;
  tickDisk(core);
  tickFounding(core);
  expireForwardedReads(core);
  if (isLeading(core)) tickLeader(core);
  else tickElection(core);
}

/** A process that dies closes its sockets: followers need not wait for the timeout to notice (divergence D2). */
export function handlePeerDisconnected(core: Core, peer: NodeId): void {
  if (isLeading(core)) {
    disconnectPeer(core, peer);
    return;
  }
  if (core.leaderId !== peer) return;
  setLeader(core, undefined);
  forgetLeaderContact(core);
  if (mayCampaign(core) && !isDrained(core.log.configuration, core.id)) hurryElection(core);
}

/** A handshake told what a peer holds (divergence D19): a server that holds nothing gives up its campaign beside data. */
export function handlePeerIntroduced(core: Core, introduced: PeerIntroduced): void {
  if (!hearIntroduction(core, introduced)) return;
  becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
}

/** The process stood still: what it believed about others is as old as the pause (B7). */
export function handleStalled(core: Core): void {
  if (!isLeading(core)) {
    forgetLeaderContact(core);
    restartElectionTimer(core);
    return;
  }
  for (const peer of core.roleState.progress.values()) {
    // A whole window to hear from a majority again; until then it holds back nobody from voting.
    peer.silentTicks = 0;
    peer.inContact = false;
  }
  restartRounds(core);
}

function tickElection(core: Core): void {
  const { election } = core;
  election.elapsedTicks += 1;
  election.leaderSilentTicks += 1;
  if (election.elapsedTicks < election.timeoutTicks) return;
  // With a disk that hangs its vote for itself would not become durable: the others are not to be disturbed by its term.
  if (mayCampaign(core) && !diskHangs(core) && !leavesElection(core)) {
    campaign(core);
    return;
  }
  // A learner, a drained server, or one whose disk hangs, waits on; only what it asked of the silent leader is given up.
  if (core.roleState.role !== "Follower") becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
  setLeader(core, undefined);
  restartElectionTimer(core);
}

/** Divergence D19: a server that holds nothing waits until it may begin a cluster, and those that waited do not begin at once. */
function campaign(core: Core): void {
  const { founding } = core;
  const waited = founding.waits;
  founding.waits = !mayFound(core);
  if (founding.waits) return;
  if (waited) hurryElection(core);
  else becomePreCandidate(core);
}

function tickLeader(core: LeadingCore): void {
  const { roleState, limits } = core;
  for (const peer of roleState.progress.values()) {
    peer.silentTicks += 1;
    if (peer.transfer !== undefined) peer.transfer.waitedTicks += 1;
    if (peer.pauseTicks > 0) peer.pauseTicks -= 1;
  }
  if (!heardQuorum(core)) {
    // Thesis 6.2: a leader that cannot reach a majority steps down, so that its clients look elsewhere.
    becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
    return;
  }
  tickTransfer(core);
  if (core.isQuarantined && leavesOffice(core)) return;
  handOverIfDiskHangs(core);
  handOverIfDrained(core);
  if (fault("raft/roundRestarted")) restartRounds(core);
  roleState.heartbeatElapsedTicks += 1;
  const elapsed = roleState.heartbeatElapsedTicks >= limits.heartbeatTicks;
  const due = elapsed ? !fault("raft/heartbeatLate") : fault("raft/heartbeatEarly");
  if (due) roleState.heartbeatElapsedTicks = 0;
  for (const peer of roleState.progress.values()) {
    if (peer.state === "Snapshot" && peer.pauseTicks === 0) resendChunk(core, peer);
    else if (due) heartbeat(core, peer);
    else tellCommit(core, peer);
  }
}

/** CheckQuorum: each of a majority answered within an election timeout. */
function heardQuorum(core: LeadingCore): boolean {
  const { progress } = core.roleState;
  const { electionTimeoutTicksMin } = core.limits;
  return hasQuorum(core.log.configuration, (id) => {
    if (id === core.id) return true;
    const peer = progress.get(id);
    return peer !== undefined && peer.silentTicks < electionTimeoutTicksMin;
  });
}

function disconnectPeer(core: LeadingCore, id: NodeId): void {
  const peer = core.roleState.progress.get(id);
  if (peer === undefined) return;
  peer.becomeProbe(peer.matchIndex + 1);
  // Nothing arrives now: the next heartbeat probes.
  peer.probeSent = true;
  peer.inContact = false;
  if (core.roleState.transfer?.target === id) abandonTransfer(core);
}
