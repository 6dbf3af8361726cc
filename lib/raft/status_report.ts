/** Makes the `RaftStatus` of a server: a copy, for people, tests and the driver's slow paths. */

import { type Core, isLeading } from "./core.ts";
import { foundingHeldBy } from "./founding.ts";
import type { Progress } from "./progress.ts";
import type { PeerProgress, RaftStatus } from "./status.ts";
import { toIndex, toTicks, ZERO_ENTRY_ID } from "./types.ts";

/** Copies what `RaftStatus` shows. */
export function describeStatus(core: Core): RaftStatus {
  const { log } = core;
  const leader = isLeading(core) ? core.roleState : undefined;
  return {
    id: core.id,
    role: core.roleState.role,
    currentTerm: core.currentTerm,
    votedFor: core.votedFor,
    leaderId: core.leaderId,
    commitIndex: toIndex(core.commitIndex),
    firstIndex: log.firstIndex,
    lastEntry: { index: log.lastIndex, term: log.lastTerm },
    lastDurable: { index: log.durableIndex, term: log.termAt(log.durableIndex) ?? log.base.term },
    snapshot: core.snapshot?.lastIncluded ?? ZERO_ENTRY_ID,
    logBytes: log.bytes,
    configuration: log.configuration,
    termCommitted: leader?.termCommitted ?? false,
    progress: leader === undefined ? [] : [...leader.progress.values()].map(describePeer),
    transferTarget: leader?.transfer?.target,
    clusterId: core.clusterId,
    foundingHeldBy: foundingHeldBy(core),
    electionsStarted: core.electionsStarted,
  };
}

function describePeer(peer: Progress): PeerProgress {
  return {
    id: peer.id,
    state: peer.state,
    matchIndex: peer.matchIndex,
    nextIndex: peer.nextIndex,
    silentTicks: toTicks(peer.silentTicks),
  };
}
