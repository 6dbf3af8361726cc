import { assert, assertEquals, assertStrictEquals, assertThrows } from "./assertions.ts";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { RaftLog } from "../../../lib/raft/log.ts";
import { type Configuration, type Entry, type EntryId, toIndex, toTerm } from "../../../lib/raft/types.ts";
import { configurationOf } from "../../support/raft/values.ts";
import { ENTRY_HEAD_BYTES, Run } from "../../../lib/raft/run.ts";
import { entriesIn, runsOf } from "../../support/runs.ts";

const CONFIGURATION = configurationOf([1, 2, 3]);
const WIDE = { entriesPerMessageMax: 100, bytesPerMessageMax: 1_000 };

function id(index: number, term: number): EntryId {
  return { index: toIndex(index), term: toTerm(term) };
}

function command(index: number, term: number, text = "x"): Entry {
  return { type: "Command", ...id(index, term), command: text };
}

/** Entries of the given terms after `base`. */
function entriesOf(terms: readonly number[], base = 0): Entry[] {
  return terms.map((term, at) => command(base + at + 1, term));
}

function logOf(terms: readonly number[], base: EntryId = id(0, 0)): RaftLog {
  return new RaftLog({ base, configuration: CONFIGURATION, runs: runsOf(entriesOf(terms, base.index)) });
}

function configurationEntry(index: number, configuration: Configuration): Entry {
  return { type: "Configuration", ...id(index, 1), configuration };
}

Deno.test("an empty log ends with its base", () => {
  const log = logOf([], id(5, 2));
  assertEquals([log.firstIndex, log.lastIndex, log.lastTerm, log.durableIndex].map(Number), [6, 5, 2, 5]);
  assertEquals(log.run(6, WIDE), undefined);
});

Deno.test("terms are known from the base to the last entry", () => {
  const log = logOf([3, 3, 4], id(5, 2));
  assertEquals([4, 5, 6, 7, 8, 9].map((index) => log.termAt(index)), [undefined, 2, 3, 3, 4, undefined].map(asTerm));
});

function asTerm(term: number | undefined) {
  return term === undefined ? undefined : toTerm(term);
}

Deno.test("the bounds of a term are found wherever it lies", () => {
  const log = logOf([1, 1, 1, 4, 4, 5, 5, 5, 6]);
  assertEquals([1, 3, 4, 5, 6, 8, 9].map((index) => Number(log.firstIndexOfTerm(index))), [1, 1, 4, 4, 6, 6, 9]);
  assertEquals([1, 4, 5, 6].map((term) => Number(log.lastIndexOfTerm(term, 9))), [3, 5, 8, 9]);
  assertEquals([2, 3, 7].map((term) => log.lastIndexOfTerm(term, 9)), [undefined, undefined, undefined]);
  assertEquals(Number(log.lastIndexOfTerm(5, 7)), 7);
  assertEquals(logOf([3], id(5, 2)).lastIndexOfTerm(2, 3), undefined);
});

Deno.test("a run ends at a change of term and at each limit, and always has an entry", () => {
  const log = logOf([1, 1, 1, 1, 2, 2]);
  assertEquals(log.run(1, WIDE)?.count, 4);
  assertEquals(log.run(3, { ...WIDE, entriesPerMessageMax: 1 })?.count, 1);
  assertEquals(log.run(5, WIDE)?.count, 2);
  const bytes = new RaftLog({
    base: id(0, 0),
    configuration: CONFIGURATION,
    runs: runsOf([command(1, 1, "a".repeat(50)), command(2, 1, "b"), command(3, 1, "c".repeat(9))]),
  });
  assertEquals(bytes.run(1, { ...WIDE, bytesPerMessageMax: 10 })?.count, 1);
  assertEquals(bytes.run(2, { ...WIDE, bytesPerMessageMax: 20 })?.count, 2);
});

Deno.test("what was just appended, and a run asked for twice, are the same run", () => {
  const log = logOf([1, 1]);
  const appended = Run.of(entriesOf([1, 1], 2));
  assertStrictEquals(log.append(appended).run, appended);
  assertStrictEquals(log.run(3, WIDE), appended);
  assertStrictEquals(log.run(1, WIDE), log.run(1, WIDE));
});

Deno.test("a peer that lags gets several runs in one message, from the middle of one on", () => {
  const log = logOf([]);
  for (const first of [1, 4, 5, 8]) log.append(Run.of(entriesOf([2, 2, 2].slice(first === 4 ? 2 : 0), first - 1)));
  for (let from = 1; from <= 10; from++) {
    for (let entriesPerMessageMax = 1; entriesPerMessageMax <= 10; entriesPerMessageMax++) {
      const run = log.run(from, { ...WIDE, entriesPerMessageMax });
      const last = Math.min(10, from + entriesPerMessageMax - 1);
      assertEquals([run?.firstIndex, run?.lastIndex].map(Number), [from, last]);
      assertEquals(entriesIn(run), entriesIn(log.range(from, last)));
      log.append(Run.of(entriesOf([2], Number(log.lastIndex))));
      log.truncate(11);
    }
  }
});

Deno.test("a truncation and a drop may fall inside a run", () => {
  for (let cut = 2; cut <= 6; cut++) {
    const log = new RaftLog({ base: id(0, 0), configuration: CONFIGURATION, runs: [] });
    log.append(Run.of(entriesOf([1, 1, 1, 1, 1, 1])));
    log.truncate(cut);
    log.append(Run.of([command(cut, 2, "other"), command(cut + 1, 2)]));
    log.dropThrough(1);
    const left = [...entriesOf([1, 1, 1, 1, 1]).slice(1, cut - 1), command(cut, 2, "other"), command(cut + 1, 2)];
    assertEquals(entriesIn(log.range(2, cut + 1)), left);
    log.dropThrough(cut);
    assertEquals(entriesIn(log.range(cut + 1, cut + 1)), [command(cut + 1, 2)]);
    assertEquals([log.bytes, log.lastTerm, log.base.term].map(Number), [ENTRY_HEAD_BYTES + 1, 2, 2]);
  }
});

Deno.test("a run remembered from before a truncation is not handed out again", () => {
  const log = logOf([1, 1, 1]);
  assertEquals(log.run(2, WIDE)?.count, 2);
  log.truncate(2);
  log.append(Run.of([command(2, 2, "new")]));
  assertEquals(entriesIn(log.run(2, WIDE)), [command(2, 2, "new")]);
  log.append(Run.of([command(3, 2, "more")]));
  log.truncate(2);
  log.append(Run.of([command(2, 3, "newer"), command(3, 3, "newest")]));
  assertEquals(entriesIn(log.run(3, WIDE)), [command(3, 3, "newest")]);
  const other = logOf([1, 1, 1]);
  assertEquals(other.run(3, WIDE)?.count, 1);
  other.truncate(2);
  other.append(Run.of([command(2, 2, "new"), command(3, 2, "newer")]));
  assertEquals(entriesIn(other.run(3, WIDE)), [command(3, 2, "newer")]);
});

Deno.test("entries are appended in order of index and of term only", () => {
  const log = logOf([1, 2]);
  assertThrows(() => log.append(Run.of([command(4, 2)])), AssertionFailure);
  assertThrows(() => log.append(Run.of([command(2, 2)])), AssertionFailure);
  assertThrows(() => log.append(Run.of([command(3, 1)])), AssertionFailure);
  assertThrows(() => log.append(Run.of([])), AssertionFailure);
});

Deno.test("a truncation takes the tail, its bytes and its configurations", () => {
  const log = logOf([1, 1]);
  log.append(Run.of([configurationEntry(3, configurationOf([1, 2]))]));
  log.append(Run.of([configurationEntry(4, configurationOf([1]))]));
  assertEquals([log.configuration.voters, log.configurationIndex], [[1], 4]);
  assertEquals(log.previousConfiguration?.voters, [1, 2]);
  log.truncate(4);
  assertEquals([log.configuration.voters, log.configurationIndex], [[1, 2], 3]);
  log.truncate(2);
  assertEquals([log.configuration.voters, log.configurationIndex, log.bytes], [[1, 2, 3], 0, ENTRY_HEAD_BYTES + 1]);
  assertEquals(Number(log.lastIndex), 1);
});

Deno.test("dropping a prefix keeps what follows, and the configuration it covered", () => {
  const log = logOf([1, 1]);
  log.append(Run.of([configurationEntry(3, configurationOf([1, 2]))]));
  log.append(Run.of(entriesOf([1, 1, 1, 1, 1, 1, 1], 3)));
  for (const last of [2, 3, 5, 9]) {
    log.dropThrough(last);
    assertEquals([log.firstIndex, log.lastIndex].map(Number), [last + 1, 10]);
    assertEquals(log.bytes, log.range(last + 1, 10).reduce((sum, run) => sum + run.bytes, 0));
    assertEquals(log.configuration.voters, [1, 2]);
    assertEquals(entriesIn(log.range(last + 1, 10)).map((entry) => Number(entry.index))[0], last + 1);
  }
  log.dropThrough(4);
  assertEquals(Number(log.firstIndex), 10);
  assertThrows(() => log.range(9, 10), AssertionFailure);
});

Deno.test("a reset leaves nothing but the snapshot's last entry and configuration", () => {
  const log = logOf([1, 1, 1]);
  const write = log.append(Run.of([command(4, 1)]));
  log.reset(id(20, 3), configurationOf([7]));
  assertEquals([log.firstIndex, log.lastIndex, log.lastTerm, log.durableIndex].map(Number), [21, 20, 3, 20]);
  assertEquals([log.configuration.voters, log.bytes], [[7], 0]);
  log.append(Run.of([command(21, 3)]));
  // The write of the discarded log completes late.
  log.persisted(write.number, id(4, 1));
  assertEquals(Number(log.durableIndex), 20);
});

Deno.test("writes become durable in order, and a truncated one proves only what is left of it", () => {
  const log = logOf([1]);
  const first = log.append(Run.of([command(2, 1), command(3, 1)]));
  const second = log.append(Run.of([command(4, 1)]));
  log.truncate(3);
  const third = log.append(Run.of([command(3, 2), command(4, 2)]));
  assertEquals([first.number, second.number, third.number], [1, 2, 3]);
  log.persisted(2, id(4, 1));
  assertEquals(Number(log.durableIndex), 2);
  log.persisted(3, id(4, 2));
  assertEquals(Number(log.durableIndex), 4);
});

Deno.test("a completion must name a write that was begun, and its own last entry", () => {
  const log = logOf([1]);
  const write = log.append(Run.of([command(2, 1)]));
  assertThrows(() => log.persisted(write.number + 1, id(2, 1)), AssertionFailure);
  assertThrows(() => log.persisted(write.number, id(2, 2)), AssertionFailure);
  log.persisted(write.number, id(2, 1));
  log.persisted(write.number, id(2, 1));
  assert(log.durableIndex === log.lastIndex);
});
