/** Planted bugs B1 to B9: changes of the membership, votes, commits, reads, the follower's log. */

import type { Mutation } from "./mutation.ts";

const APPEND_ENTRIES = "lib/raft/append_entries.ts";
const MEMBERSHIP = "lib/raft/membership.ts";
const READ_INDEX = "lib/raft/read_index.ts";

/** In the order of the list. */
export const BUGS_1: readonly Mutation[] = [
  {
    id: "B1a",
    what: "A new leader changes the membership before it has committed an entry of its own term (raft-dev 2015)",
    patches: [{
      file: MEMBERSHIP,
      find: "if (!core.roleState.termCommitted) return",
      replace: "if (core.currentTerm < 0) return",
    }],
  },
  {
    id: "B1b",
    what: "A second change of the membership is begun while one is pending (RethinkDB 2.2.3)",
    patches: [{
      file: MEMBERSHIP,
      find: "const isBusy = isJoint(core.log.configuration) || !isSettled(core);",
      replace: "const isBusy = isJoint(core.log.configuration) && core.currentTerm < 0;",
    }],
  },
  {
    id: "B1c",
    what: "The joint configuration is left before it is committed",
    patches: [{
      file: MEMBERSHIP,
      find: "if (!isJoint(configuration) || !isSettled(core) || !roleState.termCommitted",
      replace: "if (!isJoint(configuration) || roleState.round < 0",
    }],
  },
  {
    id: "B2a",
    what: "Votes and answers leave while the term and vote they speak of are still being made durable",
    patches: [{
      file: "lib/node/effects/effects.ts",
      find: "for (const message of update.durableMessages) this.#send(message);",
      replace: "for (const message of update.durableMessages) this.#parts.outbox.transmit(message);",
    }],
  },
  {
    id: "B2b",
    what: "A term or vote that changes while an older one is being saved is not saved",
    patches: [{
      file: "lib/node/effects/persistence.ts",
      find: "this.#hardState = hardState;",
      replace: "if (!this.#savingHardState) this.#hardState = hardState;",
    }],
  },
  {
    id: "B2c",
    what: "The file with term and vote takes the place of the old one without having been synced",
    patches: [{
      file: "lib/storage/node_store.ts",
      find: "await file.syncData();",
      replace: "await Promise.resolve();",
    }],
  },
  {
    id: "B2d",
    what: "The directory is not synced after the file with term and vote was renamed",
    patches: [{
      file: "lib/storage/node_store.ts",
      find: "this.#disk.rename(temporary, this.#path());\n    await this.#disk.syncDirectory(this.#directory);",
      replace: "this.#disk.rename(temporary, this.#path());\n    await Promise.resolve();",
    }],
  },
  {
    id: "B3",
    what: "An entry of an older term is committed by counting (Raft figure 8)",
    patches: [{
      file: "lib/raft/commit.ts",
      find: "if (log.termAt(index) !== core.currentTerm) return;",
      replace: "",
    }, {
      file: "lib/raft/commit.ts",
      find: "roleState.termCommitted = true;",
      replace: "if (log.termAt(index) === core.currentTerm) roleState.termCommitted = true;",
    }],
  },
  {
    id: "B4",
    what:
      "A new leader serves reads before it has committed an entry of its own term (etcd#7331, TiKV#6340, RedisRaft)",
    patches: [{
      file: READ_INDEX,
      find: "if (core.roleState.termCommitted) beginRound(core, [reader]);",
      replace: "if (core.commitIndex >= 0) beginRound(core, [reader]);",
    }],
  },
  {
    id: "B5a",
    what: "A read is confirmed by the answers to the round before its own",
    patches: [{
      file: READ_INDEX,
      find: "(read.round <= confirmedRound ?",
      replace: "(read.round <= confirmedRound + 1 ?",
    }],
  },
  {
    id: "B5b",
    what: "One answer confirms a read, whatever the size of the cluster",
    patches: [{
      file: READ_INDEX,
      find: "return quorumValue(",
      replace:
        "return [...progress.values()].some((peer) => peer.answeredRound >= round)\n    ? round\n    : quorumValue(",
    }],
  },
  {
    id: "B6a",
    what:
      "A new read joins the round that others wait for, so that answers given before it came confirm it (etcd#20418)",
    patches: [{
      file: READ_INDEX,
      find: "for (const reader of readers) roleState.pendingReads.push({ reader, point, round: roleState.round });",
      replace:
        "const round = roleState.pendingReads[0]?.round ?? roleState.round;\n  for (const reader of readers) roleState.pendingReads.push({ reader, point, round });",
    }],
  },
  {
    id: "B6b",
    what:
      "A follower uses the tokens of its questions to the leader again, so that a delayed answer confirms another read",
    patches: [{
      file: READ_INDEX,
      find: "core.lastToken += 1;",
      replace: "core.lastToken = core.forwardedReads.size + 1;",
    }],
  },
  {
    id: "B6c",
    what: "An answer to a question that an earlier life of the process asked confirms a read of this one",
    patches: [{ file: READ_INDEX, find: "result.incarnation !== core.options.incarnation || ", replace: "" }],
  },
  {
    id: "B7a",
    what: "A leader trusts for an election timeout that it still leads, and begins that time anew after a pause",
    patches: [{
      file: READ_INDEX,
      find: "progress.get(id)?.answeredRound ?? 0,",
      replace: "(progress.get(id)?.silentTicks ?? 1_000_000) < core.limits.electionTimeoutTicksMin ? round : 0,",
    }],
  },
  {
    id: "B7b",
    what: "Answers from before a pause of the process go on to count for the reads that waited through it",
    patches: [{
      file: "lib/raft/tick.ts",
      find: "  restartRounds(core);",
      replace: "  if (core.ticks < 0) restartRounds(core);",
    }],
  },
  {
    id: "B8",
    what: "A delayed, shorter AppendEntries cuts off what a later one brought (akka-raft#66)",
    patches: [{
      file: APPEND_ENTRIES,
      find: 'if (entries === undefined || first > entries.lastIndex) return { type: "Stored" };',
      replace: "const end = entries?.lastIndex ?? Infinity;\n" +
        "  if (first > end && end < log.lastIndex && end >= core.commitIndex) log.truncate(end + 1);\n" +
        '  if (entries === undefined || first > entries.lastIndex) return { type: "Stored" };',
    }],
  },
  {
    id: "B9a",
    what: "A conflicting entry is replaced and the tail behind it is kept",
    patches: [{
      file: APPEND_ENTRIES,
      find: "let first = prevLogIndex + 1 + Math.max(0, covered);",
      replace: "let first = prevLogIndex + 1 + Math.max(0, covered);\n  let tail = [entries].slice(0, 0);",
    }, {
      file: APPEND_ENTRIES,
      find: "    log.truncate(first);",
      replace: "    const next = entries.lastIndex + 1;\n" +
        "    if (next <= log.lastIndex) tail = log.range(next, log.lastIndex).slice();\n    log.truncate(first);",
    }, {
      file: APPEND_ENTRIES,
      find: "core.outbox.write(log.append(entries.slice(first, entries.lastIndex)));",
      replace: "core.outbox.write(log.append(entries.slice(first, entries.lastIndex)));\n" +
        "  for (const run of tail) if (run !== undefined) core.outbox.write(log.append(run));",
    }, {
      // The assertions that would end the process at once.
      file: "lib/raft/log.ts",
      find: "term < this.lastTerm",
      replace: "term < 0",
    }, {
      file: "lib/storage/log_shape.ts",
      find: "if (record.prevTerm > term) return",
      replace: "if (record.prevTerm > term && count < 1) return",
    }],
  },
  {
    id: "B9b",
    what: "Entries that were replaced come back from the log at the next start, behind those that replaced them",
    patches: [{
      file: "lib/storage/log_replay.ts",
      find: "this.#dropFrom(record.restart ? 0 : record.firstIndex);",
      replace: "const end = record.firstIndex + record.count;\n" +
        "    const tail = this.#runs.filter((run) => run.lastIndex >= end);\n" +
        "    this.#dropFrom(record.restart ? 0 : record.firstIndex);",
    }, {
      file: "lib/storage/log_replay.ts",
      find: "this.#runs.push(run.slice(Math.max(run.firstIndex, this.#keepAbove + 1), run.lastIndex));",
      replace: "this.#runs.push(run.slice(Math.max(run.firstIndex, this.#keepAbove + 1), run.lastIndex));\n" +
        "    for (const old of tail) this.#runs.push(old.slice(Math.max(old.firstIndex, end), old.lastIndex));",
    }],
  },
];
