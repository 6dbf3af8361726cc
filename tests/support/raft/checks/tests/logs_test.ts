/** The checks of logs accept short runs that are right, and refuse each deviation from them with its message. */

import { assertEquals } from "@std/assert";
import { toIndex } from "../../../../../lib/raft/types.ts";
import { configurationEntry, configurationOf, logOf, snapshotAt } from "../../values.ts";
import { DurableWrites } from "../durable_writes.ts";
import { LogMatching } from "../log_matching.ts";
import { SentEntries } from "../sent_entries.ts";
import { entryId, MadeUpRun, MESSAGES } from "./made_up.ts";

const LOG = logOf([1, 1, 2, 2]);

/** Server 1 leads in term 2 with entries 1/1, 2/1, 3/2, 4/2. */
function leaderUnderSentEntries(): MadeUpRun {
  const run = new MadeUpRun((violate, shadows) => new SentEntries(shadows, violate));
  run.step(1, {});
  run.step(1, { write: LOG, role: "Leader", term: 2 });
  return run;
}

Deno.test("sent entries: those of the log, behind the entry before them, whole or in part, or none", () => {
  const run = leaderUnderSentEntries();
  const sends = [
    { prev: entryId(0, 0), entries: LOG.slice(0, 2) },
    { prev: entryId(1, 1), entries: LOG.slice(1, 2) },
    { prev: entryId(2, 1), entries: LOG.slice(2) },
    { prev: entryId(4, 2) },
  ];
  run.step(1, { update: { messages: sends.map((what) => MESSAGES.append(1, 2, { term: 2, ...what })) } });
  assertEquals(run.found(), []);
});

Deno.test("sent entries: behind the entry at which the log begins, whose term nobody told", () => {
  const run = new MadeUpRun((violate, shadows) => new SentEntries(shadows, violate));
  run.step(1, { log: LOG.slice(2), role: "Leader", term: 2 });
  const send = (prev: { index: number; term: number }) =>
    run.step(1, { update: { messages: [MESSAGES.append(1, 2, { term: 2, prev: entryId(prev.index, prev.term) })] } });
  send({ index: 2, term: 1 });
  assertEquals(run.found(), []);
  send({ index: 1, term: 1 });
  assertEquals(run.found(), ["node 1 sends what follows entry 1/1, which is not in its log"]);
});

Deno.test("sent entries: what was replaced, what is not there, what follows something else, and another term are refused", () => {
  const cases = [
    [{ prev: entryId(2, 1), entries: logOf([1, 1], 3) }, "entry 3 of term 1, which is not in its log"],
    [{ prev: entryId(2, 1), entries: logOf([2, 2, 2], 3) }, "entry 5 of term 2, which is not in its log"],
    [{ prev: entryId(1, 1), entries: LOG.slice(2) }, "entry 3 as what follows 1"],
    [{ prev: entryId(3, 1), entries: LOG.slice(3) }, "what follows entry 3/1, which is not in its log"],
    [{ prev: entryId(5, 2) }, "what follows entry 5/2, which is not in its log"],
  ] as const;
  for (const [what, flaw] of cases) {
    const run = leaderUnderSentEntries();
    run.step(1, { update: { messages: [MESSAGES.append(1, 2, { term: 2, ...what })] } });
    assertEquals(run.found(), [`node 1 sends ${flaw}`]);
  }
});

/** Server 1 has begun to write entries 1 to 4, and then others from 3 on: writes 1 and 2, none durable. */
function writerUnderDurableWrites(): MadeUpRun {
  const run = new MadeUpRun((violate) => new DurableWrites(violate));
  run.step(1, { durableIndex: 0 });
  run.step(1, { write: logOf([1, 1, 1, 1]), durableIndex: 0 });
  run.step(1, { write: logOf([2, 2], 3), durableIndex: 0, term: 2 });
  return run;
}

function persisted(write: number): { type: "Persisted"; write: number; last: { index: never; term: never } } {
  return { type: "Persisted", write, last: entryId(0, 0) as never };
}

Deno.test("durable writes: a write proves what of it still stands, and the next one the rest", () => {
  const run = writerUnderDurableWrites();
  run.step(1, { event: persisted(1), durableIndex: 2 });
  run.step(1, { event: persisted(2), durableIndex: 4 });
  run.step(1, { write: logOf([2], 5), durableIndex: 4 });
  run.step(1, { event: { type: "SnapshotTaken", snapshot: snapshotAt(entryId(5, 2)), keepFrom: 6 }, durableIndex: 5 });
  run.restart(1);
  run.step(1, { durableIndex: 5 });
  assertEquals(run.found(), []);
});

Deno.test("durable writes: an older write at the same index, one that is under way, and none at all prove nothing", () => {
  const cases = [
    [{ event: persisted(1), durableIndex: 4 }, 4, 2],
    [{ event: persisted(1), durableIndex: 3 }, 3, 2],
    [{ durableIndex: 1 }, 1, 0],
    [{ event: persisted(2), write: logOf([3], 2), term: 3, durableIndex: 2 }, 2, 1],
  ] as const;
  for (const [step, index, durable] of cases) {
    const run = writerUnderDurableWrites();
    run.step(1, step);
    assertEquals(run.found(), [`node 1 takes entry ${index} for durable, but only ${durable} are`]);
  }
});

Deno.test("log matching: the same entries on several servers, and others in their place in a later term", () => {
  const run = new MadeUpRun((violate, shadows) => new LogMatching(shadows, violate));
  run.step(1, { write: logOf([1, 1, 1]) });
  run.step(2, { write: logOf([1, 1]) });
  run.step(2, { write: logOf([2], 3), term: 2 });
  run.step(1, { write: logOf([2], 3), term: 2 });
  assertEquals(run.found(), []);
});

Deno.test("log matching: another command, another configuration and another entry before it are refused", () => {
  const run = new MadeUpRun((violate, shadows) => new LogMatching(shadows, violate));
  const configured = configurationEntry({ index: 3, term: 2 }, configurationOf([1, 2, 3]));
  const start = () => run.step(1, { write: [...logOf([1, 1]), configured], term: 2 });
  start();
  run.step(2, { write: [{ type: "Command", ...entryId(1, 1), command: "other" }] });
  assertEquals(run.found(), ["entry 1 of term 1 differs on node 2: other"]);
  run.step(3, { write: logOf([1, 2]), term: 2 });
  run.step(3, { write: [configured] });
  assertEquals(run.found(), ["what stands before entry 3 of term 2 differs on node 3"]);
  run.step(4, { write: [...logOf([1, 1]), configurationEntry({ index: 3, term: 2 }, configurationOf([1, 2]))] });
  assertEquals(run.found().map((text) => text.slice(0, 36)), ["entry 3 of term 2 differs on node 4:"]);
});

/** Server 1 has entries 1/1 to 3/1, of which two are durable. */
function runOfShadows(): MadeUpRun {
  const run = new MadeUpRun(() => ({ name: "none" }));
  run.step(1, {});
  run.step(1, { write: logOf([1, 1, 1]), durableIndex: 2 });
  return run;
}

Deno.test("recovered log: what was durable comes back, what was not may be lost, and a wiped server has promised nothing", () => {
  const run = runOfShadows();
  run.restart(1, { log: logOf([1, 1]), durableIndex: 2 });
  run.step(1, {});
  run.step(1, { event: installed(5), snapshot: entryId(5, 2), log: [], durableIndex: 5, commitIndex: 5, term: 2 });
  run.wipe(1);
  run.step(1, {});
  assertEquals(run.found(), []);
});

Deno.test("recovered log: durable entries that are lost or replaced, entries from nowhere and unwritten changes are refused", () => {
  const lost = runOfShadows();
  lost.restart(1, { log: logOf([1]), durableIndex: 1 });
  lost.step(1, {});
  assertEquals(lost.found(), ["node 1 recovered 1 entries of 2 durable ones"]);

  const replaced = runOfShadows();
  replaced.restart(1, { log: logOf([1, 2]), durableIndex: 2, term: 2 });
  replaced.step(1, {});
  assertEquals(replaced.found(), ["node 1 recovered another entry 2 than the one that was durable"]);

  const longer = runOfShadows();
  longer.step(1, { durableIndex: 3 });
  longer.restart(1, { log: logOf([1, 1, 1, 1]), durableIndex: 4 });
  longer.step(1, {});
  assertEquals(longer.found(), ["node 1 recovered entry 4, and its log ended with 3"]);

  const unwritten = runOfShadows();
  unwritten.step(1, { log: logOf([1, 1]) });
  assertEquals(unwritten.found(), ["node 1 holds another log than it wrote"]);

  const kept = runOfShadows();
  kept.step(1, { event: installed(2), snapshot: entryId(2, 2), log: logOf([1], 3) });
  assertEquals(kept.found(), ["node 1 keeps its log up to 3, which contradicts the snapshot at 2"]);
});

function installed(index: number): { type: "SnapshotInstalled"; snapshot: ReturnType<typeof snapshotAt> } {
  return { type: "SnapshotInstalled", snapshot: snapshotAt({ index: toIndex(index), term: 2 }) };
}
