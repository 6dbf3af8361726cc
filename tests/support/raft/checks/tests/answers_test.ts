/** The checks of what servers tell each other accept what is so, and refuse what is counted, acknowledged or confirmed too early. */

import { assertEquals } from "@std/assert";
import { EMPTY_CONFIGURATION, toIndex } from "../../../../../lib/raft/types.ts";
import { configurationOf, logOf } from "../../values.ts";
import { CommittedLog } from "../committed_log.ts";
import { CountedAnswers } from "../counted_answers.ts";
import { FollowersWord } from "../followers_word.ts";
import { ReadIndexes } from "../read_index.ts";
import { ReadRounds } from "../read_rounds.ts";
import { entryId, MadeUpRun, type MadeUpStep, MESSAGES } from "./made_up.ts";

const { append, appended, vote, question, answer } = MESSAGES;

function underCountedAnswers(): MadeUpRun {
  return new MadeUpRun((violate) => new CountedAnswers(violate));
}

/** A candidate of term 2 that wins with the vote of server 3. */
function electedOne(): MadeUpRun {
  const run = underCountedAnswers();
  run.step(1, { role: "Candidate", term: 2 });
  run.step(1, { message: vote(3, 1, 2), role: "Leader", write: logOf([1, 1, 2]) });
  return run;
}

Deno.test("counted answers: a leader by the votes, and counting what was acknowledged, of its own term", () => {
  const run = electedOne();
  run.step(1, { message: appended(2, 1, { term: 2, matchIndex: 2 }), matches: new Map([[2, 2], [3, 0]]) });
  run.step(1, { message: appended(2, 1, { term: 2 }), matches: new Map([[2, 2], [3, 0]]) });
  run.step(1, { message: appended(3, 1, { term: 2, matchIndex: 3 }), matches: new Map([[2, 2], [3, 3]]) });
  assertEquals(run.found(), []);
});

Deno.test("counted answers: votes of an older term, PreVotes, and one of two majorities make no leader", () => {
  const asks = { ...vote(3, 1, 2), preVote: true };
  const joint = configurationOf([1, 2, 3], { votersOld: [1, 4, 5] });
  const cases: readonly (readonly [MadeUpStep, string])[] = [
    [{ message: vote(3, 1, 1) }, "1 out of 1,2,3"],
    [{ message: asks }, "1 out of 1,2,3"],
    [{ message: vote(4, 1, 2) }, "1 out of 1,2,3"],
    [{ message: vote(3, 1, 2), configuration: joint }, "1 out of 1,4,5"],
  ];
  for (const [step, votes] of cases) {
    const run = underCountedAnswers();
    run.step(1, { role: "Candidate", term: 2 });
    run.step(1, { ...step, role: "Leader" });
    assertEquals(run.found(), [`node 1 leads in term 2 by the votes of ${votes}`]);
  }
});

Deno.test("counted answers: what was acknowledged in another term, or by the directory before, is not counted", () => {
  const older = electedOne();
  older.step(1, { message: appended(2, 1, { term: 1, matchIndex: 2 }), matches: new Map([[2, 2]]) });
  assertEquals(older.found(), ["node 1 counts 2 entries on node 2, which acknowledged 0 in term 2"]);

  const more = electedOne();
  more.step(1, { message: appended(2, 1, { term: 2, matchIndex: 2 }), matches: new Map([[2, 3]]) });
  assertEquals(more.found(), ["node 1 counts 3 entries on node 2, which acknowledged 2 in term 2"]);

  const wiped = electedOne();
  const matches = new Map([[2, 3]]);
  wiped.step(1, { message: appended(2, 1, { term: 2, matchIndex: 3 }), matches });
  const { members, ...rest } = configurationOf([1, 2, 3]);
  const renamed = members.map((member) => member.id === 2 ? { ...member, identity: "another" } : member);
  wiped.step(1, { message: appended(2, 1, { term: 2 }), matches, configuration: { ...rest, members: renamed } });
  assertEquals(wiped.found(), ["node 1 counts 3 entries on node 2, which acknowledged 0 in term 2"]);
});

/** Server 1 leads in term 2 with entries 1/1, 2/2, 3/2; server 2 follows with 1/1, 2/1. */
function leaderAndFollower(): MadeUpRun {
  const run = new MadeUpRun((violate, shadows) => new FollowersWord(shadows, violate));
  run.step(1, {});
  run.step(1, { role: "Leader", term: 2, write: logOf([1, 2, 2]) });
  run.step(2, {});
  run.step(2, { term: 2, write: logOf([1, 1]), commitIndex: 1 });
  return run;
}

Deno.test("followers' word: what equals the leader's log is acknowledged, what is not committed refused, and voters are known", () => {
  const run = leaderAndFollower();
  run.step(2, { update: { durableMessages: [appended(2, 1, { term: 2, matchIndex: 1 }), vote(2, 3, 2)] } });
  const message = append(1, 2, { term: 2, prev: entryId(2, 2) });
  run.step(2, { message, update: { durableMessages: [appended(2, 1, { term: 2 })] } });
  // To a leader of before, whose log may have gone on.
  run.step(2, { term: 3, update: { durableMessages: [appended(2, 1, { term: 3, matchIndex: 2 })] } });
  assertEquals(run.found(), []);
});

Deno.test("followers' word: another entry acknowledged, a committed one refused, and a vote without voters are refused", () => {
  const run = leaderAndFollower();
  run.step(2, { update: { durableMessages: [appended(2, 1, { term: 2, matchIndex: 2 })] } });
  assertEquals(run.found(), ["node 2 acknowledges entry 2 to node 1, whose log differs there"]);
  const message = append(1, 2, { term: 2, prev: entryId(1, 1) });
  run.step(2, { message, update: { durableMessages: [appended(2, 1, { term: 2 })] } });
  assertEquals(run.found(), ["node 2 refuses what follows entry 1, and knows it for committed up to 1"]);
  run.step(3, { term: 2, configuration: EMPTY_CONFIGURATION, update: { durableMessages: [vote(3, 1, 2)] } });
  assertEquals(run.found(), ["node 3 votes for 1 in term 2 and knows no voters"]);
});

/** Server 1 leads three or five; round 1 is sent before read 7 is asked for, round 2 after it. */
function readingLeader(voters: readonly number[]): MadeUpRun {
  const run = new MadeUpRun((violate) => new ReadRounds(violate));
  const round = (number: number) => [append(1, 2, { term: 2, prev: entryId(0, 0), round: number })];
  run.step(1, { role: "Leader", term: 2, configuration: configurationOf(voters), update: { messages: round(1) } });
  run.step(1, { event: { type: "Read", id: 7 } });
  run.step(1, { update: { messages: round(2) } });
  return run;
}

const CONFIRMED = { confirmedReads: [{ id: 7, index: toIndex(0), timeMs: 0 }] };

Deno.test("read rounds: a majority has answered what was sent after the read, or an asker and its leader are that majority", () => {
  const run = readingLeader([1, 2, 3]);
  run.step(1, { message: appended(2, 1, { term: 2, matchIndex: 0, round: 2 }), update: CONFIRMED });
  const message = answer(1, 2, { term: 2, token: 1, readIndex: 0 });
  run.step(2, { term: 2, update: { messages: [question(2, 1, { term: 2, token: 1 })] } });
  run.step(1, { message: question(2, 1, { term: 2, token: 1 }), update: { messages: [message] } });
  run.step(2, { message, update: CONFIRMED });
  assertEquals(run.found(), []);
});

Deno.test("read rounds: a round that leaves when the hard state is durable counts, for reads from before it alone", () => {
  const durableMessages = [append(1, 2, { term: 2, prev: entryId(0, 0), round: 3 })];
  const run = readingLeader([1, 2, 3]);
  run.step(1, { update: { durableMessages } });
  run.step(1, { message: appended(2, 1, { term: 2, matchIndex: 0, round: 3 }), update: CONFIRMED });
  assertEquals(run.found(), []);
  run.step(1, { event: { type: "Read", id: 7 } });
  run.step(1, { message: appended(2, 1, { term: 2, matchIndex: 0, round: 3 }), update: CONFIRMED });
  assertEquals(run.found(), ["node 1 confirms read own 7: since it was asked for, only 1 of 1,2,3 have answered"]);
});

Deno.test("read rounds: older rounds, older terms, too few answers and answers from before a pause confirm nothing", () => {
  const late = (round: number, term = 2) => appended(2, 1, { term, matchIndex: 0, round });
  const cases: readonly (readonly [readonly number[], MadeUpStep, string])[] = [
    [[1, 2, 3], { message: late(1) }, "1 of 1,2,3"],
    [[1, 2, 3], { message: late(2, 1) }, "1 of 1,2,3"],
    [[1, 2, 3], {}, "1 of 1,2,3"],
    [[1, 2, 3, 4, 5], { message: late(2) }, "1,2 of 1,2,3,4,5"],
    [[1, 2, 3, 4], { message: late(2) }, "1,2 of 1,2,3,4"],
  ];
  for (const [voters, step, following] of cases) {
    const run = readingLeader(voters);
    run.step(1, { ...step, update: CONFIRMED });
    assertEquals(run.found(), [
      `node 1 confirms read own 7: since it was asked for, only ${following} have answered`,
    ]);
  }
  const paused = readingLeader([1, 2, 3]);
  paused.step(1, { message: late(2) });
  paused.step(1, { event: { type: "Stalled" } });
  paused.step(1, { update: CONFIRMED });
  assertEquals(paused.found(), ["node 1 confirms read own 7: since it was asked for, only 1 of 1,2,3 have answered"]);
});

Deno.test("read rounds: a question's name is used once, and only the process that asked takes its answer", () => {
  const run = readingLeader([1, 2, 3]);
  const asks = { update: { messages: [question(2, 1, { term: 2, token: 1 })] } };
  run.step(2, asks);
  run.step(2, asks);
  assertEquals(run.found(), ["node 2 asks question 1 of node 2 in life 2 for a second time"]);
  run.restart(2);
  run.step(2, { message: answer(1, 2, { term: 2, token: 1, readIndex: 0 }), update: CONFIRMED });
  assertEquals(run.found(), [
    "node 2 takes the answer to question 1 of node 2 in life 2, which an earlier process asked",
  ]);
});

Deno.test("read indexes: a read covers what was committed when it was asked for, and was asked for", () => {
  const log = new CommittedLog();
  for (const entry of logOf([1, 1])) log.append(entry);
  const run = new MadeUpRun((violate) => new ReadIndexes(log, violate));
  const confirm = (id: number, index: number) =>
    run.step(1, { update: { confirmedReads: [{ id, index: toIndex(index), timeMs: 0 }] } });
  for (const id of [7, 8]) run.step(1, { event: { type: "Read", id } });
  for (const entry of logOf([1], 3)) log.append(entry);
  confirm(7, 2);
  assertEquals(run.found(), []);
  confirm(8, 1);
  assertEquals(run.found(), ["node 1 confirmed a read at 1, but 2 was committed before it was asked"]);
  confirm(7, 3);
  assertEquals(run.found(), ["node 1 confirmed read 7, which was not asked for"]);
});
