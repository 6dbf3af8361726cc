/** What a node knows of itself and its peers, as samples for /metrics. Nothing here costs more for more keys. */

import type { NodeMonitor, NodeReader, NodeStatus } from "../node/api.ts";
import type { Sample } from "../observe/exposition.ts";
import { METRIC } from "../observe/names.ts";
import { VERSION } from "../observe/version.ts";
import type { PeerInfo } from "../transport/transport.ts";

const MS_PER_SECOND = 1_000;

/** Read for one scrape. */
export function nodeSamples(node: NodeMonitor & Pick<NodeReader, "ageMs">): readonly Sample[] {
  const status = node.status();
  const ageMs = node.ageMs();
  const { sent, received } = node.rpcCounts();
  return [
    ...serverSamples(status),
    ...raftSamples(status),
    ...membershipSamples(status),
    ...ageMs === undefined ? [] : [{ name: METRIC.stateAgeSeconds, value: ageMs / MS_PER_SECOND }],
    ...diskSamples(status),
    ...status.peers.flatMap(peerSamples),
    ...status.clocks.map(({ id, aheadMs }): Sample => {
      return { name: METRIC.clockOffsetSeconds, labels: [String(id)], value: aheadMs / MS_PER_SECOND };
    }),
    ...Array.from(sent, ([type, value]): Sample => ({ name: METRIC.messagesSent, labels: [type], value })),
    ...Array.from(received, ([type, value]): Sample => ({ name: METRIC.messagesReceived, labels: [type], value })),
    { name: METRIC.buildInfo, labels: [VERSION, Deno.version.deno, String(node.id)], value: 1 },
  ];
}

function serverSamples(status: NodeStatus): readonly Sample[] {
  const { raft, quorum, versions, level, uptimeMs, keys, keyBytes, expiring, memory } = status;
  return [
    { name: METRIC.hasLeader, value: raft.leaderId === undefined ? 0 : 1 },
    { name: METRIC.isLeader, value: raft.role === "Leader" ? 1 : 0 },
    { name: METRIC.quorumReachable, value: quorum.reachable },
    { name: METRIC.quorumNeeded, value: quorum.needed },
    { name: METRIC.protocolVersion, value: versions.newest },
    { name: METRIC.clusterLevel, value: level },
    { name: METRIC.uptimeSeconds, value: uptimeMs / MS_PER_SECOND },
    { name: METRIC.keys, value: keys },
    { name: METRIC.bytes, value: keyBytes },
    { name: METRIC.expiringKeys, value: expiring },
    { name: METRIC.memoryUsedBytes, value: memory.usedBytes },
    { name: METRIC.memoryLimitBytes, value: memory.limitBytes === Infinity ? 0 : memory.limitBytes },
  ];
}

function raftSamples({ raft, lastApplied, logEntries }: NodeStatus): readonly Sample[] {
  return [
    { name: METRIC.term, value: raft.currentTerm },
    { name: METRIC.commitIndex, value: raft.commitIndex },
    { name: METRIC.appliedIndex, value: lastApplied },
    { name: METRIC.lastLogIndex, value: raft.lastEntry.index },
    { name: METRIC.snapshotIndex, value: raft.snapshot.index },
    { name: METRIC.logEntries, value: logEntries },
    { name: METRIC.logBytes, value: raft.logBytes },
    ...raft.progress.map(({ id, matchIndex }): Sample => {
      return { name: METRIC.peerMatchIndex, labels: [String(id)], value: matchIndex };
    }),
  ];
}

function membershipSamples(
  { raft: { id: self, configuration }, learnerLags, isChangingMembership, membershipChangedMs }: NodeStatus,
): readonly Sample[] {
  const { voters, learners, drained = [] } = configuration;
  return [
    { name: METRIC.isLearner, value: learners.includes(self) ? 1 : 0 },
    { name: METRIC.isDrained, value: drained.includes(self) ? 1 : 0 },
    { name: METRIC.voters, value: voters.length },
    { name: METRIC.learners, value: learners.length },
    { name: METRIC.membershipChanging, value: isChangingMembership ? 1 : 0 },
    { name: METRIC.membershipChangedSeconds, value: membershipChangedMs / MS_PER_SECOND },
    ...learnerLags.flatMap(({ id, entries, ms }): Sample[] => [
      { name: METRIC.learnerLagEntries, labels: [String(id)], value: entries },
      { name: METRIC.learnerLagSeconds, labels: [String(id)], value: ms / MS_PER_SECOND },
    ]),
  ];
}

function diskSamples({ storage, space }: NodeStatus): readonly Sample[] {
  return [
    { name: METRIC.walBytes, value: storage.walBytes },
    { name: METRIC.walSegments, value: storage.segments },
    { name: METRIC.snapshotBytes, value: storage.snapshotBytes },
    { name: METRIC.temporaryBytes, value: storage.temporaryBytes },
    { name: METRIC.diskSizeBytes, value: space?.totalBytes ?? 0 },
    { name: METRIC.diskFreeBytes, value: space?.freeBytes ?? 0 },
    { name: METRIC.diskReserveBytes, value: space?.reserveBytes ?? 0 },
  ];
}

function peerSamples({ id, bytesSent, bytesReceived, framesDropped, reachable, roundTripMs }: PeerInfo): Sample[] {
  const labels = [String(id)];
  const samples: Sample[] = [
    { name: METRIC.peerSentBytes, labels, value: bytesSent },
    { name: METRIC.peerReceivedBytes, labels, value: bytesReceived },
    { name: METRIC.peerDroppedFrames, labels, value: framesDropped },
    { name: METRIC.peerReachable, labels, value: reachable ? 1 : 0 },
  ];
  if (roundTripMs === undefined) return samples;
  return [...samples, { name: METRIC.peerRoundTripSeconds, labels, value: roundTripMs / MS_PER_SECOND }];
}
