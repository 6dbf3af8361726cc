/** The leader's side of AppendEntries (Raft 5.3): appends to its own log and feeds each peer as far as its state allows. */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import type { LeadingCore } from "./core.ts";
import { Progress } from "./progress.ts";
import { isVoter } from "./quorum.ts";
import { beginSnapshot, resendChunk } from "./snapshot_transfer.ts";
import type { Run } from "./run.ts";
import { toIndex } from "./types.ts";

/**
 * Appends entries of the current term to the leader's log and sends them in the same step: the messages may leave before
 * the write is durable (thesis 10.2.1), since the leader counts itself only from `Persisted` (B15).
 */
export function appendAsLeader(core: LeadingCore, run: Run): void {
  const { log, outbox, roleState } = core;
  const configurationBefore = log.configurationIndex;
  outbox.write(log.append(run));
  roleState.uncommittedBytes += run.bytes;
  // Raft 6: the new configuration counts from here on.
  if (log.configurationIndex !== configurationBefore) refreshProgress(core);
  for (const peer of roleState.progress.values()) replicate(core, peer);
}

/** Makes the leader's peers those of the configuration in force, keeping what is known of those that stay. */
export function refreshProgress(core: LeadingCore): void {
  const { configuration, lastIndex } = core.log;
  const { progress } = core.roleState;
  const known = new Map(progress);
  progress.clear();
  for (const { id, identity } of configuration.members) {
    if (id === core.id) continue;
    let peer = known.get(id);
    // Another data directory under the same id holds nothing of what the old one acknowledged.
    const replaced = peer !== undefined && peer.identity !== "" && peer.identity !== identity;
    if (peer === undefined || replaced) peer = new Progress(id, lastIndex + 1);
    peer.identity = identity;
    peer.isVoter = isVoter(configuration, id);
    progress.set(id, peer);
  }
}

/** Sends the peer what it lacks, within its window. */
export function replicate(core: LeadingCore, peer: Progress): void {
  if (peer.state === "Probe") {
    if (!peer.probeSent) sendRun(core, peer);
    return;
  }
  while (
    peer.state === "Replicate" && peer.nextIndex <= core.log.lastIndex &&
    peer.inFlightCount < (fault("raft/windowOfOne") ? 1 : core.limits.inFlightMessagesMax)
  ) sendRun(core, peer);
}

/** Raft 5.2: the periodic message. For a peer in Probe it is a probe, for one in Snapshot the chunk again, but not in a pause. */
export function heartbeat(core: LeadingCore, peer: Progress): void {
  if (peer.state !== "Snapshot") sendEmpty(core, peer);
  else if (peer.pauseTicks === 0) resendChunk(core, peer);
  // It does not have that entry and refuses, but hears that there is a leader.
  else send(core, { peer, entries: undefined, prevLogIndex: core.log.base.index });
}

/** An AppendEntries without entries: it carries round and commit index, and shows what was lost (divergence D9). */
export function sendEmpty(core: LeadingCore, peer: Progress): void {
  if (isWithinLog(core, peer)) send(core, { peer, entries: undefined, prevLogIndex: peer.nextIndex - 1 });
}

/** Sends the commit index to a peer that can take it and was not told it yet (divergence D11). */
export function tellCommit(core: LeadingCore, peer: Progress): void {
  if (peer.state !== "Replicate" || fault("raft/commitNotTold")) return;
  // The peer takes no more than the entries it is known to have (B10): more need not be told.
  if (peer.toldCommit < Math.min(core.commitIndex, peer.nextIndex - 1)) sendEmpty(core, peer);
}

/** Whether the answer of that peer to a round that it was not asked for yet may confirm a read. */
export function mustAnswer({ roleState }: LeadingCore, peer: Progress): boolean {
  return peer.isVoter && peer.askedRound < (roleState.pendingReads.at(-1)?.round ?? 0);
}

function sendRun(core: LeadingCore, peer: Progress): void {
  if (!isWithinLog(core, peer)) return;
  const run = core.log.run(peer.nextIndex, core.limits);
  const isEmptyProbe = peer.state === "Probe" && fault("raft/probeEmpty");
  const entries = isEmptyProbe
    ? undefined
    : fault("raft/runOfOneEntry")
    ? run?.slice(run.firstIndex, run.firstIndex)
    : run;
  send(core, { peer, entries, prevLogIndex: peer.nextIndex - 1 });
  if (peer.state === "Probe") peer.probeSent = true;
  else if (entries !== undefined) peer.sent(entries.lastIndex);
}

/** False when the peer needs entries that are dropped: then a snapshot is on its way instead (Raft 7). */
function isWithinLog(core: LeadingCore, peer: Progress): boolean {
  const missing = peer.nextIndex < core.log.firstIndex;
  if (!missing && !(lacksSnapshot(core, peer) && fault("raft/snapshotNotNeeded"))) return true;
  beginSnapshot(core, peer);
  return false;
}

function lacksSnapshot(core: LeadingCore, peer: Progress): boolean {
  return core.snapshot !== undefined && peer.nextIndex <= core.snapshot.lastIncluded.index;
}

function send(
  core: LeadingCore,
  what: { readonly peer: Progress; readonly entries: Run | undefined; readonly prevLogIndex: number },
): void {
  const { peer, entries, prevLogIndex } = what;
  const { log, outbox, roleState } = core;
  const prevLogTerm = log.termAt(prevLogIndex);
  assert(prevLogTerm !== undefined, `Cannot send entries after ${prevLogIndex}: it is not in the log`);
  outbox.send({
    type: "AppendEntries",
    from: core.id,
    to: peer.id,
    term: core.currentTerm,
    prevLogIndex: toIndex(prevLogIndex),
    prevLogTerm,
    entries,
    leaderCommit: toIndex(core.commitIndex),
    round: roleState.round,
    // Thesis 6.4: a round that a read waits for is answered at once, not only when the entries are durable.
    confirm: mustAnswer(core, peer),
  });
  peer.askedRound = roleState.round;
  peer.toldCommit = Math.max(peer.toldCommit, Math.min(core.commitIndex, entries?.lastIndex ?? prevLogIndex));
}
