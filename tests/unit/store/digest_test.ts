import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { Store } from "../../../lib/store/store.ts";
import { span } from "./bytes.ts";

const RECORD = { value: "value", revision: 5, createRevision: 3, version: 2, deadline: 0, type: 1 };
const EMPTY = "1:0000000000000000";

/** The digest of a store of one record. */
function digestOf(key: string, record: typeof RECORD, seed: readonly [number, number] = [1, 2]): string {
  const store = new Store({ seed });
  store.load(span(key), { ...record, value: span(record.value) });
  return store.digest;
}

Deno.test("version 1 of the digest is what it always was", () => {
  assertEquals(digestOf("key", RECORD), "1:5ed8cb8920b35ad8");
  assertEquals(
    digestOf("", { ...RECORD, value: "", revision: 2 ** 40, deadline: 1_700_000_000_123 }),
    "1:3f03bef111ec2ce4",
  );
  assertEquals(digestOf("k".repeat(77), { ...RECORD, value: "large".repeat(20_001) }), "1:27c510cfe84ee07e");
});

Deno.test("each part of a record counts", () => {
  const digests = [
    digestOf("key", RECORD),
    digestOf("kez", RECORD),
    digestOf("keyv", { ...RECORD, value: "alue" }),
    digestOf("key\0", RECORD),
    digestOf("key", { ...RECORD, value: "value\0" }),
    digestOf("key", { ...RECORD, value: "" }),
    digestOf("key", { ...RECORD, revision: 6 }),
    digestOf("key", { ...RECORD, revision: 2 ** 32 + 5 }),
    digestOf("key", { ...RECORD, createRevision: 4 }),
    digestOf("key", { ...RECORD, createRevision: 5, revision: 3 }),
    digestOf("key", { ...RECORD, version: 3 }),
    digestOf("key", { ...RECORD, version: 2 ** 32 + 2 }),
    digestOf("key", { ...RECORD, deadline: 1 }),
    digestOf("key", { ...RECORD, type: 2 }),
    EMPTY,
  ];
  assertEquals(new Set(digests).size, digests.length);
});

Deno.test("the digest is the same for every seed, number of shards, order of arrival and room in records, and 0 for nothing", () => {
  const random = new Random(17);
  const records = Array.from({ length: 3_000 }, (_, number) => ({
    key: `${random.below(10)}:${number}`,
    value: "v".repeat(random.chance(0.01) ? 70_000 : random.below(100)),
  }));
  const digests = [1, 4, 1_024].map((shards) => {
    const store = new Store({ seed: [random.uint32(), random.uint32()], shards });
    for (const { key, value } of shuffled(records, random)) {
      // First something longer, so that room is left or the record moves.
      store.load(span(key), { ...RECORD, version: 1, value: span("x".repeat(random.below(300))) });
      store.put(span(key), { ...RECORD, value: span(value) });
    }
    while (store.compact(2 ** 20));
    return store;
  });
  const [first] = digests;
  assert(first !== undefined);
  assertNotEquals(first.digest, EMPTY);
  for (const store of digests) assertEquals(store.digest, first.digest);
  const view = first.makeView();
  for (const { key } of shuffled(records, random)) {
    assert(first.find(span(key), view));
    first.remove(view);
  }
  assertEquals(first.digest, EMPTY);
});

Deno.test("flipping any single bit of a value changes the digest, and swapping two words does", () => {
  const value = "0123456789abcdef".repeat(4);
  const known = new Set([digestOf("key", { ...RECORD, value })]);
  for (let bit = 0; bit < value.length * 8; bit++) {
    const at = bit >> 3;
    const flipped = value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ (1 << (bit & 7))) +
      value.slice(at + 1);
    known.add(digestOf("key", { ...RECORD, value: flipped }));
  }
  known.add(digestOf("key", { ...RECORD, value: `4567${"0123"}${value.slice(8)}` }));
  assertEquals(known.size, value.length * 8 + 2);
});

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items.map((item) => ({ item, place: random.uint32() })).sort((a, b) => a.place - b.place).map(({ item }) =>
    item
  );
}
