/** Planted bugs B18 to B25: removed servers, overwritten entries, failing disks, lost votes, requests done twice. */

import type { Mutation } from "./mutation.ts";

const WAL = "lib/storage/wal.ts";
const WAL_SCAN = "lib/storage/wal_scan.ts";
const KEEPER = "lib/node/membership/membership_keeper.ts";
const REQUEST_VOTE = "lib/raft/request_vote.ts";
const WAL_SYNC_FAILED = 'throw this.#latch.fail(error, { file: this.#start.directory, operation: "sync" });';

/** In the order of the list. */
export const BUGS_3: readonly Mutation[] = [
  {
    id: "B18a",
    what: "A leader that the new configuration removes counts itself towards the majority",
    patches: [{
      file: "lib/raft/commit.ts",
      find: "    log.configuration,\n",
      replace: "    { ...log.configuration, voters: [...new Set([...log.configuration.voters, core.id])] },\n",
    }],
  },
  {
    id: "B18b",
    what: "A second change is taken on top of one that is not committed, unless that one is joint",
    patches: [{
      file: "lib/raft/membership.ts",
      find: "const isBusy = isJoint(core.log.configuration) || !isSettled(core);",
      replace: "const isBusy = isJoint(core.log.configuration);",
    }],
  },
  {
    id: "B18c",
    what: "Learners count towards the majority",
    patches: [{
      file: "lib/raft/quorum.ts",
      find: "const value = majorityValue(configuration.voters, valueOf);",
      replace: "const value = majorityValue([...configuration.voters, ...configuration.learners], valueOf);",
    }],
  },
  {
    id: "B19",
    what: "The completion of a write whose entries were replaced meanwhile proves the new ones durable (ABA)",
    patches: [{
      file: "lib/raft/durability.ts",
      find: "write.lastIndex = Math.min(write.lastIndex, last);",
      replace: "write.lastIndex = Math.max(write.lastIndex, 0);",
    }],
  },
  {
    id: "B20a",
    what: "A failed sync of the log is ignored",
    patches: [{ file: WAL, find: WAL_SYNC_FAILED, replace: "if (!(error instanceof Error)) throw error;" }],
  },
  {
    id: "B20b",
    what: "A failed sync of the log is tried again, and succeeds without the data (cockroach#37102)",
    patches: [{
      file: WAL,
      find: WAL_SYNC_FAILED,
      replace: "if (!(error instanceof Error)) throw error;\n      await this.#startSyncs(rolled);",
    }],
  },
  {
    id: "B20c",
    what: "A failed save of term and vote is ignored",
    patches: [{
      file: "lib/storage/node_store.ts",
      find: 'throw this.#latch.failUnlessFull(error, { file: this.#path(), operation: "write" });',
      replace: "if (!(error instanceof Error)) throw error;",
    }],
  },
  {
    id: "B21a",
    what: "Damage in the middle of the synced log is read as a torn write and cut off (NATS 2.12.1)",
    patches: [{
      file: WAL_SCAN,
      find: "} else if (durableNumber > this.#number) {",
      replace: "} else if (durableNumber > this.#number + 1_000_000_000) {",
    }],
  },
  {
    id: "B21b",
    what: "A torn last write is read as corruption, and the node does not start again",
    patches: [{
      file: WAL_SCAN,
      find: "} else if (durableNumber > this.#number) {",
      replace: "} else if (durableNumber > this.#number || tail.length > (last?.end ?? 0)) {",
    }],
  },
  {
    id: "B21c",
    what: "The durable mark is not believed: a damaged last record is read as a torn write",
    patches: [{
      file: WAL_SCAN,
      find: "Math.max(this.#number, mark?.number ?? 0,",
      replace: "Math.max(this.#number, (mark?.number ?? 0) * 0,",
    }],
  },
  {
    id: "B22a",
    what: "A server whose directory was emptied takes part under its old id as if nothing had happened",
    patches: [{
      file: KEEPER,
      find: 'if (member.identity === identity || (member.identity === "" && (joins || !rejoin))) return',
      replace: "if (member.identity.length >= 0) return",
    }, { file: KEEPER, find: 'return member.identity !== "" || greeting.rejoin;', replace: "return member.id < 0;" }],
  },
  {
    id: "B22b",
    what: "A server that knows no members, because its directory is new, votes",
    patches: [{
      file: REQUEST_VOTE,
      find: "core.log.configuration.voters.length > 0 &&",
      replace: "core.log.configuration.voters.length >= 0 &&",
    }],
  },
  {
    id: "B22c",
    what: "Votes and acknowledgements of a directory count that the configuration does not name yet",
    patches: [{
      file: KEEPER,
      find: 'return member.identity !== "" || greeting.rejoin;',
      replace: "return member.id < 0;",
    }],
  },
  {
    id: "B23",
    what: "Pre-votes are refused as long as the term had a leader, however long that one is gone (hashicorp/raft#605)",
    patches: [{
      file: REQUEST_VOTE,
      find: "return core.election.leaderSilentTicks < electionTimeoutTicksMin;",
      replace: "return core.following.acknowledgedIndex > 0;",
    }],
  },
  {
    id: "B24a",
    what: "A candidate does not remember that it voted for itself",
    patches: [{ file: "lib/raft/roles.ts", find: "  writable.votedFor = core.id;\n", replace: "" }],
  },
  {
    id: "B24b",
    what: "A candidate's vote for itself is not in the file with term and vote",
    patches: [{
      file: "lib/storage/node_file.ts",
      find: "votedFor: hardState.votedFor ?? null,",
      replace: "votedFor: hardState.votedFor === ownership.nodeId ? null : hardState.votedFor ?? null,",
    }],
  },
  {
    id: "B25a",
    what:
      "A node proposes a write of unknown outcome once more by itself, so that it may be applied twice after a fail-over",
    patches: [{
      file: "lib/node/writes/proposals.ts",
      find: "this.#queue.push(write);",
      replace:
        "this.#queue.push({\n      command: write.command,\n      bytes: write.bytes,\n      deadline: write.deadline,\n      growthBytes: write.growthBytes,\n" +
        '      done: (outcome) => outcome.type === "Unknown" && !this.#parts.lifetime.isOver ? this.add(write) : write.done(outcome),\n' +
        "    });",
    }],
  },
  {
    id: "B25b",
    what: "A write whose outcome is unknown is said to be certainly not done, so that its client sends it again",
    patches: [{
      file: "lib/node/writes/pending_writes.ts",
      find: "front.write.deadline <= now;\n      front = this.#queue[this.#head]\n    ) {\n      this.#pop();\n" +
        '      front.write.done({ type: "Unknown" });',
      replace: "front.write.deadline <= now;\n      front = this.#queue[this.#head]\n    ) {\n      this.#pop();\n" +
        '      front.write.done({ type: "NotDone", reason: "NoLeader", leaderId: undefined });',
    }],
  },
];
