/** Every check that needs nothing but cores: the random clusters, the paper's tests and the simulator use the same ones. */

import type { EntryId, NodeId } from "../../../../lib/raft/types.ts";
import type { RaftCheck, Violate } from "./check.ts";
import type { CommittedLog } from "./committed_log.ts";
import { Configurations } from "./configurations.ts";
import { CoreInvariants } from "./core_invariants.ts";
import { CountedAnswers } from "./counted_answers.ts";
import { DisjointMajorities } from "./disjoint_majorities.ts";
import { DurableWrites } from "./durable_writes.ts";
import { ElectionSafety } from "./election_safety.ts";
import { FollowersWord } from "./followers_word.ts";
import { LeaderCompleteness } from "./leader_completeness.ts";
import { LogMatching } from "./log_matching.ts";
import { Membership } from "./membership.ts";
import { Monotonic } from "./monotonic.ts";
import { QuorumAtCommit } from "./quorum_at_commit.ts";
import { ReadIndexes } from "./read_index.ts";
import { ReadRounds } from "./read_rounds.ts";
import { SentEntries } from "./sent_entries.ts";
import type { Shadows } from "./shadow.ts";
import { StateMachineSafety } from "./state_machine_safety.ts";

/** What the checks look at besides the steps. */
export interface RaftChecksParts {
  readonly shadows: Shadows;
  readonly committedLog: CommittedLog;
  /** Whether an entry is durable on a server, or covered by its snapshot. */
  holdsDurably(id: NodeId, entry: EntryId): boolean;
  /** Hears of each entry that is applied for the first time. */
  readonly committed: Required<RaftCheck>["committed"];
}

/** All checks, in the order in which they must be told: the first follows the logs into which the others look. */
export function raftChecks(parts: RaftChecksParts, violateAs: (check: string) => Violate): readonly RaftCheck[] {
  const { shadows, committedLog: log, committed } = parts;
  return [
    shadows,
    new ElectionSafety(violateAs("election-safety")),
    new LogMatching(shadows, violateAs("log-matching")),
    new LeaderCompleteness({ log, shadows }, violateAs("leader-completeness")),
    new StateMachineSafety({ log, committed }, violateAs("state-machine-safety")),
    new QuorumAtCommit(parts, violateAs("quorum-at-commit")),
    new ReadIndexes(log, violateAs("read-index")),
    new CoreInvariants(violateAs("core-invariants")),
    new Monotonic(violateAs("monotonic")),
    new Membership(shadows, violateAs("membership")),
    new DisjointMajorities(shadows, violateAs("disjoint-majorities")),
    new ReadRounds(violateAs("read-rounds")),
    new CountedAnswers(violateAs("counted-answers")),
    new FollowersWord(shadows, violateAs("followers-word")),
    new Configurations(violateAs("configurations")),
    new SentEntries(shadows, violateAs("sent-entries")),
    new DurableWrites(violateAs("durable-writes")),
  ];
}
