/** The checks of terms, commits and members accept short runs that are right, and refuse each deviation from them with its message. */

import { assertEquals } from "@std/assert";
import { type Entry, toTerm } from "../../../../../lib/raft/types.ts";
import { configurationEntry, configurationOf, logOf, snapshotAt } from "../../values.ts";
import { CommittedLog } from "../committed_log.ts";
import { Configurations } from "../configurations.ts";
import { CoreInvariants } from "../core_invariants.ts";
import { DisjointMajorities } from "../disjoint_majorities.ts";
import { ElectionSafety } from "../election_safety.ts";
import { LeaderCompleteness } from "../leader_completeness.ts";
import { Membership } from "../membership.ts";
import { Monotonic } from "../monotonic.ts";
import { QuorumAtCommit } from "../quorum_at_commit.ts";
import { StateMachineSafety } from "../state_machine_safety.ts";
import { entryId, MadeUpRun, MESSAGES } from "./made_up.ts";

function committed(terms: readonly number[]): CommittedLog {
  const log = new CommittedLog();
  for (const entry of logOf(terms)) log.append(entry);
  return log;
}

Deno.test("election safety: one leader in a term, and another one in the next", () => {
  const run = new MadeUpRun((violate) => new ElectionSafety(violate));
  run.step(1, { role: "Leader", term: 2 });
  run.step(2, { role: "Leader", term: 3 });
  run.step(1, {});
  assertEquals(run.found(), []);
  run.step(3, { role: "Leader", term: 3 });
  assertEquals(run.found(), ["nodes 2 and 3 both lead in term 3"]);
});

Deno.test("leader completeness: a new leader has what was committed, but for what a later one committed", () => {
  const run = new MadeUpRun((violate, shadows) =>
    new LeaderCompleteness({ log: committed([1, 2, 4]), shadows }, violate)
  );
  run.step(1, {});
  run.step(1, { write: logOf([1, 2]), term: 3, role: "Leader" });
  assertEquals(run.found(), []);
  run.step(2, {});
  run.step(2, { write: logOf([1, 1]), term: 3, role: "Leader" });
  assertEquals(run.found(), ["node 2 leads in term 3 without committed entry 2/2"]);
});

Deno.test("monotonic: a process begins in a term that no message of an earlier one was ahead of", () => {
  const run = new MadeUpRun((violate) => new Monotonic(violate));
  const ask = { type: "RequestVote", preVote: true, leadershipTransfer: false, from: 1, to: 2 } as const;
  run.step(1, { term: 2, update: { messages: [MESSAGES.appended(1, 2, { term: 2 })] } });
  // It is in no such term: a PreVote asks for the next one.
  const { index: lastLogIndex, term: lastLogTerm } = entryId(0, 0);
  run.step(1, { update: { messages: [{ ...ask, term: toTerm(9), lastLogIndex, lastLogTerm }] } });
  run.restart(1, { term: 2 });
  run.step(1, {});
  assertEquals(run.found(), []);
  run.restart(1, { term: 1 });
  run.step(1, {});
  assertEquals(run.found(), ["node 1 is in term 1 but has sent messages of term 2"]);
});

Deno.test("core invariants: a state and a step that are right, and a term that falls", () => {
  const run = new MadeUpRun((violate) => new CoreInvariants(violate));
  const hardState = { currentTerm: toTerm(2), votedFor: undefined };
  run.step(1, { term: 2, update: { hardState } });
  run.step(1, { write: logOf([1, 2]), commitIndex: 1 });
  assertEquals(run.found(), []);
  run.step(1, { commitIndex: 3 });
  assertEquals(run.found(), ["Server 1: an entry is committed that is not in the log"]);
  run.step(1, { commitIndex: 2 });
  assertEquals(run.found(), ["Server 1: the commit index fell"]);
  run.step(1, { term: 3 });
  assertEquals(run.found(), ["Server 1: a term or vote changed and is not written (B2)"]);
});

/** `holders` have every entry durably. */
function underQuorum(holders: readonly number[]): MadeUpRun {
  return new MadeUpRun((violate, shadows) =>
    new QuorumAtCommit({ shadows, holdsDurably: (id) => holders.includes(id) }, violate)
  );
}

Deno.test("quorum at commit: a majority of each set of voters has it, and a leader counts entries of its own term", () => {
  const run = underQuorum([1, 2, 4]);
  const [entry] = logOf([1]) as [Entry];
  run.step(1, {});
  run.commit(1, entry);
  run.step(1, { configuration: configurationOf([1, 2, 3], { votersOld: [1, 4, 5] }) });
  run.commit(1, entry);
  run.step(1, { write: logOf([1, 2]), role: "Leader", term: 2, commitIndex: 2 });
  assertEquals(run.found(), []);
});

Deno.test("quorum at commit: what was committed by one configuration may be applied when there is another", () => {
  const run = underQuorum([1, 2]);
  const [first, second] = logOf([1, 1]) as [Entry, Entry];
  run.step(1, { configuration: configurationOf([1, 2, 3]) });
  run.step(1, { write: logOf([1, 1]), commitIndex: 1 });
  run.step(1, { configuration: configurationOf([1, 4, 5], { votersOld: [1, 2, 3] }) });
  run.commit(1, first);
  assertEquals(run.found(), []);
  run.commit(1, second);
  assertEquals(run.found(), ["entry 2/1 is committed but durable only on 1 of 1,4,5"]);
});

Deno.test("quorum at commit: half, one of two majorities, learners, and an entry of an older term are not enough", () => {
  const run = underQuorum([1, 2]);
  const [entry] = logOf([1]) as [Entry];
  const cases = [
    [configurationOf([1, 2, 3, 4]), "1,2 of 1,2,3,4"],
    [configurationOf([1, 2, 3], { votersOld: [1, 4, 5] }), "1 of 1,4,5"],
    [configurationOf([1, 3, 4], { learners: [2] }), "1 of 1,3,4"],
    [configurationOf([3]), "none of 3"],
  ] as const;
  for (const [configuration, text] of cases) {
    run.step(1, { configuration });
    run.commit(1, entry);
    assertEquals(run.found(), [`entry 1/1 is committed but durable only on ${text}`]);
  }
  run.step(1, { write: logOf([1, 1]), role: "Leader", term: 2, commitIndex: 2 });
  assertEquals(run.found(), ["node 1 committed entry 2 of term 1 by counting in term 2"]);
});

Deno.test("state machine safety: every server applies the same entries in order, each once, and is the first with some", () => {
  const told: number[] = [];
  const log = new CommittedLog();
  const run = new MadeUpRun((violate) =>
    new StateMachineSafety({ log, committed: ({ index }) => void told.push(index) }, violate)
  );
  run.step(1, {});
  run.step(1, { write: logOf([1, 1]), apply: logOf([1, 1]) });
  run.step(2, { apply: logOf([1, 1, 2]) });
  run.restart(1, { log: logOf([1], 2), snapshot: entryId(1, 1) });
  run.step(1, { apply: logOf([1, 2], 2) });
  assertEquals(run.found(), []);
  assertEquals(told, [1, 2, 3]);
  run.step(1, { apply: logOf([2], 3) });
  assertEquals(run.found(), ["node 1 applies entry 3 after 3"]);
  run.step(3, { apply: logOf([1, 2]) });
  assertEquals(run.found(), ["node 3 applies 2/2 where 2/1 was applied before"]);
  run.step(2, { apply: logOf([2], 5) });
  assertEquals(run.found(), [
    "node 2 applies entry 5 after 3",
    "node 2 applies entry 5 but the log that is known ends at 3",
  ]);
});

const JOINT = configurationOf([1, 2, 4], { votersOld: [1, 2, 3] });

Deno.test("configurations: the last one of the log is in force, whatever is cut off, and voters change through a joint one", () => {
  const run = new MadeUpRun((violate) => new Configurations(violate));
  run.step(1, {});
  const joint = configurationEntry({ index: 1, term: 1 }, JOINT);
  run.step(1, { write: [joint], configuration: JOINT, configurationIndex: 1 });
  const after = configurationOf([1, 2, 4]);
  const left = configurationEntry({ index: 2, term: 1 }, after);
  run.step(1, { write: [left], configuration: after, configurationIndex: 2 });
  run.step(1, {
    message: MESSAGES.append(2, 1, { term: 2, prev: entryId(1, 1) }),
    write: logOf([2], 2),
    configuration: JOINT,
    configurationIndex: 1,
  });
  run.step(1, {
    event: { type: "SnapshotInstalled", snapshot: snapshotAt(entryId(9, 2)) },
    log: [],
    snapshot: entryId(9, 2),
    configuration: configurationOf([1, 2, 3]),
    configurationIndex: 9,
  });
  assertEquals(run.found(), []);
});

Deno.test("configurations: one that was cut off, an exchange in one step, and a snapshot without its own are refused", () => {
  const run = new MadeUpRun((violate) => new Configurations(violate));
  run.step(1, {});
  run.step(1, {
    write: [configurationEntry({ index: 1, term: 1 }, configurationOf([1, 2, 4]))],
    configuration: configurationOf([1, 2, 4]),
    configurationIndex: 1,
  });
  assertEquals(run.found(), ["node 1 exchanges voters at 1 without a joint configuration"]);
  run.step(1, { message: MESSAGES.append(2, 1, { term: 2, prev: entryId(0, 0) }), write: logOf([2]) });
  assertEquals(run.found(), ["node 1 goes by configuration 1, which was replaced from 1 on"]);
  run.step(1, {
    event: { type: "SnapshotInstalled", snapshot: snapshotAt(entryId(9, 2)) },
    log: [],
    snapshot: entryId(9, 2),
  });
  assertEquals(run.found(), ["node 1 has installed a snapshot at 9 without its configuration"]);
});

/** Server 1 leads in term 2 and has committed an entry of that term. */
function underMembership(): MadeUpRun {
  const run = new MadeUpRun((violate, shadows) => new Membership(shadows, violate));
  run.step(1, {});
  run.step(1, { write: logOf([1, 2]), role: "Leader", term: 2, commitIndex: 2 });
  return run;
}

Deno.test("membership: one change after the other, each after an entry of the leader's own term", () => {
  const run = underMembership();
  run.step(1, {
    write: [configurationEntry({ index: 3, term: 2 }, JOINT)],
    configuration: JOINT,
    configurationIndex: 3,
  });
  run.step(1, { commitIndex: 3 });
  const after = configurationOf([1, 2, 4]);
  run.step(1, {
    write: [configurationEntry({ index: 4, term: 2 }, after)],
    configuration: after,
    configurationIndex: 4,
  });
  // What a follower is sent it does not decide.
  run.step(2, {
    message: MESSAGES.append(1, 2, { term: 2, prev: entryId(0, 0) }),
    write: [configurationEntry({ index: 1, term: 2 }, JOINT)],
  });
  assertEquals(run.found(), []);
});

Deno.test("membership: two changes at once, one before the term is committed, and a leader that is no voter are refused", () => {
  const run = underMembership();
  run.step(1, {
    write: [configurationEntry({ index: 3, term: 2 }, JOINT)],
    configuration: JOINT,
    configurationIndex: 3,
  });
  run.step(1, { write: [configurationEntry({ index: 4, term: 2 }, JOINT)], configurationIndex: 4 });
  assertEquals(run.found(), ["node 1 appends configuration 4 while 3 is not committed"]);
  run.step(1, { configuration: configurationOf([2, 3, 4]), commitIndex: 4 });
  assertEquals(run.found(), ["node 1 leads on, and is no voter by the committed configuration 4"]);
  const early = underMembership();
  early.step(1, { term: 3, write: [configurationEntry({ index: 3, term: 3 }, JOINT)] });
  assertEquals(early.found(), ["node 1 appends configuration 3 before it has committed an entry of term 3"]);
});

/** Servers 1 and 2 go by voters 1 to 3, and 4 and 5 by voters 3 to 5, with longer logs. */
function dividedCluster(joint: boolean): MadeUpRun {
  const run = new MadeUpRun((violate, shadows) => new DisjointMajorities(shadows, violate));
  const later = { ...configurationOf([3, 4, 5]), votersOld: joint ? [1, 2, 3] : [] };
  for (const id of [1, 2, 3, 4, 5]) run.step(id, {});
  for (const id of [3, 4, 5]) run.step(id, { write: logOf([1, 1]), configuration: later, configurationIndex: 2 });
  return run;
}

Deno.test("disjoint majorities: of two that have none in common only one may be able to elect", () => {
  const run = dividedCluster(false);
  const flaw = "could both be elected, by majorities of 1,2,3| and of 3,4,5|";
  // Server 3 has a vote in both; of those that go by the first voters only who lacks nothing of what 3 holds could win with it.
  assertEquals(run.found().slice(0, 1), [`nodes 1 and 3 ${flaw}`]);
  run.step(2, { write: logOf([1, 1]) });
  assertEquals(run.found().some((line) => line.startsWith("nodes 1")), false);
  run.step(1, { write: logOf([1]) });
  assertEquals(run.found().some((line) => line.startsWith("nodes 1")), false);
  // What is not durable does not keep it from voting after a loss of power.
  run.step(2, { durableIndex: 1 });
  assertEquals(run.found().some((line) => line.startsWith("nodes 1")), true);
});

Deno.test("disjoint majorities: none while joint, none that a wiped server is needed for", () => {
  const joint = dividedCluster(true);
  joint.step(1, {});
  assertEquals(joint.found(), []);
  const wiped = dividedCluster(false);
  wiped.wipe(2);
  wiped.wipe(3);
  wiped.found();
  wiped.step(1, {});
  assertEquals(wiped.found(), []);
});
