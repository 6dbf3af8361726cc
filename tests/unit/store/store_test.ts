import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { Random } from "../../../lib/base/random.ts";
import type { RecordView } from "../../../lib/store/record.ts";
import { KeyHash } from "../../../lib/store/key_hash.ts";
import { HEAD_BYTES, recordUnits, UNIT_BYTES } from "../../../lib/store/segment.ts";
import { Store } from "../../../lib/store/store.ts";
import { Span } from "../../../lib/store/span.ts";
import { span, text } from "./bytes.ts";
import { recordOf } from "./model.ts";

const SEED = [1, 2] as const;
const MIB = 2 ** 20;

function write(value: string, revision = 1): { value: Span; revision: number; deadline: number; type: number } {
  return { value: span(value), revision, deadline: 0, type: 0 };
}

function find(store: Store, key: string): RecordView {
  const view = store.makeView();
  assert(store.find(span(key), view), `Cannot find ${key}`);
  return view;
}

function fill(store: Store, { from = 0, keys, value }: { from?: number; keys: number; value: string }): void {
  for (let number = from; number < from + keys; number++) store.put(span(name(number)), write(value, number + 1));
}

function name(number: number): string {
  return `key:${number.toString().padStart(12, "0")}`;
}

Deno.test("a record's head has at most 32 bytes, and a deadline eight more", () => {
  assertLessOrEqual(HEAD_BYTES, 32);
  const size = { keyBytes: 16, room: 64, hasDeadline: false };
  assertEquals(recordUnits(size) * UNIT_BYTES, 112);
  assertEquals(recordUnits({ ...size, hasDeadline: true }) * UNIT_BYTES, 120);
});

Deno.test("a key of 16 bytes with a value of 64 takes at most 150 bytes in all, whatever order keys come in", () => {
  for (const isShuffled of [false, true]) {
    const random = new Random(1);
    const store = new Store({ seed: SEED, shards: 64 });
    const keys = 100_000;
    while (store.size < keys) {
      store.put(span(name(isShuffled ? random.below(10 ** 9) : store.size)), write("v".repeat(64)));
    }
    const { used, capacity } = store.memory;
    assertLess(used / keys, 135);
    // Up to a MiB is the segment that is being filled.
    assertLess((capacity - MIB) / keys, 150);
  }
});

Deno.test("each field of a record comes back as it was written", () => {
  const store = new Store({ seed: SEED });
  const high = 2 ** 40 + 7;
  store.put(span("a"), { value: span("x"), revision: high, deadline: 2 ** 52 + 1, type: 255 });
  store.put(span("a"), { value: span("y"), revision: high + 1, deadline: 2 ** 53 - 1, type: 7 });
  assertEquals(recordOf(find(store, "a")), {
    value: "y",
    revision: high + 1,
    createRevision: high,
    version: 2,
    deadline: 2 ** 53 - 1,
    type: 7,
  });
  store.setDeadline(find(store, "a"), { deadline: 0, revision: high + 2 });
  assertEquals(find(store, "a").deadline, 0);
  assertEquals([store.expiring, store.nextDeadline], [0, undefined]);
});

Deno.test("versions and revisions go on above 2^32", () => {
  const store = new Store({ seed: SEED });
  const version = 2 ** 32 - 1;
  const revision = 2 ** 53 - 3;
  store.load(span("a"), { value: span("x"), revision, createRevision: 2 ** 33, version, deadline: 0, type: 0 });
  store.put(span("a"), write("y", revision + 1));
  const expected = {
    value: "y",
    revision: revision + 1,
    createRevision: 2 ** 33,
    version: 2 ** 32,
    deadline: 0,
    type: 0,
  };
  assertEquals(recordOf(find(store, "a")), expected);
});

Deno.test("an empty key and an empty value are a key and a value", () => {
  const store = new Store({ seed: SEED });
  assert(store.put(span(""), write("")));
  assertEquals([store.size, store.bytes, text(find(store, "").value)], [1, 0, ""]);
  assert(!store.put(span(""), write("now there is something", 2)));
  assertEquals(text(find(store, "").value), "now there is something");
  const cursor = store.makeCursor();
  assert(cursor.seek(new Span()));
  assertEquals([text(cursor.key), cursor.next()], ["", false]);
});

Deno.test("a value of 8 MiB is overwritten by one byte and back, and its memory given up", () => {
  const store = new Store({ seed: SEED });
  const long = "0123456789abcdef".repeat(MIB / 2);
  const empty = store.memory.capacity;
  for (let round = 0; round < 3; round++) {
    store.put(span("a"), write(long, 2 * round + 1));
    assertEquals(text(find(store, "a").value), long);
    assertGreater(store.memory.used, 8 * MIB);
    store.put(span("a"), write("x", 2 * round + 2));
    assertEquals(text(find(store, "a").value), "x");
    assertLess(store.memory.capacity, empty + MIB);
  }
});

Deno.test("a long value that grows at its end is not copied each time, and one that is changed inside stays what it was for those who keep it", () => {
  const store = new Store({ seed: SEED });
  const piece = "p".repeat(1_000);
  let length = 0;
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 2_000; round++) {
    length = store.patch(span("a"), { at: length, bytes: span(piece), revision: round + 1 });
    const view = find(store, "a");
    if (view.large !== undefined) buffers.add(view.value.bytes.buffer);
  }
  assertEquals(length, 2_000_000);
  assertLess(buffers.size, 20);
  const kept = find(store, "a").keepValue();
  store.patch(span("a"), { at: 5, bytes: span("changed"), revision: 3_000 });
  store.patch(span("a"), { at: length + 3, bytes: span("behind"), revision: 3_001 });
  assertEquals(text(Span.of(kept)), "p".repeat(length));
  assertEquals(text(find(store, "a").value), `ppppp${"changed"}${"p".repeat(length - 12)}\0\0\0behind`);
});

Deno.test("a record that was found cannot be read after a change, and a copy of it can", () => {
  const store = new Store({ seed: SEED });
  store.put(span("a"), write("x"));
  const view = find(store, "a");
  const copy = view.copyValue();
  const kept = view.keepValue();
  store.put(span("a"), write("y", 2));
  assertThrows(() => view.value, AssertionFailure, "the store has changed");
  assertThrows(() => view.revision, AssertionFailure, "the store has changed");
  assertThrows(() => store.remove(view), AssertionFailure, "the store has changed");
  assertEquals([text(Span.of(copy)), text(Span.of(kept))], ["x", "x"]);
});

Deno.test("the buffer of a long value moves along with a new name, and is left to a cut that needs the old one", () => {
  const store = new Store({ seed: SEED });
  const long = "l".repeat(100_000);
  store.put(span("a"), write(long));
  const { buffer } = find(store, "a").value.bytes;
  const cut = store.cut(1);
  store.rename(find(store, "a"), span("b"), { revision: 2, deadline: 0 });
  assertEquals(find(store, "b").value.bytes.buffer, buffer);
  store.patch(span("b"), { at: 100_000, bytes: span("more"), revision: 3 });
  const told: [string, number][] = [];
  while (cut.next(MIB, (record) => told.push([text(record.key), record.valueBytes])));
  assertEquals(told, [["a", 100_000]]);
});

Deno.test("keys due come in the order of their deadlines, and of the keys among equals", () => {
  const store = new Store({ seed: SEED });
  for (const [key, deadline] of [["c", 20], ["b", 300], ["a", 300], ["", 300], ["d", 2 ** 41]] as const) {
    store.put(span(key), { ...write(""), deadline });
  }
  const due: string[] = [];
  const key = new Span();
  while (store.nextDue(2 ** 41 - 1, key)) {
    due.push(text(key));
    store.remove(find(store, text(key)));
  }
  assertEquals(due, ["c", "", "a", "b"]);
  assertEquals(store.nextDeadline, 2 ** 41);
});

Deno.test("tables of equal size do not grow at the same time", () => {
  const shards = 256;
  const store = new Store({ seed: SEED, shards });
  // From 110 keys a shard to 240, each table doubles once, but for a few whose shards are far from the mean.
  fill(store, { keys: shards * 110, value: "" });
  const first = store.memory.tables;
  const growths: number[] = [];
  for (let from = 110; from < 240; from += 2) {
    const before = store.memory.tables;
    fill(store, { from: shards * from, keys: shards * 2, value: "" });
    growths.push(store.memory.tables - before);
  }
  assertGreater(store.memory.tables, 1.9 * first);
  // With a 65th of the keys, at most a twelfth of the tables.
  assertLess(Math.max(...growths), first / 12);
});

Deno.test("100 000 keys that collide under one seed are found fast under another", () => {
  const known = new Store({ seed: SEED, shards: 1 });
  const other = new Store({ seed: [3, 4], shards: 1 });
  // Keys whose hashes under that seed have the last seven bits in common, so that they crowd a few places of the table.
  const hash = new KeyHash(SEED);
  const numbers = new Uint32Array(1);
  const key = Span.of(new Uint8Array(numbers.buffer));
  const nothing = write("");
  while (known.size < 100_000) {
    numbers[0] = (numbers[0] ?? 0) + 1;
    if ((hash.of(key) & 127) !== 0) continue;
    known.put(key, nothing);
    other.put(key, nothing);
  }
  assertGreater(known.longestProbe, 60);
  assertLess(other.longestProbe, 40);
});

Deno.test("a store is emptied at once, and an open cut has its records all the same", () => {
  const store = new Store({ seed: SEED });
  const value = "v".repeat(100);
  fill(store, { keys: 1_000, value });
  store.put(span("long"), write("l".repeat(100_000), 2_000));
  const { digest } = store;
  const cut = store.cut(2_000);
  store.clear();
  assertEquals([store.size, store.bytes, store.digest], [0, 0, "1:0000000000000000"]);
  assertGreater(store.memory.capacity, 100_000);
  fill(store, { keys: 500, value: "other" });
  const loaded = new Store({ seed: [5, 6], shards: 2 });
  while (cut.next(10_000, (record) => assert(loaded.load(record.key, record))));
  cut.close();
  assertEquals(loaded.digest, digest);
  assertEquals(text(find(loaded, "long").value), "l".repeat(100_000));
  assertEquals([store.size, text(find(store, name(3)).value)], [500, "other"]);
  assertLess(store.memory.capacity, 100_000);
});

Deno.test("only one cut is open at a time, and one that is closed early leaves nothing behind for the next", () => {
  const store = new Store({ seed: SEED });
  fill(store, { keys: 300, value: "old" });
  const first = store.cut(300);
  assertThrows(() => store.cut(300), AssertionFailure, "another one is open");
  first.next(1_000, () => undefined);
  for (let number = 0; number < 300; number++) store.put(span(name(number)), write("newer and longer", 400));
  first.close();
  first.close();
  assert(!first.next(1_000, () => assert(false, "A closed cut tells of a record")));
  const second = store.cut(400);
  const told: string[] = [];
  while (second.next(1_000, (record) => told.push(text(record.value))));
  assertEquals(told, new Array(300).fill("newer and longer"));
});
