/** Further slips in core, node and state machine, thought of before anybody looked at what the tests cover. */

import { type Mutation, slip } from "./mutation.ts";

const PENDING = "lib/node/writes/pending_writes.ts";
const READS = "lib/node/reads/pending_reads.ts";
const FLIGHTS = "lib/node/writes/flights.ts";
const SUBMISSIONS = "lib/node/writes/submissions.ts";
const READ_INDEX = "lib/raft/read_index.ts";
const MEMBERSHIP = "lib/raft/membership.ts";
const SESSIONS = "lib/kv/sessions.ts";
const STATE_MACHINE = "lib/kv/state_machine.ts";

const CORE: readonly Mutation[] = [
  slip("M101", "A PreVote is granted for a term that is not later than the own", {
    file: "lib/raft/request_vote.ts",
    find: "if (later && upToDate && mayVote(core)",
    replace: "if (upToDate && mayVote(core)",
  }),
  slip("M102", "A server that hears its leader refuses the election that the leader itself asked for", {
    file: "lib/raft/receive.ts",
    find: "message.leadershipTransfer || !sticksToLeader(core)",
    replace: "!sticksToLeader(core)",
  }),
  slip("M103", "The target of a transfer is asked to campaign before it has the whole log", {
    file: "lib/raft/transfer.ts",
    find: "if (transfer.timeoutNowSent || peer.matchIndex !== core.log.lastIndex) return;",
    replace: "if (transfer.timeoutNowSent) return;",
  }),
  slip("M104", "A transfer that does not succeed is never given up", {
    file: "lib/raft/transfer.ts",
    find: "if (transfer.elapsedTicks >= core.limits.electionTimeoutTicksMin) abandonTransfer(core);",
    replace: "if (transfer.elapsedTicks < 0) abandonTransfer(core);",
  }),
  slip("M105", "Entries are applied to the old state while a snapshot is being loaded", {
    file: "lib/raft/commit.ts",
    find: "  if (core.receiving?.installing === true) return;\n",
    replace: "",
  }),
  slip("M107", "Messages that were lost with a connection count as on their way", {
    file: "lib/raft/progress.ts",
    find: "    this.#inFlight.length = 0;\n",
    replace: "",
  }),
  slip("M108", "A removed server goes on to campaign", {
    file: "lib/raft/core.ts",
    find: "if (configurationIndex <= core.commitIndex || previousConfiguration === undefined) return false;",
    replace: "if (configurationIndex < 0 || previousConfiguration === undefined) return false;",
  }),
  slip("M109", "A leader without a majority never steps down", {
    file: "lib/raft/tick.ts",
    find: "if (!heardQuorum(core)) {",
    replace: "if (!heardQuorum(core) && core.ticks < 0) {",
  }),
  slip("M110", "After a pause of the process old answers confirm reads", {
    file: "lib/raft/tick.ts",
    find: "    peer.inContact = false;\n  }\n  restartRounds(core);",
    replace: "    peer.inContact = false;\n  }",
  }),
  slip("M111", "Reads are confirmed before an entry of the own term is committed", {
    file: READ_INDEX,
    find: "if (core.roleState.termCommitted) beginRound(core, [reader]);",
    replace: "if (core.roleState.termCommitted || core.commitIndex > 0) beginRound(core, [reader]);",
  }),
  slip("M112", "An answer to a read of an earlier life of the process is taken", {
    file: READ_INDEX,
    find: "if (result.incarnation !== core.options.incarnation || result.from !== core.leaderId) return;",
    replace: "if (result.from !== core.leaderId) return;",
  }),
  slip("M113", "Reads that were passed on to an old leader are forgotten instead of refused", {
    file: READ_INDEX,
    find: "  for (const { id } of core.forwardedReads.values()) refuseLocal(core, { id, leaderId: core.leaderId });\n",
    replace: "",
  }),
  slip("M114", "A leader that steps down leaves its readers without an answer", {
    file: "lib/raft/roles.ts",
    find: "    failLeaderReads(core, at.leaderId);\n",
    replace: "    if (core.ticks < 0) failLeaderReads(core, at.leaderId);\n",
  }),
  slip("M115", "A change of the membership is begun on top of one that is not committed", {
    file: MEMBERSHIP,
    find: "const isBusy = isJoint(core.log.configuration) || !isSettled(core);",
    replace: "const isBusy = isJoint(core.log.configuration);",
  }),
  slip("M116", "A leader that was removed leads on", {
    file: MEMBERSHIP,
    find: "if (isVoter(log.configuration, core.id) || !isSettled(core)) return;",
    replace: "if (isVoter(log.configuration, core.id) || !isSettled(core) || core.ticks >= 0) return;",
  }),
  slip("M117", "A chunk of a snapshot that was lost is not sent again", {
    file: "lib/raft/snapshot_transfer.ts",
    find: "const isLate = transfer.waitedTicks >= core.limits.heartbeatTicks;",
    replace: "const isLate = transfer.waitedTicks < 0;",
  }),
  slip("M118", "A received snapshot of an older state takes the place of a newer one", {
    file: "lib/raft/install_snapshot.ts",
    find: "  if (lastIncluded.index <= core.appliedIndex) return;\n",
    replace: "",
  }),
];

const NODE: readonly Mutation[] = [
  slip("M120", "A write that a snapshot jumped over is said not to be done", {
    file: PENDING,
    find:
      'front !== undefined && front.index <= index;\n      front = this.#queue[this.#head]\n    ) {\n      this.#pop();\n      front.write.done({ type: "Unknown" });',
    replace:
      'front !== undefined && front.index <= index;\n      front = this.#queue[this.#head]\n    ) {\n      this.#pop();\n      front.write.done({ type: "NotDone", reason: "Timeout", leaderId: undefined });',
  }),
  slip("M121", "A write whose deadline passes in the log is said not to be done", {
    file: PENDING,
    find:
      'front !== undefined && front.write.deadline <= now;\n      front = this.#queue[this.#head]\n    ) {\n      this.#pop();\n      front.write.done({ type: "Unknown" });',
    replace:
      'front !== undefined && front.write.deadline <= now;\n      front = this.#queue[this.#head]\n    ) {\n      this.#pop();\n      front.write.done({ type: "NotDone", reason: "Timeout", leaderId: undefined });',
  }),
  slip("M122", "What was passed on to a leader that is gone is said not to be done", {
    file: FLIGHTS,
    find: 'batch[at]?.done({ type: "Unknown" });',
    replace: 'batch[at]?.done({ type: "NotDone", reason: "Timeout", leaderId: undefined });',
  }),
  slip("M123", "A write that is passed on again takes a place behind later ones", {
    file: SUBMISSIONS,
    find: "while (at > 0 && (this.#waiting[at - 1]?.order ?? 0) > submission.order) at -= 1;",
    replace: "while (at < 0 && (this.#waiting[at - 1]?.order ?? 0) > submission.order) at -= 1;",
  }),
  slip("M124", "A second batch is passed on as if the first one were not under way", {
    file: FLIGHTS,
    find: "const after = this.isEmpty ? 0 : this.#lastId;",
    replace: "const after = 0;",
  }),
  slip("M125", "A flight whose deadline has passed waits for ever", {
    file: FLIGHTS,
    find: "open.has(at) && deadline <= now));",
    replace: "open.has(at) && deadline <= now * 0));",
  }),
  slip("M126", "A read is served before its index is applied", {
    file: READS,
    find: "const ready = this.#confirmed.filter((confirmed) => confirmed.index <= lastApplied);",
    replace: "const ready = this.#confirmed.filter((confirmed) => confirmed.index <= lastApplied + 1);",
  }),
  slip("M127", "A read uses the time of a leader that is no more", {
    file: READS,
    find: "if (confirmed.term < term) this.#again",
    replace: "if (confirmed.term < term && term < 0) this.#again",
  }),
  slip("M128", "A read whose confirmation was lost is never asked for again", {
    file: READS,
    find: "if (batch.askedAt >= askedBefore) continue;",
    replace: "if (batch.askedAt >= askedBefore || askedBefore > 0) continue;",
  }),
  slip("M129", "An entry that an installed snapshot holds is applied once more", {
    file: "lib/node/effects/applier.ts",
    find: "    if (index <= applied.id.index) return;\n",
    replace: "",
  }),
  slip("M130", "A follower without room stores entries all the same, in memory only", {
    file: "lib/node/driver.ts",
    find: "return this.#hasRoomFor(message);",
    replace: 'return this.#hasRoomFor(message) || event.type === "Receive";',
  }),
  slip("M131", "Messages wait for the hard state of their own step only", {
    file: "lib/node/effects/effects.ts",
    find: "if (persistence.savingHardState) return persistence.hold(message);",
    replace:
      'if (persistence.savingHardState && message.type !== "AppendEntriesResult") return persistence.hold(message);',
  }),
  slip("M132", "The answers to forwarded writes lose those behind the first part", {
    file: "lib/node/writes/forwarded_writes.ts",
    find: "    if (this.#ready === this.#outcomes.length) this.#send();\n",
    replace: "    if (this.#ready === this.#outcomes.length && this.#sent === 0) this.#send();\n",
  }),
];

const MACHINE: readonly Mutation[] = [
  slip("M133", "A session is not renewed by its commands", {
    file: "lib/kv/session_commands.ts",
    find: "  sessions.renew(use.id, nowMs);\n",
    replace: "  sessions.renew(use.id, Math.min(nowMs, 0));\n",
  }),
  slip("M134", "The last command that a session has forgotten may be done again", {
    file: SESSIONS,
    find: "return sequence <= session.floor ?",
    replace: "return sequence < session.floor ?",
  }),
  slip("M135", "A session ends a moment after its deadline", {
    file: SESSIONS,
    find: "if (first === undefined || first.at > now) return;",
    replace: "if (first === undefined || first.at >= now) return;",
  }),
  slip("M136", "A transaction whose comparison fails does what it would do otherwise and the rest as well", {
    file: STATE_MACHINE,
    find: "runCalls(succeeded ? then : otherwise,",
    replace: "runCalls(succeeded ? then : [...otherwise, ...then],",
  }),
  {
    id: "M137",
    what: "A plain PUT leaves the deadline of its key",
    patches: [{
      file: STATE_MACHINE,
      find: "if (before !== undefined && before.deadline !== 0) {",
      replace: "if (before !== undefined && before.deadline !== 0 && key.length === 0) {",
    }, {
      file: "lib/kv/keyspace.ts",
      find: "    write.value = value;\n    write.revision = revision;\n    write.deadline = 0;\n",
      replace: "    write.value = value;\n    write.revision = revision;\n" +
        "    write.deadline = this.#store.find(key, this.#view) ? this.#view.deadline : 0;\n",
    }],
  },
  slip("M138", "A snapshot shows what a key became while it was read", {
    file: "lib/store/segment.ts",
    find: "return unit < this.heldTop && unit >= this.heldFrom;",
    replace: "return unit < this.heldTop && unit > this.heldFrom;",
  }),
];

/** In the order of their numbers. */
export const FURTHER_SLIPS: readonly Mutation[] = [...CORE, ...NODE, ...MACHINE];
