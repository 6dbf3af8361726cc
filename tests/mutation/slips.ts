/** Planted bugs of our own imagination: slips of one line that a tired hand could make, all over the core, driver and storage. */

import type { Mutation } from "./mutation.ts";

const WAL = "lib/storage/wal.ts";
const WAL_RECOVERY = "lib/storage/wal_recovery.ts";
const LOG = "lib/raft/log.ts";

const CORE: readonly Mutation[] = [
  {
    id: "M1",
    what: "A follower acknowledges to a new leader what only the old one has compared with its log",
    patches: [{ file: "lib/raft/roles.ts", find: "core.following.matchedIndex = core.commitIndex;", replace: "" }],
  },
  {
    id: "M2",
    what: "A server votes for a candidate with a longer log, though its last entry has an older term",
    patches: [{
      file: "lib/raft/request_vote.ts",
      find: "if (request.lastLogTerm !== lastTerm) return request.lastLogTerm > lastTerm;",
      replace: "if (request.lastLogTerm > lastTerm) return true;",
    }],
  },
  {
    id: "M3",
    what: "While the configuration is joint, one of the two majorities is enough",
    patches: [{
      file: "lib/raft/quorum.ts",
      find: "return Math.min(value, majorityValue(",
      replace: "return Math.max(value, majorityValue(",
    }],
  },
  {
    id: "M4",
    what: "Half of an even number of voters is taken for a majority",
    patches: [{
      file: "lib/raft/quorum.ts",
      find: "values[(values.length - 1) >> 1]",
      replace: "values[values.length >> 1]",
    }],
  },
  {
    id: "M5",
    what: "The voters are exchanged in one step, without a joint configuration",
    patches: [{
      file: "lib/raft/membership.ts",
      find: "if (next.voters.join() === current.voters.join()) return",
      replace: "if (next.voters.length > 0) return",
    }],
  },
  {
    id: "M6",
    what: "A configuration stays in force after the entry that holds it was truncated",
    patches: [{ file: LOG, find: "    this.#configurations.truncate(first);\n", replace: "" }],
  },
  {
    id: "M7",
    what: "A snapshot is installed without its configuration",
    patches: [{
      file: LOG,
      find: "this.#configurations.reset(base.index, configuration);",
      replace: "this.#configurations.reset(base.index, base.index > 0 ? this.configuration : configuration);",
    }],
  },
  {
    id: "M8",
    what: "A run of entries that was truncated is sent to followers from memory",
    patches: [{
      file: LOG,
      find: "this.#configurations.truncate(first);\n    this.#lastSent = undefined;",
      replace: "this.#configurations.truncate(first);",
    }, {
      file: LOG,
      find: "    // A peer may be sent more now from the same place on.\n    this.#lastSent = undefined;\n",
      replace: "",
    }],
  },
  {
    id: "M9",
    what: "A restarted server has forgotten its vote",
    patches: [{
      file: "lib/raft/start.ts",
      find: "votedFor: behind ? undefined : hardState.votedFor,",
      replace: "votedFor: undefined,",
    }],
  },
  {
    id: "M10",
    what: "A sole voter lets messages of its new term out before the term is durable",
    patches: [{
      file: "lib/raft/outbox.ts",
      find: "if (hardState !== undefined) this.#holdBack();",
      replace: "if (hardState !== undefined && hardState.currentTerm < 0) this.#holdBack();",
    }],
  },
  {
    id: "M11",
    what: "A follower waits for its own commit index and not for the leader's before it serves a read",
    patches: [{
      file: "lib/raft/read_index.ts",
      find: "index: result.readIndex, timeMs",
      replace: "index: toIndex(Math.min(result.readIndex, core.commitIndex)), timeMs",
    }],
  },
];

const DRIVER: readonly Mutation[] = [
  {
    id: "M12",
    what: "A write whose entry was replaced by another leader's is acknowledged",
    patches: [{
      file: "lib/node/writes/pending_writes.ts",
      find: "front?.index === index && front.term === term",
      replace: "front?.index === index && front.term <= term",
    }],
  },
  {
    id: "M13",
    what: "A confirmed read is served one entry too early",
    patches: [
      {
        file: "lib/node/reads/pending_reads.ts",
        find: "(confirmed) => confirmed.index <= lastApplied)",
        replace: "(confirmed) => confirmed.index <= lastApplied + 1)",
      },
      {
        file: "lib/node/reads/pending_reads.ts",
        find: "(confirmed) => confirmed.index > lastApplied)",
        replace: "(confirmed) => confirmed.index > lastApplied + 1)",
      },
    ],
  },
  {
    id: "M14",
    what: "A sync proves durable what was written while it was in flight",
    patches: [{
      file: "lib/node/effects/persistence.ts",
      find: 'inbox.put({ type: "Persisted", write: write.number, last: write.run.last });',
      replace: "const latest = this.#unsynced ?? write;\n" +
        '      inbox.put({ type: "Persisted", write: latest.number, last: latest.run.last });',
    }],
  },
  {
    id: "M15",
    what: "A deleted key comes back with the next snapshot",
    patches: [{
      file: "lib/store/records.ts",
      find: "    this.#bury(segment, unit, large);\n    if (large",
      replace: "    if (large",
    }],
  },
  {
    id: "M16",
    what: "A snapshot made here takes the place of a newer one that was received meanwhile",
    patches: [{
      file: "lib/storage/snapshot_store.ts",
      find: "if (this.#listed[0]?.name === name) this",
      replace: "if (this.#listed.length > 0) this",
    }],
  },
];

const STORAGE: readonly Mutation[] = [
  {
    id: "M17",
    what: "After the log went on in a new segment, the old one is not synced any more",
    patches: [{ file: WAL, find: "this.#unsynced.push(rolled);", replace: "rolled.close();" }],
  },
  {
    id: "M18",
    what: "The directory is not synced after the log went on in a new segment",
    patches: [{ file: WAL, find: ", this.#start.disk.syncDirectory(this.#start.directory)]", replace: "]" }],
  },
  {
    id: "M19",
    what: "The durable mark vouches for records written while the sync was in flight",
    patches: [{
      file: WAL,
      find: "this.#durable = target;",
      replace: "this.#durable = target.number >= 0 ? this.#position() : target;",
    }],
  },
  {
    id: "M20",
    what: "A segment is removed one entry too early",
    patches: [{ file: WAL, find: "oldest.highestIndex > index ||", replace: "oldest.highestIndex > index + 1 ||" }],
  },
  {
    id: "M21",
    what: "A torn tail is left behind the place where the log goes on",
    patches: [{
      file: WAL_RECOVERY,
      find: "writeZeros(file, { from: last.end, to: scan.tornEnd });",
      replace: "writeZeros(file, { from: last.end, to: Math.min(scan.tornEnd, last.end) });",
    }],
  },
  {
    id: "M22",
    what: "Records that a killed process left in the page cache are trusted at the next start without a sync",
    patches: [{
      file: WAL_RECOVERY,
      find: "  await file.syncData();\n  await syncUnproven(",
      replace: "  await syncUnproven(",
    }],
  },
  {
    id: "M23",
    what: "The checksum of a record's body is not looked at",
    patches: [{
      file: "lib/storage/wal_scan.ts",
      find: "checksum(body) !== record.bodyChecksum) break;",
      replace: "checksum(body) < 0) break;",
    }],
  },
  {
    id: "M24",
    what: "Each opening of the directory counts as the same life of the process",
    patches: [{
      file: WAL_RECOVERY,
      find: "const epoch = scan.epoch + 1;",
      replace: "const epoch = Math.max(1, scan.epoch);",
    }],
  },
];

/** In the order of their numbers. */
export const SLIPS: readonly Mutation[] = [...CORE, ...DRIVER, ...STORAGE];
