/**
 * Places in the program where a simulator may make something rare but lawful happen: a timeout as short as it may be, a
 * batch of one, a cache that is dropped, work put off to the next turn. Nothing of it breaks a promise or stops progress
 * for good, so whatever breaks when a site fires is a bug. In production no injector is installed, and a site is one
 * comparison.
 */

/** What happens at each site when it fires. */
export const FAULT_SITES = {
  "kv/blockOfOneKey": "a block of a snapshot holds one key",
  "node/applyPutOff": "committed entries are applied one pass later",
  "node/batchOfOne": "a proposal takes one write",
  "node/batchOfOneRead": "a confirmation is asked for one read only, for the others in the next pass",
  "node/chunkGone": "a chunk cannot be sent as if its file were gone",
  "node/chunkRefused": "a received snapshot is refused as if the disk were full",
  "node/connectionReset": "the connection to a peer is made anew",
  "node/disconnectNotTold": "the core is not told that a connection ended",
  "node/hardStateSavedTwice": "a hard state is saved twice",
  "node/inboxInParts": "a pass takes half of the inbox",
  "node/membershipLookSkipped": "the leader does not look after the membership this time",
  "node/previousSnapshotClosed": "the file of the previous snapshot is closed at once",
  "node/proposalsPutOff": "writes that wait are proposed one pass later",
  "node/readsAskedAgain": "reads ask for their confirmation again at once",
  "node/readsExpireEarly": "reads that wait are given up before their deadline",
  "node/readsServedLate": "confirmed reads are served one pass later",
  "node/releaseLate": "messages that waited for the hard state leave one turn later",
  "node/sendingPutOff": "messages leave one pass later",
  "node/sliceOfOne": "one block of a snapshot is written or loaded in a turn",
  "node/snapshotEarly": "a snapshot is due after a few entries",
  "node/snapshotPutOff": "a snapshot that is due is not taken this time",
  "node/spaceRefused": "AppendEntries is left unanswered as if the disk were full",
  "node/stallReported": "the core is told that the process stood still",
  "node/syncPutOff": "a sync begins one pass later",
  "node/tickDoubled": "a tick comes twice",
  "node/tickLost": "a tick is lost",
  "node/trailingNone": "no entry is kept behind a snapshot",
  "node/writeRefused": "a write is refused as if too many waited",
  "node/writesExpireEarly": "writes that wait are answered as unknown before their deadline",
  "raft/acknowledgementLeftOut": "entries that became durable are acknowledged by the next answer only",
  "raft/appendDropped": "AppendEntries is dropped as if it had been lost",
  "raft/applyOneEntry": "one committed entry is handed out, the rest with the next step",
  "raft/backUpByOne": "the leader goes back by one entry only",
  "raft/changeRefused": "a change of the membership is refused as if one were under way",
  "raft/chunkIgnored": "a chunk of a snapshot is asked for once more",
  "raft/chunkSentAgain": "a chunk is sent again without waiting",
  "raft/commitNotTold": "the commit index is not told before the next message",
  "raft/confirmationPutOff": "reads are confirmed one step later",
  "raft/conflictOneBack": "a refusal does not tell where the logs part",
  "raft/disconnectDelayNone": "no delay before the election after the leader was lost",
  "raft/electionTimeoutDoubled": "twice the election timeout",
  "raft/electionTimeoutShortest": "the shortest election timeout instead of a random one",
  "raft/heartbeatEarly": "a heartbeat before it is due",
  "raft/heartbeatLate": "a heartbeat is a tick late",
  "raft/jointKept": "a joint configuration is left one step later",
  "raft/leaderForgotten": "a server does not hold with its leader",
  "raft/preVoteRefused": "a PreVote that could be given is refused",
  "raft/probeAgain": "a peer that keeps up is probed again",
  "raft/probeEmpty": "a probe carries no entries",
  "raft/proposalRefused": "a proposal is refused as if the log were full",
  "raft/readIndexRefused": "a peer's question for the read index is refused",
  "raft/readRefused": "a read is refused as if too many waited",
  "raft/retryWaitsWhole": "a refused candidate waits a whole timeout",
  "raft/roundRestarted": "the reads that wait ask in another round",
  "raft/runOfOneEntry": "a message carries one entry",
  "raft/snapshotNotNeeded": "a snapshot is sent although the entries are there",
  "raft/timeoutNowIgnored": "TimeoutNow is dropped as if it had been lost",
  "raft/transferAbandoned": "a leadership transfer is given up",
  "raft/voteRefused": "a vote that could be given is refused",
  "raft/windowOfOne": "one message in flight to a peer",
  "storage/blockFlushed": "each block of a snapshot is written on its own",
  "storage/bufferNotKept": "a record is put together in a buffer of its own",
  "storage/compactionOfOne": "one segment is removed in a compaction",
  "storage/compactionSkipped": "old segments are left to the next compaction",
  "storage/directorySynced": "the directory of the log is synced although nothing in it changed",
  "storage/markNotWritten": "the durable mark is not written after a sync",
  "storage/nodeFileNotReserved": "no room is kept in hand for the next hard state",
  "storage/notExtended": "the last segment is not filled up when it is opened again",
  "storage/olderSnapshotKept": "older snapshots are left to the next one",
  "storage/olderSnapshotRemoved": "only the newest snapshot is kept",
  "storage/recordOfOneEntry": "each entry gets a record of its own",
  "storage/reserveRefused": "no room is found as if the disk were full",
  "storage/rolledEarly": "a segment ends before it is full",
  "storage/spareExact": "a segment that is needed at once is no larger than needed",
  "storage/spareNotPrepared": "the next segment is not prepared ahead",
  "storage/verifiedInSlices": "the verification of a snapshot pauses after a block",
  "storage/writebackEarly": "a snapshot is synced while it is being written",
} as const satisfies Readonly<Record<string, string>>;

/** The name of a site. */
export type FaultSite = keyof typeof FAULT_SITES;

/** Says whether the site fires this time. */
export type FaultInjector = (site: FaultSite) => boolean;

let installed: FaultInjector | undefined;

/** From now on `injector` decides; undefined ends it. Of the whole process, and for simulators only. */
export function installFaults(injector: FaultInjector | undefined): void {
  installed = injector;
}

/** Whether the site fires: never, unless an injector is installed. */
export function fault(site: FaultSite): boolean {
  return installed !== undefined && installed(site);
}
