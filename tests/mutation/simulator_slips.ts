/** Planted bugs that only exact replies, removals and lowered limits show in simulated runs. */

import { type Mutation, slip } from "./mutation.ts";

const TEXT_INTERPRETER = "lib/protocol/text/interpreter.ts";

/** In the order of their numbers. */
export const SIMULATOR_SLIPS: readonly Mutation[] = [
  slip("M240", "STATUS shows the end of the log as what is committed", {
    file: "lib/protocol/text/status.ts",
    find: '["Commit Index", raft.commitIndex],',
    replace: '["Commit Index", raft.lastEntry.index],',
  }),
  slip("M241", "CLUSTER shows the lag of a server as of the newest entry in the log", {
    file: "lib/node/views/views.ts",
    find: "return matchIndex === undefined ? seen : { ...seen, matchIndex, lag: Math.max(0, newest - matchIndex) };",
    replace:
      "const last = status.raft.lastEntry.index + 1;\n    return matchIndex === undefined ? seen : { ...seen, matchIndex, lag: Math.max(0, last - matchIndex) };",
  }),
  slip("M242", "A text client hears of a write with an unknown outcome that it was not done", {
    file: TEXT_INTERPRETER,
    find: "exchange.reply = `${OUTCOME_UNKNOWN}\\n`;",
    replace: "exchange.reply = `${OUTCOME_UNKNOWN.replace(/Outcome.*/, 'Stopping. This node is shutting down.')}\\n`;",
  }),
  slip("M243", "METRICS does not count a request that was passed over to the leader", {
    file: TEXT_INTERPRETER,
    find: 'return (outcome.reason === "NotLeader" ? metrics.redirected : metrics.failed).add();',
    replace: "return metrics.failed.add();",
  }),
  slip("M244", "SNAPSHOT names the entry after the one that the snapshot includes", {
    file: "lib/protocol/text/outcomes.ts",
    find: "return `Snapshot created at index ${outcome.id.index} (term",
    replace: "return `Snapshot created at index ${outcome.id.index + 1} (term",
  }),
  slip("M245", "One write more than may wait is taken", {
    file: "lib/node/writes/proposals.ts",
    find: "this.size + countOf(write) > limits.writesMax;",
    replace: "this.size > limits.writesMax;",
  }),
  slip("M246", "A server counts as removed before the configuration without it is committed", {
    file: "lib/node/membership/member_change.ts",
    find: "configuration.votersOld.length === 0 && index <= commitIndex;",
    replace: "(configuration.votersOld.length === 0 && index <= commitIndex || raft.currentTerm > 0);",
  }),
  slip("M247", "A leader that was removed leads on", {
    file: "lib/raft/membership.ts",
    find: "if (isVoter(log.configuration, core.id) || !isSettled(core)) return;",
    replace: "if (isVoter(log.configuration, core.id) || !isSettled(core) || core.currentTerm > 0) return;",
  }),
];
