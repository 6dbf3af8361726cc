/** What the state machine tells of its changes: enough to build the same state, and nothing twice. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { type KeyRecord, recordOf } from "../../../lib/kv/key_record.ts";
import { PlainPut } from "../../../lib/kv/plain_put.ts";
import type { RecordView } from "../../../lib/store/record.ts";
import type { Span } from "../../../lib/store/span.ts";
import { bytesToString } from "../../../lib/base/bytes.ts";
import {
  type Change,
  type ChangeSink,
  CLEARED_KEYS_TOLD_MAX,
  REPLACED_BYTES_TOLD_MAX,
} from "../../../lib/kv/change.ts";
import { unpackChanges } from "../../../lib/kv/change_recorder.ts";
import { type Call, type Command, encodeCommand, stampCommand } from "../../../lib/kv/commands.ts";
import { SWEPT_PER_ENTRY_MAX } from "../../../lib/kv/state_machine.ts";
import { type DrawnType, makeCommand, WRITE_SHARES } from "../../sim/command_maker.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;

/** A state machine whose changes are kept by revision. */
function textOf({ bytes, start, end }: Span): string {
  return bytesToString(bytes, start, end);
}

class Told implements ChangeSink {
  readonly state = emptyState();
  /** One item for each entry; a number is a jump to that revision. */
  readonly entries: (readonly Change[] | number)[] = [];
  /** Length of the buffer in which the last changes were. */
  gatheredIn = 0;
  looks = true;

  constructor() {
    this.state.tell(this);
  }

  puts(command: Span, before: RecordView | undefined): void {
    const put = new PlainPut();
    assert(put.read(command));
    const revision = this.entries.length + 1;
    const record = {
      value: textOf(put.value),
      revision,
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0) + 1,
      expiresAt: undefined,
    };
    const previous = before === undefined ? undefined : recordOf(before);
    this.entries.push([{ type: "Put", key: textOf(put.key), record, previousRevision: before?.revision, previous }]);
  }

  changed(changes: Span): void {
    this.gatheredIn = changes.bytes.length;
    this.entries.push(this.looks ? unpackChanges(changes) : []);
  }

  jumped(revision: number): void {
    this.entries.push(revision);
  }

  apply(command: Command, timeMs?: number): readonly Change[] {
    const encoded = encodeCommand(command);
    const index = this.state.lastApplied + 1;
    this.state.apply(index, spanOf(timeMs === undefined ? encoded : stampCommand(encoded, timeMs)));
    assertEquals(this.entries.length, index, "every entry is told, once");
    const last = this.entries.at(-1);
    return typeof last === "object" ? last : [];
  }

  call(...call: readonly string[]): readonly Change[] {
    return this.apply({ type: "Call", call });
  }

  transaction(...then: readonly Call[]): readonly Change[] {
    return this.apply({ type: "Transaction", compares: [], then, otherwise: [] });
  }
}

/** `type key value previous` of each change. */
function brief(changes: readonly Change[]): string[] {
  return changes.map(({ type, key, record, previousRevision }) =>
    `${type} ${key} ${record?.value ?? "-"} ${previousRevision ?? "new"}`
  );
}

Deno.test("a put, an overwrite and a removal are told with the revision before", () => {
  const told = new Told();
  assertEquals(brief(told.apply({ type: "Put", key: "a", value: "1" })), ["Put a 1 new"]);
  assertEquals(brief(told.apply({ type: "Put", key: "a", value: "2" })), ["Put a 2 1"]);
  assertEquals(brief(told.apply({ type: "Put", key: "a", value: "3" }, NOW_MS)), ["Put a 3 2"]);
  assertEquals(brief(told.apply({ type: "Delete", key: "a" })), ["Delete a - 3"]);
  assertEquals(brief(told.apply({ type: "Delete", key: "a" })), []);
  assertEquals(brief(told.apply({ type: "Put", key: "a", value: "4" })), ["Put a 4 new"]);
});

Deno.test("a change carries the record as it is in the state", () => {
  const told = new Told();
  for (let round = 0; round < 4; round++) {
    const [change] = told.apply({ type: "Put", key: "a", value: `${round}` });
    assertEquals(change?.record, told.state.get("a"));
  }
  const [deadline] = told.call("PEXPIREAT", "a", `${NOW_MS + 5}`);
  assertEquals(deadline?.type, "Put");
  assertEquals(deadline?.record, told.state.get("a"));
  assertEquals(deadline?.record?.expiresAt, NOW_MS + 5);
  const previous = told.state.get("a");
  assertEquals(brief(told.apply({ type: "Put", key: "a", value: "x" })), ["Put a x 5"]);
  assertEquals(told.entries.at(-1), [{
    type: "Put",
    key: "a",
    record: told.state.get("a"),
    previousRevision: 5,
    previous,
  }]);
});

Deno.test("reads, refusals, no-ops and damaged commands tell of an entry without changes", () => {
  const told = new Told();
  told.call("SET", "text", "x");
  assertEquals(told.call("INCR", "text"), []);
  assertEquals(told.call("GET", "text"), []);
  assertEquals(told.call("PERSIST", "text"), []);
  assertEquals(told.call("SET", "text", "y", "NX"), []);
  assertEquals(told.call("RENAME", "text", "text"), []);
  assertEquals(told.apply({ type: "Advance" }, NOW_MS), []);
  told.state.skip(8);
  told.state.apply(9, spanOf("what is this"));
  assertEquals(told.entries.slice(7), [[], []]);
});

Deno.test("an entry that touches a key several times gives one change of it, in the order of first touch", () => {
  const told = new Told();
  told.call("MSET", "a", "1", "b", "1", "c", "1");
  const changes = told.transaction(
    ["SET", "b", "2"],
    ["SET", "a", "2"],
    ["DEL", "b"],
    ["SET", "a", "3"],
    ["DEL", "c"],
    [
      "SET",
      "c",
      "4",
    ],
  );
  assertEquals(brief(changes), ["Delete b - 1", "Put a 3 1", "Put c 4 1"]);
});

Deno.test("a key that is made and removed by one entry is not told of", () => {
  const told = new Told();
  assertEquals(told.transaction(["SET", "a", "1"], ["DEL", "a"]), []);
  assertEquals(brief(told.transaction(["SET", "a", "1"], ["RENAME", "a", "b"])), ["Put b 1 new"]);
});

Deno.test("what a sweep removes has expired, what a command removes is deleted", () => {
  const told = new Told();
  told.apply({ type: "Call", call: ["SET", "a", "1", "PX", "10"] }, NOW_MS);
  told.call("SET", "b", "1");
  assertEquals(brief(told.apply({ type: "Delete", key: "b" }, NOW_MS + 10)), ["Expire a - 1", "Delete b - 2"]);
  told.call("SET", "c", "1");
  assertEquals(brief(told.call("EXPIRE", "c", "-1")), ["Delete c - 4"]);
});

Deno.test("a key that has expired and waits for its sweep is told of once, whatever removes it or takes its place", () => {
  const told = new Told();
  const count = SWEPT_PER_ENTRY_MAX + 3;
  const pairs = Array.from({ length: count }, (_, at) => ["PSETEX", `k${String(at).padStart(5, "0")}`, "10", "v"]);
  told.apply({ type: "Transaction", compares: [], then: pairs, otherwise: [] }, NOW_MS);
  const swept = told.apply({ type: "Advance" }, NOW_MS + 10);
  assertEquals(swept.length, SWEPT_PER_ENTRY_MAX);
  const [first, second, third] = [count - 3, count - 2, count - 1].map((at) => `k${String(at).padStart(5, "0")}`);
  assertEquals(brief(told.apply({ type: "Delete", key: first ?? "" })), [`Expire ${first} - 1`]);
  assertEquals(brief(told.apply({ type: "Put", key: second ?? "", value: "w" })), [`Put ${second} w 1`]);
  assertEquals(brief(told.apply({ type: "Advance" }, NOW_MS + 11)), [`Expire ${third} - 1`]);
});

Deno.test("a flush tells of every key, and of too many as a jump", () => {
  const told = new Told();
  told.call("MSET", "b", "1", "a", "1");
  assertEquals(brief(told.transaction(["FLUSHALL"], ["SET", "c", "1"])), [
    "Delete a - 1",
    "Delete b - 1",
    "Put c 1 new",
  ]);
  for (let at = 0; at < CLEARED_KEYS_TOLD_MAX; at++) told.apply({ type: "Put", key: `k${at}`, value: "" });
  told.call("FLUSHALL");
  assertEquals(told.entries.at(-1), told.state.lastApplied);
  assertEquals(brief(told.call("SET", "a", "1")), ["Put a 1 new"], "what was touched before the jump is forgotten");
});

Deno.test("an entry that removes more bytes than are told is a jump, and holds no copy of them; each key is copied once", () => {
  const told = new Told();
  const value = "x".repeat(REPLACED_BYTES_TOLD_MAX / 8);
  for (let at = 0; at <= 8; at++) told.apply({ type: "Put", key: `k${at}`, value });
  assertEquals(told.call("DEL", ...Array.from({ length: 8 }, (_, at) => `k${at}`)).length, 8);
  for (let at = 0; at < 8; at++) told.apply({ type: "Put", key: `k${at}`, value });
  told.call("FLUSHALL");
  assertEquals(told.entries.at(-1), told.state.lastApplied);
  assertEquals(brief(told.call("SET", "k0", "1")), ["Put k0 1 new"], "what was touched before the jump is forgotten");
  told.apply({ type: "Put", key: "k0", value: value.slice(value.length / 2) });
  const appends = Array.from({ length: 20 }, () => ["APPEND", "k0", "y"]);
  assertEquals(told.transaction(...appends).length, 1, "twenty copies would be too many");
});

Deno.test("random commands: the changes of every prefix of the log, folded, are the state there", () => {
  for (let seed = 1; seed <= 40; seed++) checkFold(seed);
});

function checkFold(seed: number): void {
  const random = new Random(seed);
  const told = new Told();
  let timeMs = NOW_MS;
  let values = 0;
  const words = {
    random,
    now: () => timeMs,
    key: (family: string) => `${family}${random.below(6)}`,
    value: () => `v${values++}`,
  };
  const source = { words, sessions: [], flushes: true, plainKey: () => `p${random.below(6)}` };
  const folded = new Map<string, KeyRecord>();
  const types = Object.keys(WRITE_SHARES) as readonly DrawnType[];
  for (let step = 0; step < 300; step++) {
    if (random.chance(0.5)) timeMs += random.below(2_000);
    const stamp = random.chance(0.6) ? timeMs : undefined;
    for (
      const { type, key, record, previousRevision, previous } of told.apply(
        makeCommand(random.pick(types), source),
        stamp,
      )
    ) {
      assertEquals(previous, folded.get(key), `seed ${seed}, step ${step}: what ${key} was before`);
      assertEquals(previousRevision, previous?.revision);
      assertEquals(record !== undefined, type === "Put");
      if (record === undefined) folded.delete(key);
      else {
        assertEquals(record.revision, told.state.lastApplied);
        folded.set(key, record);
      }
    }
    const alive = [...folded].filter(([key]) => told.state.get(key) !== undefined);
    // A deadline in the past makes a key that is gone before its removal is told.
    for (const [key] of folded) if (!alive.some(([other]) => other === key)) assert(isDue(told, key));
    const wanted = Array.from(told.state.records(""), ([key, record]): [string, KeyRecord] => [key, record]);
    assertEquals(alive.sort(([a], [b]) => a < b ? -1 : 1), wanted, `seed ${seed}, step ${step}`);
  }
}

function isDue({ entries, state }: Told, key: string): boolean {
  const last = entries.flat().findLast((change) => typeof change === "object" && change.key === key);
  const expiresAt = typeof last === "object" ? last.record?.expiresAt : undefined;
  return expiresAt !== undefined && expiresAt <= state.timeMs;
}

Deno.test("an entry that leaves more bytes than are told is a jump, and the buffer that its changes were gathered in is let go", () => {
  const told = new Told();
  const value = "x".repeat(REPLACED_BYTES_TOLD_MAX / 8);
  told.apply({ type: "Put", key: "k", value });
  const copies = (count: number) => Array.from({ length: count }, (_, at) => ["COPY", "k", `c${at}`]);
  assertEquals(told.transaction(...copies(8)).length, 8);
  assertEquals(told.call("DEL", ...Array.from({ length: 8 }, (_, at) => `c${at}`)).length, 8);
  told.transaction(...copies(9));
  assertEquals(told.entries.at(-1), told.state.lastApplied);
  assertEquals(brief(told.call("SET", "a", "1")), ["Put a 1 new"]);
  assertLess(told.gatheredIn, 1_000_000);
});

Deno.test("of what an entry changes nothing stands in a map and nothing is text, until somebody looks", () => {
  const told = new Told();
  for (let key = 0; key < 10; key++) told.call("SET", `k${key}`, "v");
  told.looks = false;
  const { set } = Map.prototype;
  let entries = 0;
  Map.prototype.set = function (key, value) {
    entries += 1;
    return set.call(this, key, value);
  };
  try {
    told.call("EXPIRE", "k3", "1000");
    told.transaction(["DEL", "k1"], ["SET", "k2", "w"], ["SET", "k1", "w"]);
  } finally {
    Map.prototype.set = set;
  }
  assertEquals(entries, 0);
  told.looks = true;
  assertEquals(brief(told.transaction(["SET", "k1", "x"], ["DEL", "k2"])), ["Put k1 x 12", "Delete k2 - 12"]);
});
