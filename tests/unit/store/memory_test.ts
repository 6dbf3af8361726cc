import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { Store } from "../../../lib/store/store.ts";
import { Span } from "../../../lib/store/span.ts";

const SEED = [1, 2] as const;
const KIB = 1_024;
const encoder = new TextEncoder();

/** Random writes of keys `key:0` and so on, with values of varied length. */
class Writer {
  readonly store = new Store({ seed: SEED, shards: 64 });
  readonly random = new Random(11);
  readonly #key = new Span();
  readonly #bytes = new Uint8Array(32);
  readonly #value = new Span();
  readonly #source = new Uint8Array(256 * KIB).fill(118);
  revision = 0;

  put(number: number, valueBytes: number): void {
    this.revision += 1;
    const { written } = encoder.encodeInto(`key:${number}`, this.#bytes);
    this.#key.set(this.#bytes, 0, written);
    this.#value.set(this.#source, 0, valueBytes);
    this.store.put(this.#key, { value: this.#value, revision: this.revision, deadline: 0, type: 0 });
  }
}

Deno.test("random overwrites during an open cut take the memory of what was written, and no more", () => {
  const writer = new Writer();
  const { store, random } = writer;
  const keys = 50_000;
  for (let number = 0; number < keys; number++) writer.put(number, 64);
  const before = store.memory.capacity;
  const cut = store.cut(writer.revision);
  const written = new Set<number>();
  let told = 0;
  let highest = 0;
  for (let more = true; more;) {
    for (let round = 0; round < 200; round++) {
      const number = random.below(keys);
      written.add(number);
      writer.put(number, 64);
    }
    more = cut.next(32 * KIB, () => told += 1);
    highest = Math.max(highest, store.memory.capacity);
  }
  cut.close();
  assertEquals(told, keys);
  assertGreater(written.size, 10_000);
  // A record of 112 bytes for each key written, its mark, and what a segment has room for.
  assertLess(highest - before, written.size * 115 + 1_100 * KIB);
  // Afterwards the dead records are left out, in slices.
  while (store.compact(16 * KIB));
  const { garbage, used } = store.memory;
  assertLess(garbage, used / 2);
});

Deno.test("dead records are left out by the changes themselves: never more than about a third of all is garbage", () => {
  const writer = new Writer();
  const { store, random } = writer;
  for (let round = 0; round < 200_000; round++) {
    writer.put(random.below(20_000), random.below(400));
    if (round % 1_000 !== 0) continue;
    const { used, garbage, capacity } = store.memory;
    assertLess(garbage, used / 2 + 1_024 * KIB);
    assertLess(capacity, 1.5 * used + 6 * 1_024 * KIB);
  }
});

Deno.test("a store that has shrunk gives its memory back", () => {
  const writer = new Writer();
  const { store } = writer;
  for (let number = 0; number < 50_000; number++) writer.put(number, 100);
  const before = store.memory;
  const view = store.makeView();
  const cursor = store.makeCursor();
  while (store.size > 500) {
    assert(cursor.seek(new Span()) && store.find(cursor.key, view));
    store.remove(view);
  }
  while (store.compact(64 * KIB));
  const { capacity, tables } = store.memory;
  assertLess(capacity, before.capacity / 2);
  assertLess(tables, before.tables / 8);
});

Deno.test("no change lets the memory grow by more than was foretold", () => {
  const writer = new Writer();
  const { store, random } = writer;
  for (let round = 0; round < 30_000; round++) {
    const valueBytes = random.chance(0.01) ? random.below(250 * KIB) : random.below(300);
    const number = random.below(3_000);
    const keyBytes = `key:${number}`.length;
    const foretold = store.growthOf(keyBytes, valueBytes);
    const before = store.memory.capacity;
    writer.put(number, valueBytes);
    assertLessOrEqual(store.memory.capacity - before, foretold, `round ${round}`);
    if (round % 5_000 === 4_999) store.clear();
  }
});

Deno.test("a slice of a cut passes no more than it was asked for, and one record", () => {
  const writer = new Writer();
  const { store, random } = writer;
  for (let number = 0; number < 20_000; number++) writer.put(number, random.chance(0.01) ? 100 * KIB : 64);
  for (let number = 0; number < 20_000; number++) if (random.chance(0.5)) writer.put(number, 100);
  const cut = store.cut(writer.revision);
  let told = 0;
  for (let more = true; more;) {
    let bytes = 0;
    let last = 0;
    more = cut.next(8 * KIB, (record) => {
      told += 1;
      last = 32 + record.key.length + record.valueBytes;
      bytes += last;
    });
    assertLess(bytes - last, 8 * KIB);
  }
  assertEquals(told, 20_000);
});
