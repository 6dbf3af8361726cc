/** Every metric with its type, labels and meaning: what /metrics says of them, and what tests hold to be complete. */

import { METRIC, type MetricName, PROCESS_METRIC } from "./names.ts";

/** One metric. Counters never fall in the life of a process; labels are names whose values come from tables of ours. */
export interface MetricDescription {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric, in the order of the exposition. */
export const CATALOGUE: Readonly<Record<MetricName, MetricDescription>> = {
  [METRIC.hasLeader]: gauge("Whether this node knows a leader: 1 or 0."),
  [METRIC.isLeader]: gauge("Whether this node is the leader: 1 or 0."),
  [METRIC.leaderChanges]: counter("Changes of leader or of its term that this node has seen."),
  [METRIC.proposalsCommitted]: counter("Log entries committed here since the start."),
  [METRIC.proposalsApplied]: counter("Log entries applied to the state here since the start."),
  [METRIC.proposalsPending]: gauge("Writes that wait for their outcome."),
  [METRIC.proposalsFailed]: counter("Writes that were refused, certainly not done."),
  [METRIC.refusedForMemory]: counter("Writes refused on this leader because the memory limit was reached."),
  [METRIC.memoryUsedBytes]: gauge("Bytes of state, log, history and queues that count against the memory limit."),
  [METRIC.memoryLimitBytes]: gauge("The memory limit in bytes; 0 for none."),
  [METRIC.refusedForSpace]: counter("Proposals and batches of entries refused because the disk was full."),
  [METRIC.reads]: counter("Linearizable reads."),
  [METRIC.quorumReachable]: gauge("Voters that this node can reach, itself included."),
  [METRIC.quorumNeeded]: gauge("Voters that a majority needs."),
  [METRIC.stateAgeSeconds]: gauge("How old the state of this node is at most; not there while that is not known."),
  [METRIC.isLearner]: gauge("Whether this node is a learner: 1 or 0."),
  [METRIC.isDrained]: gauge("Whether this node is drained, so that it is not to lead: 1 or 0."),
  [METRIC.voters]: gauge("Voters of the configuration in force here."),
  [METRIC.learners]: gauge("Learners of the configuration in force here."),
  [METRIC.learnerLagEntries]: gauge("Committed entries that a learner does not hold, on the leader.", ["of"]),
  [METRIC.learnerLagSeconds]: gauge("A learner holds what was committed so long ago, on the leader.", ["of"]),
  [METRIC.membershipChanging]: gauge("Whether a change of the membership is under way: 1 or 0."),
  [METRIC.membershipChangedSeconds]: gauge(
    "Unix time at which this node saw the last change of voters or learners; 0 while there was none since its start.",
  ),
  [METRIC.protocolVersion]: gauge("The newest version of the protocol between nodes that this node speaks."),
  [METRIC.clusterLevel]: gauge("The version of the protocol between nodes that is on in the cluster."),
  [METRIC.uptimeSeconds]: gauge("Seconds since this node started."),
  [METRIC.httpSeconds]: histogram("Seconds from an HTTP request read to its reply, or to the head of a stream."),
  [METRIC.commandSeconds]: histogram("Seconds from a command read at the client port to its reply."),
  [METRIC.requestsReceived]: counter("Commands read at the client port."),
  [METRIC.requestsSucceeded]: counter("Commands at the client port that succeeded."),
  [METRIC.requestsFailed]: counter("Commands at the client port that were answered with an error."),
  [METRIC.requestsRedirected]: counter("Commands at the client port that were answered with the name of the leader."),
  [METRIC.requestsOverRate]: counter(
    "Requests in any protocol that were refused because a user or a connection sent too many a second, by limit.",
    ["limit"],
  ),
  [METRIC.clientBytesReceived]: counter("Bytes read at the client port."),
  [METRIC.clientBytesSent]: counter("Bytes written at the client port."),
  [METRIC.clientConnections]: gauge("Open connections of the client port."),
  [METRIC.clientConnectionsRefused]: counter("Connections of the client port refused because there were too many."),
  [METRIC.clientConnectionsClosed]: counter(
    "Connections of the client port that this node closed against the will of their clients, by reason.",
    ["reason"],
  ),
  [METRIC.clientConnectionsBeforeLogin]: gauge(
    "Open connections of the client port on which nobody has logged in, where that is needed.",
  ),
  [METRIC.connectionsClosedBeforeLogin]: counter(
    "Connections of a port that this node closed because nobody had logged in on them, by port and reason.",
    ["port", "reason"],
  ),
  [METRIC.respCommands]: counter("Commands of the Redis protocol that were answered, by name and by ok or error.", [
    "cmd",
    "status",
  ]),
  [METRIC.auditLines]: counter("Lines written to the audit log."),
  [METRIC.auditLinesLost]: counter(
    "Lines that are not in the audit log: too many refusals in a second, a full queue, or a disk that did not take them.",
    ["reason"],
  ),
  [METRIC.httpRequests]: counter("HTTP requests that were answered, by operation and status code.", ["route", "code"]),
  [METRIC.httpConnections]: gauge("Open connections of the HTTP port."),
  [METRIC.httpConnectionsRefused]: counter("Connections of the HTTP port refused because there were too many."),
  [METRIC.httpConnectionsBeforeLogin]: gauge(
    "Open connections of the HTTP port on which nobody has logged in, where that is needed.",
  ),
  [METRIC.httpRequestsRefused]: counter(
    "HTTP requests refused before a route saw them: malformed, too long, too slow.",
  ),
  [METRIC.httpBytesReceived]: counter("Bytes read at the HTTP port."),
  [METRIC.httpBytesSent]: counter("Bytes written at the HTTP port."),
  [METRIC.walSyncSeconds]: histogram("Seconds of each sync of the write-ahead log."),
  [METRIC.syncWaitSeconds]: gauge("Seconds that the sync under way has taken so far: the disk hangs when it grows."),
  [METRIC.walSyncs]: counter("Syncs of the write-ahead log."),
  [METRIC.walBytes]: gauge("Bytes of the segments of the write-ahead log."),
  [METRIC.walSegments]: gauge("Segments of the write-ahead log."),
  [METRIC.snapshotBytes]: gauge("Bytes of the snapshots on disk."),
  [METRIC.temporaryBytes]: gauge("Bytes of snapshots in the making on disk."),
  [METRIC.diskSizeBytes]: gauge(
    "Bytes of the file system under the directory, used and free; 0 where they are not known.",
  ),
  [METRIC.diskFreeBytes]: gauge("Bytes of it that are free; 0 where they are not known."),
  [METRIC.diskReserveBytes]: gauge(
    "Bytes of it that are kept for the next snapshot: with fewer free, writes that add are refused. 0 where they are not known.",
  ),
  [METRIC.scrubBytes]: counter("Bytes of log and snapshots that were read once more, to find what has rotted."),
  [METRIC.scrubDamages]: counter(
    "Damaged files that were found so, by kind: snapshot, segment, node_file or key_file.",
    [
      "kind",
    ],
  ),
  [METRIC.scrubUnrepaired]: gauge("Damaged files that could not be repaired yet."),
  [METRIC.scrubCompletedSeconds]: gauge(
    "When the last round of reading came to its end, in seconds since 1970; 0 before.",
  ),
  [METRIC.term]: gauge("The current term."),
  [METRIC.commitIndex]: gauge("Index of the last committed entry known here."),
  [METRIC.appliedIndex]: gauge("Index of the last applied entry."),
  [METRIC.lastLogIndex]: gauge("Index of the last entry of the log."),
  [METRIC.snapshotIndex]: gauge("Index of the last entry in the newest snapshot."),
  [METRIC.logEntries]: gauge("Entries of the log in memory."),
  [METRIC.logBytes]: gauge("Bytes of the commands in memory."),
  [METRIC.recoveredEntries]: gauge("Log entries found on disk at the start."),
  [METRIC.ownEntries]: counter("Log entries that this node appended as the leader without a client, by kind.", [
    "kind",
  ]),
  [METRIC.strayTerms]: counter("Messages dropped because no election leads to their term."),
  [METRIC.replicasDiffering]: gauge(
    "Nodes whose state is another than that of a majority, as this node sees it; without a majority all that were compared.",
  ),
  [METRIC.memoryDamaged]: gauge(
    "Whether the memory of the state was found to hold something else than was written there: 1 or 0.",
  ),
  [METRIC.quarantined]: gauge("Whether this node's state is not sound, so that it serves nothing: 1 or 0."),
  [METRIC.checkedIndex]: gauge("Index of the last entry at which this node had the same state as a majority."),
  [METRIC.elections]: counter("Elections that this node stood in."),
  [METRIC.snapshotsTaken]: counter("Snapshots taken here."),
  [METRIC.snapshotsInstalled]: counter("Snapshots received from a leader and installed."),
  [METRIC.appendSuccess]: counter("AppendEntries answered with success, as this leader heard it."),
  [METRIC.appendFailure]: counter("AppendEntries answered with a mismatch, as this leader heard it."),
  [METRIC.peerMatchIndex]: gauge("On the leader: last entry known to be on the follower.", ["to"]),
  [METRIC.peerSentBytes]: counter("Bytes sent to a peer.", ["to"]),
  [METRIC.peerReceivedBytes]: counter("Bytes received from a peer.", ["from"]),
  [METRIC.peerDroppedFrames]: counter("Messages to or from a peer that were dropped.", ["to"]),
  [METRIC.peerRoundTripSeconds]: gauge("Seconds that the last ping of a peer took.", ["to"]),
  [METRIC.peerReachable]: gauge("Whether a peer answers in both directions: 1 or 0.", ["to"]),
  [METRIC.clockOffsetSeconds]: gauge(
    "Seconds that a machine's clock is ahead of what a majority says: of all on the leader, of its own on a follower.",
    ["of"],
  ),
  [METRIC.messagesSent]: counter("Messages sent to peers, by type.", ["type"]),
  [METRIC.messagesReceived]: counter("Messages received from peers, by type.", ["type"]),
  [METRIC.keys]: gauge("Keys in the store."),
  [METRIC.bytes]: gauge("Bytes of the keys and values in the store."),
  [METRIC.expiringKeys]: gauge("Keys that have a deadline."),
  [METRIC.eventLoopLagSeconds]: histogram("Seconds that ticks of the event loop came late."),
  [METRIC.buildInfo]: gauge("Always 1; the labels tell what runs.", ["version", "deno", "node"]),
  [PROCESS_METRIC.cpuSeconds]: counter("CPU seconds used, user and system."),
  [PROCESS_METRIC.residentBytes]: gauge("Resident memory in bytes."),
  [PROCESS_METRIC.heapBytes]: gauge("Bytes of the JavaScript heap in use."),
  [PROCESS_METRIC.externalBytes]: gauge("Bytes of buffers outside of the JavaScript heap."),
  [PROCESS_METRIC.openFiles]: gauge("Open file descriptors, where the system tells."),
  [PROCESS_METRIC.filesMax]: gauge("Limit on open file descriptors, where the system tells."),
  [PROCESS_METRIC.startSeconds]: gauge("Start of the process in seconds since 1970."),
};

function counter(help: string, labels: readonly string[] = []): MetricDescription {
  return { type: "counter", help, labels };
}

function gauge(help: string, labels: readonly string[] = []): MetricDescription {
  return { type: "gauge", help, labels };
}

function histogram(help: string): MetricDescription {
  return { type: "histogram", help, labels: [] };
}
