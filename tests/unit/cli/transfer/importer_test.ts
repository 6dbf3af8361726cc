/** Imports into a cluster in memory: batches, their number, what is there already, repetition, and the order of equal keys. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../../lib/cli/failures.ts";
import { ServerError } from "../../../../lib/client/errors.ts";
import {
  BATCH_BYTES_MAX,
  BATCH_KEYS_MAX,
  BATCHES_MAX,
  ExistingKeyError,
  Importer,
  type ImportRecord,
  type OnExisting,
  OWN_REVISIONS_MAX,
  RACES_MAX,
} from "../../../../lib/cli/transfer/importer.ts";
import { FakeCluster } from "./fake_cluster.ts";

function importerOf(cluster: FakeCluster, onExisting: OnExisting = "fail", isDryRun = false): Importer {
  return new Importer(cluster, { onExisting, isDryRun });
}

function recordsOf(...texts: readonly string[]): ImportRecord[] {
  return texts.map((text, at) => {
    const [key = "", value = ""] = text.split("=");
    return { place: at + 1, key, value, deadline: undefined };
  });
}

async function addAll(importer: Importer, records: readonly ImportRecord[]): Promise<void> {
  for (const record of records) await importer.add(record);
  await importer.finish();
}

Deno.test("keys are written in transactions of many, bounded by number and bytes", async () => {
  const cluster = new FakeCluster();
  const importer = importerOf(cluster);
  const many = Array.from({ length: 2 * BATCH_KEYS_MAX + 1 }, (_, at) => `k${at}=v`);
  await addAll(importer, recordsOf(...many));
  assertEquals(cluster.done.map((keys) => keys.length), [BATCH_KEYS_MAX, BATCH_KEYS_MAX, 1]);
  assertEquals(importer.tally, { written: many.length, there: 0, place: many.length });
  const long = new FakeCluster();
  const half = "v".repeat(BATCH_BYTES_MAX / 2 - 1_000);
  await addAll(importerOf(long), recordsOf(`a=${half}`, `b=${half}`, `c=${half}`, `d=${half.repeat(4)}`, "e=v"));
  assertEquals(long.done, [["a", "b"], ["c"], ["d"], ["e"]]);
});

Deno.test("a bounded number of transactions is under way, and reading waits for them", async () => {
  const cluster = new FakeCluster();
  const gates: (() => void)[] = [];
  cluster.before = () => new Promise((resolve) => gates.push(resolve));
  const importer = importerOf(cluster);
  let added = 0;
  const all = (async () => {
    for (const record of recordsOf(...Array.from({ length: 10 * BATCH_KEYS_MAX }, (_, at) => `k${at}=v`))) {
      await importer.add(record);
      added += 1;
    }
    await importer.finish();
  })();
  while (importer.tally.written < 10 * BATCH_KEYS_MAX) {
    await new Promise((resolve) => setTimeout(resolve));
    assert(cluster.underWay <= BATCHES_MAX);
    assert(added <= importer.tally.written + (BATCHES_MAX + 1) * BATCH_KEYS_MAX);
    gates.shift()?.();
  }
  await all;
  assertEquals(cluster.underWayMost, BATCHES_MAX);
});

Deno.test("of equal keys the last one stays, though transactions may overtake each other", async () => {
  const cluster = new FakeCluster();
  const { promise: first, resolve: release } = Promise.withResolvers<void>();
  let held = 0;
  cluster.before = (keys) => keys.includes("same") && held++ === 0 ? first : Promise.resolve();
  const importer = importerOf(cluster, "overwrite");
  const others = Array.from({ length: BATCH_KEYS_MAX }, (_, at) => `k${at}=v`);
  const all = addAll(importer, recordsOf("same=old", ...others, "same=new"));
  await new Promise((resolve) => setTimeout(resolve));
  release();
  await all;
  assertEquals(cluster.values.get("same"), "new");
});

Deno.test("a key that is there is overwritten, skipped, or left where it is equal, as asked; deadlines go along", async () => {
  const fill = () => {
    const cluster = new FakeCluster();
    cluster.values.set("a", "old");
    return cluster;
  };
  const records = [...recordsOf("a=new", "b=1"), { place: 3, key: "c", value: "2", deadline: 77 }];
  const overwritten = fill();
  const all = importerOf(overwritten, "overwrite");
  await addAll(all, records);
  assertEquals([overwritten.values.get("a"), all.tally], ["new", { written: 3, there: 0, place: 3 }]);
  assertEquals(overwritten.deadlines, new Map([["c", 77]]));
  const skipped = fill();
  const some = importerOf(skipped, "skip");
  await addAll(some, records);
  assertEquals([skipped.values.get("a"), some.tally], ["old", { written: 2, there: 1, place: 3 }]);
  assertEquals([skipped.values.get("b"), skipped.deadlines.get("c")], ["1", 77]);
  const failed = fill();
  const error = await assertRejects(() => addAll(importerOf(failed, "fail"), records), ExistingKeyError);
  assertEquals([error.record.place, failed.values], [1, new Map([["a", "old"]])]);
});

Deno.test("an import that broke off can be repeated: what is there with the same value is no other key", async () => {
  const cluster = new FakeCluster();
  cluster.values.set("b", "2");
  const importer = importerOf(cluster);
  await addAll(importer, recordsOf("a=1", "b=2", "c=3"));
  assertEquals(importer.tally, { written: 2, there: 1, place: 3 });
  const again = importerOf(cluster);
  await addAll(again, recordsOf("a=1", "b=2", "c=3"));
  assertEquals([again.tally, cluster.values.size], [{ written: 0, there: 3, place: 3 }, 3]);
});

Deno.test("a key that comes again with another value is no other's: what this import has written itself is written over", async () => {
  const cluster = new FakeCluster();
  const importer = importerOf(cluster);
  const between = Array.from({ length: BATCHES_MAX * BATCH_KEYS_MAX }, (_, at) => `k${at}=v`);
  // Long after its first transaction, beside the same batch's other keys, and a third time after that.
  await addAll(importer, recordsOf("a=1", "b=1", ...between, "a=2", "b=1", "c=1", ...between, "a=3"));
  assertEquals([cluster.values.get("a"), cluster.values.get("b"), cluster.values.get("c")], ["3", "1", "1"]);
  assertEquals(importer.tally.written + importer.tally.there, 2 * between.length + 6);
  const others = importerOf(cluster);
  const error = await assertRejects(() => addAll(others, recordsOf("d=1", "a=4")), ExistingKeyError);
  assertEquals([error.record.key, cluster.values.get("a")], ["a", "3"]);
});

Deno.test("what somebody else writes over a key of the import is left, and ends it", async () => {
  const cluster = new FakeCluster();
  const importer = importerOf(cluster);
  await addAll(importer, recordsOf("a=1"));
  cluster.write("a", "theirs");
  await assertRejects(() => addAll(importer, recordsOf("a=2")), ExistingKeyError);
  assertEquals(cluster.values.get("a"), "theirs");
});

Deno.test("the revisions of an import's own writes are remembered up to a bound", async () => {
  const cluster = new FakeCluster();
  const importer = importerOf(cluster);
  await addAll(importer, recordsOf("first=1"));
  for (let at = 0; at < OWN_REVISIONS_MAX; at++) await addAll(importer, recordsOf(`k${at}=v`));
  // All but the first transaction are known.
  await addAll(importer, recordsOf("k0=x"));
  await assertRejects(() => addAll(importer, recordsOf("first=2")), ExistingKeyError);
});

Deno.test("keys that come and go while they are compared end it after a bounded number of attempts", async () => {
  const cluster = new FakeCluster();
  let attempts = 0;
  cluster.before = (keys) => {
    // There when all are to be absent, gone when it is compared.
    if (keys.length > 0) attempts += 1;
    if (keys.length > 0) cluster.values.set("a", "other");
    else cluster.values.delete("a");
    return Promise.resolve();
  };
  await assertRejects(() => addAll(importerOf(cluster), recordsOf("a=1")), Failure, "come and go");
  assertEquals(attempts, RACES_MAX + 1);
});

Deno.test("a dry run looks how many are there, and changes nothing", async () => {
  const cluster = new FakeCluster();
  cluster.values.set("a", "other");
  const importer = importerOf(cluster, "fail", true);
  await addAll(importer, recordsOf("a=1", "b=2"));
  assertEquals([importer.tally, cluster.values.size], [{ written: 0, there: 1, place: 2 }, 1]);
});

Deno.test("what fails is thrown in the order of the records, and the tally has only what is done up to there", async () => {
  const cluster = new FakeCluster();
  cluster.before = (keys) =>
    keys.includes(`k${BATCH_KEYS_MAX}`) ? Promise.reject(new ServerError("ERR no")) : Promise.resolve();
  const importer = importerOf(cluster, "overwrite");
  const records = recordsOf(...Array.from({ length: 3 * BATCH_KEYS_MAX }, (_, at) => `k${at}=v`));
  await assertRejects(() => addAll(importer, records), ServerError, "ERR no");
  assertEquals(importer.tally, { written: BATCH_KEYS_MAX, there: 0, place: BATCH_KEYS_MAX });
});
