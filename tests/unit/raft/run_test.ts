/** Runs: entries as bytes, read again as they were written, cut and joined without being encoded anew. */

import { assertEquals, assertStrictEquals, assertThrows } from "./assertions.ts";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { Random } from "../../../lib/base/random.ts";
import { decodeCommands, encodeCommands, ENTRY_HEAD_BYTES, Run, splitFirst } from "../../../lib/raft/run.ts";
import { type Configuration, type Entry, type EntryId, toIndex, toTerm } from "../../../lib/raft/types.ts";

const FIRST: EntryId = { index: toIndex(4), term: toTerm(2) };
const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");

function command(index: number, text: string): Entry {
  return { type: "Command", index: toIndex(index), term: FIRST.term, command: text };
}

function configuration(index: number, address = "a:1"): Entry {
  const member = { id: 1, address, clientAddress: address, identity: "" };
  const content: Configuration = { members: [member], voters: [1], votersOld: [], learners: [] };
  return { type: "Configuration", index: toIndex(index), term: FIRST.term, configuration: content };
}

/** Entries of every kind, from index 4 on. */
const MIXED: readonly Entry[] = [
  command(4, ""),
  configuration(5),
  command(6, EVERY_BYTE),
  { type: "NoOp", index: toIndex(7), term: FIRST.term },
  command(8, "x".repeat(70_000)),
  configuration(9, "b:1"),
];

Deno.test("what is written is read again, the bytes kept as they are", () => {
  const run = Run.of(MIXED);
  const read = Run.parse(run.first, run.body);
  assertEquals(read, run);
  assertStrictEquals(read?.body, run.body);
  assertEquals(run.entries(), MIXED);
  assertEquals([run.firstIndex, run.lastIndex, run.term, run.count].map(Number), [4, 9, 2, 6]);
  assertEquals(run.configurations.map(({ index }) => Number(index)), [5, 9]);
});

Deno.test("commands of one proposal are read one by one as they were, whatever their lengths and bytes", () => {
  const random = new Random(3);
  for (let round = 0; round < 200; round++) {
    const commands = Array.from({ length: random.between(1, 40) }, () => {
      const length = random.chance(0.1) ? random.below(6_000) : random.below(300);
      return EVERY_BYTE.repeat(Math.ceil(length / 256) + 1).slice(round, round + length);
    });
    const encoded = encodeCommands(commands);
    assertEquals(encoded.count, commands.length);
    assertEquals(decodeCommands(encoded), commands);
  }
});

Deno.test("commands that are in the form of a run already stand in a proposal as they are, between others", () => {
  const [first, second] = [encodeCommands(["b", "", "\x00\xff".repeat(200)]), encodeCommands(["d"])];
  const encoded = encodeCommands(["a", first, "c", "", second, second]);
  assertEquals(encoded.count, 8);
  assertEquals(decodeCommands(encoded), ["a", "b", "", "\x00\xff".repeat(200), "c", "", "d", "d"]);
  assertStrictEquals(encodeCommands([first]).body, first.body);
});

Deno.test("the first command of a run is taken from those behind it", () => {
  const [first, rest] = splitFirst(encodeCommands(["a", "b", "c"]));
  assertEquals([first, rest !== undefined && typeof rest === "object" && decodeCommands(rest)], ["a", ["b", "c"]]);
  assertEquals(rest !== undefined && typeof rest === "object" && rest.count, 2);
  assertEquals(splitFirst(encodeCommands(["a"])), ["a", undefined]);
  assertEquals(splitFirst("a"), ["a", undefined]);
});

Deno.test("addresses beyond a byte a character survive the log", () => {
  for (const address of ["node:1", "h\u00fcgel:1", "\u4e16\u754c:1", "\u0141\u010a:1", "\ud83d\ude00:1", "\ud800:1"]) {
    const entries = [command(4, "\x00\xff\\u0141"), configuration(5, address)];
    const { first, body } = Run.of(entries);
    assertEquals(Run.parse(first, body)?.entries(), entries, JSON.stringify(address));
  }
});

Deno.test("what a configuration holds beyond its fields is not taken", () => {
  const member = { id: 1, address: "a:1", clientAddress: "a:1", identity: "" };
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const text = `{"members":[${JSON.stringify(member).replace("}", `,"more":${deep}}`)}],` +
    '"voters":[1],"votersOld":[],"learners":[],"more":1}';
  const { body } = encodeCommands([text]);
  body[0] = "F".charCodeAt(0);
  assertEquals(Run.parse(FIRST, body)?.entries(), [configuration(4)]);
});

Deno.test("bytes that are no entries are no run", () => {
  const whole = Run.of([command(4, "ab"), command(5, "c")]).body;
  for (let length = 0; length < whole.length; length++) {
    const first = length === ENTRY_HEAD_BYTES + 2;
    assertEquals(Run.parse(FIRST, whole.slice(0, length))?.count, first ? 1 : undefined, `cut at ${length}`);
  }
  for (const text of ["c\0\0\0\0", "N\x01\0\0\0x", "F\0\0\0\0", "F\x02\0\0\0{}", "C\0\0\0\xff", "C\xff\xff\xff\xff"]) {
    assertEquals(Run.parse(FIRST, stringToBytes(text)), undefined, JSON.stringify(text));
  }
  const last = { index: toIndex(Number.MAX_SAFE_INTEGER), term: FIRST.term };
  assertEquals(Run.parse(last, whole), undefined);
});

Deno.test("a run of entries that do not follow each other cannot be made", () => {
  assertThrows(() => Run.of([]), AssertionFailure);
  assertThrows(() => Run.of([command(4, "a"), command(6, "b")]), AssertionFailure);
  assertThrows(() => Run.of([command(4, "a"), { ...command(5, "b"), term: toTerm(3) }]), AssertionFailure);
  assertThrows(() => Run.join([Run.of([command(4, "a")]), Run.of([command(6, "b")])]), AssertionFailure);
  assertThrows(() => Run.of(MIXED).slice(3, 4), AssertionFailure);
  assertThrows(() => Run.of(MIXED).slice(9, 10), AssertionFailure);
});

Deno.test("every part of a run is the run of its entries, shares the bytes, and joined they are the whole", () => {
  const whole = Run.of(MIXED);
  for (let from = 4; from <= 9; from++) {
    for (let to = from; to <= 9; to++) {
      const part = whole.slice(from, to);
      assertEquals(part.entries(), MIXED.slice(from - 4, to - 3));
      assertEquals(part.bytes, whole.bytesBetween(from, to));
      assertStrictEquals(part.body.buffer, whole.body.buffer);
      assertEquals(part.slice(to, to).entries(), MIXED.slice(to - 4, to - 3));
    }
  }
  assertStrictEquals(whole.slice(4, 9), whole);
  for (let cut = 5; cut <= 9; cut++) assertEquals(Run.join([whole.slice(4, cut - 1), whole.slice(cut, 9)]), whole);
});

Deno.test("a message holds as many entries as its limits allow, and always one", () => {
  const random = new Random(7);
  for (let round = 0; round < 300; round++) {
    const lengths = Array.from({ length: random.between(1, 9) }, () => random.below(40));
    const run = Run.of(lengths.map((length, at) => command(4 + at, "x".repeat(length))));
    const from = random.between(4, Number(run.lastIndex));
    const [entriesPerMessageMax, bytesPerMessageMax] = [random.between(1, 10), random.between(1, 200)];
    let [last, bytes] = [from, ENTRY_HEAD_BYTES + (lengths[from - 4] ?? 0)];
    for (let next = from + 1; next <= run.lastIndex && next - from < entriesPerMessageMax; next++) {
      bytes += ENTRY_HEAD_BYTES + (lengths[next - 4] ?? 0);
      if (bytes > bytesPerMessageMax) break;
      last = next;
    }
    assertEquals(Number(run.lastWithin(from, { entriesPerMessageMax, bytesPerMessageMax })), last);
  }
});
