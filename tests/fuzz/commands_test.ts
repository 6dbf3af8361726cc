/** What Raft replicates: entries, the commands in them, and the blocks of a snapshot of the state. */

import { bytesToString, stringToBytes, textToByteString } from "../../lib/base/bytes.ts";
import type { Random } from "../../lib/base/random.ts";
import { type Command, decodeCommand, encodeCommand, type LoggedCommand } from "../../lib/kv/commands.ts";
import { describeCommand } from "../../lib/kv/describe.ts";
import type { StateMachine } from "../../lib/kv/state_machine.ts";
import { Run } from "../../lib/raft/run.ts";
import { type Configuration, type Entry, toIndex, toTerm } from "../../lib/raft/types.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, anyText, mutate, mutateMost, OTHER_JSON } from "./mutators.ts";
import { assertLinear } from "./timing.ts";
import { anyConfiguration, anyEntries } from "./values.ts";
import { blocksOf, contentOf, emptyState, keyBlockOf, spanOf, stateOf } from "../support/state.ts";

const FIRST = { index: toIndex(7), term: toTerm(3) };
const BEYOND_BYTES = /[\u0100-\uffff]/;

/** The entries that a text stands for as the body of a run. */
function entriesOf(body: string): readonly Entry[] | undefined {
  return Run.parse(FIRST, stringToBytes(body))?.entries();
}

function bodyOf(entries: readonly Entry[]): string {
  return entries.length === 0 ? "" : bytesToString(Run.of(entries).body);
}

fuzz("entries there and back", {
  make: (random) => anyEntries(random, FIRST),
  check: (entries) => {
    const body = bodyOf(entries);
    if (entries.length > 0) requireSame(entriesOf(body), entries, "The entries that are read");
    return entries.length === 0 ? "none" : "some";
  },
  outcomes: ["none", "some"],
});

/** A configuration with one thing wrong, or nothing. */
function oddConfiguration(random: Random): string {
  const { members, voters, votersOld, learners } = anyConfiguration(random);
  const ids = members.map((member) => member.id);
  const lists = random.pick([
    [...ids, ...ids],
    [...ids].reverse(),
    [...ids, 5],
    [...ids, 2 ** 31],
    [-1],
    [0.5],
    "x",
    null,
    ids,
  ]);
  const others = random.pick([[...members, ...members], [...members].reverse(), [null], [{ id: 1 }], {}, members]);
  const changed = random.pick([{ voters: lists }, { votersOld: lists }, { learners: lists }, { members: others }, {}]);
  const text = JSON.stringify({ members, voters, votersOld, learners, ...changed });
  const length = Uint32Array.of(text.length);
  return `F${bytesToString(new Uint8Array(length.buffer))}${text}`;
}

fuzz("mutated entries", {
  make: (random) => {
    if (random.chance(0.2)) return oddConfiguration(random);
    return mutateMost((source) => bodyOf(anyEntries(source, FIRST)), random);
  },
  check: (text) => {
    const entries = entriesOf(text);
    if (entries === undefined) return "refused";
    entries.forEach((entry, at) => {
      requireSame([entry.index, entry.term], [FIRST.index + at, FIRST.term], "Index and term");
      if (entry.type === "Configuration") requireConfiguration(entry.configuration);
    });
    requireSame(entriesOf(bodyOf(entries)), entries, "What was taken must be readable again");
    return "taken";
  },
  outcomes: ["refused", "taken"],
});

function requireConfiguration({ members, voters, votersOld, learners }: Configuration): void {
  const ids = members.map((member) => member.id);
  for (const list of [voters, votersOld, learners]) {
    require(list.every((id, at) => ids.includes(id) && (at === 0 || (list[at - 1] ?? 0) < id)), `Ids ${list}`);
  }
  require(new Set(ids).size === ids.length, `Members ${ids}`);
}

function anyCommand(random: Random): Command {
  const key = anyBytes(random, 30);
  if (random.chance(0.3)) return { type: "Delete", key };
  return { type: "Put", key, value: anyBytes(random, random.chance(0.02) ? 5_000 : 40) };
}

fuzz("commands", {
  make: (random) => {
    const command = anyCommand(random);
    const encoded = encodeCommand(command);
    const mutated = random.chance(0.3) ? encoded : mutate(encoded, random);
    return { command: mutated === encoded ? command : undefined, bytes: mutated };
  },
  check: ({ command, bytes }) => {
    const decoded = decodeCommand(bytes);
    const plain = isPlain(decoded) ? decoded?.command : undefined;
    requireSame(plain, commandIn(bytes), "What another reader finds");
    if (command !== undefined) requireSame(plain, command, "The command that is read");
    const shown = describeCommand(bytes);
    require(/^[\x20-\x7e]*$/.test(shown) && shown.length < 700, `Shown as ${shown}`);
    if (decoded === undefined) return "refused";
    const again = decodeCommand(encodeCommand(decoded.command, decoded.session, decoded.login));
    requireSame(again, { ...decoded, timeMs: undefined }, "What was taken must be readable again");
    const result = emptyState().apply(1, spanOf(bytes)).type;
    require(result !== "Invalid" && (!isPlain(decoded) || result === decoded.command.type), `It gives ${result}`);
    return command === undefined ? "taken" : "whole";
  },
  outcomes: ["refused", "taken", "whole"],
});

/** Whether it is of the two plain kinds, without a header. */
function isPlain(logged: LoggedCommand | undefined): boolean {
  if (logged === undefined || logged.timeMs !== undefined || logged.session !== undefined || logged.login !== 0) {
    return false;
  }
  return logged.command.type === "Put" || logged.command.type === "Delete";
}

/** The rule of the format once more, as simple as it can be. */
function commandIn(bytes: string): Command | undefined {
  if (!bytes.startsWith("1;")) return undefined;
  const fields: string[] = [];
  for (let at = 3; at < bytes.length;) {
    const digits = /^([0-9]{1,11}):/.exec(bytes.slice(at, at + 12))?.[1];
    const start = at + (digits?.length ?? 0) + 1;
    if (digits === undefined || start + Number(digits) > bytes.length) return undefined;
    at = start + Number(digits);
    fields.push(bytes.slice(start, at));
  }
  const [key, value] = fields;
  if (key !== undefined && bytes[2] === "D" && fields.length === 1) return { type: "Delete", key };
  if (key === undefined || value === undefined || bytes[2] !== "P" || fields.length !== 2) return undefined;
  return { type: "Put", key, value };
}

/** The blocks of a small state, as byte strings. */
function anyBlocks(random: Random): string[] {
  const state = emptyState();
  for (let index = 1; index <= random.below(8); index++) state.apply(index, spanOf(encodeCommand(anyCommand(random))));
  return blocksOf(state).map((block) => bytesToString(block));
}

/** The state that the blocks hold, or undefined when one of them is refused. */
function load(blocks: readonly string[]): StateMachine | undefined {
  return stateOf(blocks.map((block) => stringToBytes(block)));
}

fuzz("blocks of a snapshot there and back", {
  make: anyBlocks,
  check: (blocks) => {
    const state = load(blocks);
    require(state !== undefined, "A block is refused");
    requireSame(contentOf(blocksOf(state)), contentOf(blocks.map((block) => stringToBytes(block))), "What was loaded");
    return blocks.length > 1 ? "filled" : "empty";
  },
  outcomes: ["filled", "empty"],
});

fuzz("mutated blocks of a snapshot", {
  make: (random) => {
    const blocks = anyBlocks(random);
    const at = random.below(blocks.length);
    if (random.chance(0.1)) return [...blocks, ...blocks.slice(at)]; // Keys that have come before.
    if (random.chance(0.02)) return blocks.map((block, place) => place === at ? random.pick(OTHER_JSON) : block);
    return blocks.map((block, place) => place === at ? mutate(block, random) : block);
  },
  check: (blocks) => {
    const state = load(blocks);
    if (state === undefined) return "refused";
    require(state.lastApplied >= 0, `Last applied is ${state.lastApplied}`);
    const again = blocksOf(state);
    const [, keys]: [unknown, [string, string][]] = JSON.parse(contentOf(again));
    require(keys.every(([key, value]) => !BEYOND_BYTES.test(key + value)), "Keys and values are byte strings");
    const bytes = keys.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    require(state.size === keys.length && state.bytes === bytes, "Sizes fit what is there");
    requireSame(
      contentOf(blocksOf(stateOf(again) ?? emptyState())),
      contentOf(again),
      "What was taken must be readable again",
    );
    return "taken";
  },
  outcomes: ["refused", "taken"],
});

fuzz("texts in the place of blocks, entries and commands", {
  make: (random) => anyText(random, 60),
  check: (text) => {
    entriesOf(textToByteString(text));
    const block = load(['{"format":5,"lastApplied":0,"timeMs":0}', textToByteString(text)]);
    require(load([textToByteString(text)]) === undefined || text.includes("format"), "A state of nothing");
    require(block === undefined || text.includes("sessions") || text.startsWith("K"), "A block of another form");
    require(decodeCommand(text) === undefined || text.startsWith("1"), "A command without its version");
    return "judged";
  },
  outcomes: ["judged"],
});

Deno.test("entries, commands and blocks take linear time", () => {
  for (const piece of ["C\0\0\0\0", "N\0\0\0\0", "C", "C\x01\0\0\0", "F\x02\0\0\0{}"]) {
    assertLinear(`entries of ${piece}`, { make: (size) => piece.repeat(size), run: entriesOf });
  }
  const ids = (size: number) => Array.from({ length: size }, (_, at) => at);
  const configuration = (size: number) => {
    const members = ids(size).map((id) => ({ id, address: "", clientAddress: "", identity: "" }));
    return bodyOf([{
      type: "Configuration",
      ...FIRST,
      configuration: { members, voters: ids(size), votersOld: [], learners: [] },
    }]);
  };
  assertLinear("a configuration of many members", { make: configuration, run: entriesOf, size: 1_024 });
  for (const piece of ["9", "0", ":", "P1:a"]) {
    assertLinear(`commands of ${piece}`, { make: (size) => `1;P${piece.repeat(size)}`, run: decodeCommand });
    assertLinear(`described commands of ${piece}`, {
      make: (size) => `1;P${size}:${piece.repeat(size)}`.slice(0, size + 10),
      run: describeCommand,
      size: 65_536,
    });
  }
  const block = (size: number) =>
    bytesToString(keyBlockOf(...ids(size).map((id) => [String(id).padStart(9, "0"), "v", 1, 1, 1, 0] as const)));
  assertLinear("a block of many keys", {
    make: (size) => ['{"format":5,"lastApplied":1,"timeMs":0}', block(size)],
    run: load,
    size: 2_048,
  });
});
