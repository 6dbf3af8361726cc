/** Planted bugs that one check over cores is there for, and would be missed without it. */

import { type Mutation, slip } from "./mutation.ts";

/** In the order of their numbers. */
export const JUDGE_SLIPS: readonly Mutation[] = [
  slip("M400", "A message begins where the run of its first entry begins, and names the entry before another one", {
    file: "lib/raft/log.ts",
    find: "let part = first.slice(from, first.lastWithin(from, limits));",
    replace: "let part = first.slice(first.firstIndex, first.lastWithin(from, limits));",
  }),
  slip("M401", "A leader names the entry before those that it sends by the term of its last one", {
    file: "lib/raft/replication.ts",
    find: "  const prevLogTerm = log.termAt(prevLogIndex);\n",
    replace: "  const prevLogTerm = log.termAt(prevLogIndex) && log.lastTerm;\n",
  }),
  slip("M402", "The completion of a write proves the one after it durable too", {
    file: "lib/raft/durability.ts",
    find: "      if (write.number > number) break;\n",
    replace: "      if (write.number > number + 1) break;\n",
  }),
  slip("M403", "A server begins in the term of its last entry, whatever term it was in before", {
    file: "lib/raft/start.ts",
    find: "const currentTerm: Term = behind ? log.lastTerm : hardState.currentTerm;",
    replace: "const currentTerm: Term = log.lastTerm > 0 ? log.lastTerm : hardState.currentTerm;",
  }),
];
