/** A forced recovery: another cluster id, one voter, all that the directory held, and no revision of before. */

import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CorruptionError, DirectoryLockedError, IncompatibleError, NoSpaceError } from "../../../../lib/base/errors.ts";
import { RECOVERED_REVISION_MAX } from "../../../../lib/node/recovery/new_cluster.ts";
import { planRecovery } from "../../../../lib/node/recovery/plan.ts";
import { toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { inspectDirectory } from "../../../../lib/storage/inspect.ts";
import { refuseOtherCopy } from "../../../../lib/storage/kept_copy.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import {
  ALONE,
  force,
  LOG,
  makeSurvivor,
  OLD_CLUSTER,
  planFor,
  startOn,
  SURVIVOR,
  THREE,
} from "../../../support/survivor.ts";
import { durableCopy, flip } from "../../storage/support.ts";

const NEW_CLUSTER = "e".repeat(32);
const KEPT = `${SURVIVOR}/before-recovery`;
const LAST = LOG.length;

async function survivor(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await makeSurvivor(disk);
  return disk;
}

async function planned(disk: MemoryDisk, wish: Parameters<typeof planFor>[1] = {}) {
  const plan = await planFor(disk, wish);
  assert(plan !== undefined, "There is something to recover");
  return plan;
}

/** The keys of a content: key, value, create revision, revision, version, deadline. */
function keysOf(content: string): [string, string, number, number, number, number][] {
  return JSON.parse(content)[1];
}

Deno.test("the new cluster has another id, this node as its only voter, and everything that the directory held", async () => {
  const disk = await survivor();
  const before = keysOf((await startOn(durableCopy(disk))).content);
  assertEquals(before.map(([key]) => key), ["a", "brief", "c", "d"]);
  const plan = await planned(disk);
  const recovery = await force(disk, plan);
  assertEquals(recovery, { clusterId: NEW_CLUSTER, kept: KEPT, keys: 4 });
  const held = await startOn(durableCopy(disk));
  assertEquals(held.hardState, { currentTerm: toTerm(6), votedFor: undefined, clusterId: NEW_CLUSTER });
  assertEquals(held.configuration, { ...ALONE, clusterId: NEW_CLUSTER, retired: [[1, 2]] });
  const raised = before.map(([key, value, create, revision, version, deadline]) => {
    return [key, value, create + plan.raise.raisedBy, revision + plan.raise.raisedBy, version, deadline];
  });
  assertEquals(keysOf(held.content), raised as typeof before);
});

Deno.test("every revision lies above what the old cluster can have handed out, at the smallest step too, and the next above them", async () => {
  for (const revisionStep of [1, 1_000_000]) {
    const disk = await survivor();
    const plan = await planned(disk, { revisionStep });
    await force(disk, plan);
    const { content, lastIndex } = await startOn(disk);
    for (const [key, , create, revision] of keysOf(content)) {
      assert(create > LAST + revisionStep, `${key} was made at ${create}`);
      assert(revision <= lastIndex, `${key} has ${revision}, the last is ${lastIndex}`);
    }
    assertEquals(lastIndex, 2 * LAST + revisionStep);
  }
});

Deno.test("sessions of before do not go on", async () => {
  const disk = await survivor();
  assertStringIncludes((await startOn(durableCopy(disk))).content, "sessions");
  await force(disk, await planned(disk));
  const { content } = await startOn(disk);
  assert(!content.includes("sessions"), content);
});

Deno.test("the old data stands beside the new, and a node starts on it as it was", async () => {
  const disk = await survivor();
  const before = await startOn(disk);
  await force(disk, await planned(disk));
  const kept = await startOn(durableCopy(disk), KEPT);
  assertEquals(kept, before);
  assertEquals(kept.hardState.clusterId, OLD_CLUSTER);
});

Deno.test("other members are learners without an identity, and the directory's own keeps its identity wherever it is", async () => {
  const disk = await survivor();
  const other = { id: 7, address: "n7:1", clientAddress: "n7:2", identity: "" };
  const own = { id: 0, address: "n0:1", clientAddress: "n0:2", identity: "" };
  await force(disk, await planned(disk, { members: [other, own] }));
  assertEquals((await startOn(disk)).configuration, {
    members: [{ ...own, identity: "identity-0" }, other],
    voters: [0],
    votersOld: [],
    learners: [7],
    clusterId: NEW_CLUSTER,
    retired: [[1, 2]],
  });
});

Deno.test("ids of lost members that are not named are given to nobody again, and what is not about members goes on", async () => {
  const inspection = await inspectDirectory(await survivor(), SURVIVOR);
  assert(inspection.recoverable !== null);
  const configuration = { ...THREE, retired: [[4, 5]] as const, drained: [0], further: 7 };
  const changed = { ...inspection, recoverable: { ...inspection.recoverable, configuration } };
  const named = (id: number) => ({ id, address: `n${id}:1`, clientAddress: `n${id}:2`, identity: "" });
  const plan = planRecovery(changed, { members: [named(1)], revisionStep: 1 });
  const members = [...ALONE.members, named(1)];
  assertEquals<unknown>(plan?.configuration, {
    ...ALONE,
    members,
    learners: [1],
    retired: [[2, 2], [4, 5]],
    further: 7,
  });
  const error = await assertRejects(async () =>
    planRecovery(await Promise.resolve(changed), { members: [named(5)], revisionStep: 1 })
  );
  assert(error instanceof IncompatibleError);
  assertStringIncludes(error.message, "node 5 was removed from the cluster, and its id is used no more");
});

Deno.test("a directory that was recovered needs no recovery, before a node ran on it and after", async () => {
  const disk = await survivor();
  await force(disk, await planned(disk));
  assertEquals(await planFor(disk), undefined);
  await startOn(disk);
  assertEquals(await planFor(disk), undefined);
});

Deno.test("a directory that has changed since the plan is left as it was", async () => {
  const disk = await survivor();
  const plan = await planned(disk);
  for (const changed of [{ ...plan, clusterId: "other" }, { ...plan, last: { ...plan.last, index: toIndex(9) } }]) {
    await assertRejects(() => force(disk, changed), IncompatibleError, "it has changed meanwhile; repeat the command");
    assert(!disk.exists(KEPT));
    assertEquals((await startOn(durableCopy(disk))).hardState.clusterId, OLD_CLUSTER);
  }
});

Deno.test("a directory in use, and a damaged one, are refused and left as they were", async () => {
  const disk = await survivor();
  const plan = await planned(disk);
  const lock = await disk.lock(`${SURVIVOR}/LOCK`, SURVIVOR);
  await assertRejects(() => force(disk, plan), DirectoryLockedError);
  lock.release();
  flip(disk, `${SURVIVOR}/wal/00000000000000000001.wal`, 8 * 200);
  const files = disk.files();
  const damage = await assertRejects(() => force(disk, plan), CorruptionError);
  assertEquals([damage.file, typeof damage.offset], [`${SURVIVOR}/wal/00000000000000000001.wal`, "number"]);
  assertEquals(disk.files(), files);
});

Deno.test("a full disk changes nothing, and with room the recovery is made", async () => {
  const disk = await survivor();
  const before = await startOn(disk);
  const used = [...disk.files().values()].reduce((sum, bytes) => sum + bytes.length, 0);
  const plan = await planned(disk);
  let refused = 0;
  for (let room = 0;; room += 512) {
    const full = durableCopy(disk);
    full.capacityBytes = used + room;
    const outcome = await force(full, plan).then(() => undefined, (error: unknown) => error);
    if (outcome === undefined) break;
    assert(outcome instanceof NoSpaceError, String(outcome));
    assertEquals(await startOn(durableCopy(full)), before, `with ${room} bytes`);
    refused += 1;
  }
  assert(refused > 5, `refused ${refused} times`);
});

Deno.test("the copy of an earlier recovery is never written over, that of an interrupted attempt is", async () => {
  const disk = await survivor();
  const plan = await planned(disk);
  disk.hooks.failWrite = (path) => path.includes("/create-");
  await assertRejects(() => force(disk, plan));
  disk.hooks.failWrite = undefined;
  disk.releaseLocks();
  assert(disk.exists(`${KEPT}/RaftNode0.json`));
  await force(disk, plan);
  const place = { directory: SURVIVOR, nodeId: 0 };
  refuseOtherCopy(disk, { ...place, clusterId: OLD_CLUSTER });
  const error = await assertRejects(async () =>
    refuseOtherCopy(disk, { ...place, clusterId: await Promise.resolve(NEW_CLUSTER) })
  );
  assert(error instanceof IncompatibleError);
  assertStringIncludes(error.message, `Cannot keep a copy in ${KEPT}: it holds that of an earlier recovery`);
});

Deno.test("what holds no data of a cluster, and what would leave no room for revisions, is refused", async () => {
  const disk = await survivor();
  const inspection = await inspectDirectory(disk, SURVIVOR);
  assert(inspection.recoverable !== null);
  const wish = { members: [], revisionStep: 1 };
  const refusal = (changed: Partial<typeof inspection>, changedWish: Partial<typeof wish> = {}): string => {
    try {
      planRecovery({ ...inspection, ...changed }, { ...wish, ...changedWish });
    } catch (error) {
      assert(error instanceof IncompatibleError);
      return error.message;
    }
    return "";
  };
  assertStringIncludes(refusal({ recoverable: null }), "it cannot be read");
  assertStringIncludes(
    refusal({ recoverable: { ...inspection.recoverable, clusterId: null } }),
    "it knows of no cluster",
  );
  const stepMax = RECOVERED_REVISION_MAX - 2 * LAST;
  assertStringIncludes(refusal({}, { revisionStep: stepMax + 1 }), "give a smaller --revision-step");
  assertEquals(refusal({}, { revisionStep: stepMax }), "");
  // What was on in the old cluster is on in the new one: the state may need it.
  for (const on of [{}, { level: 7 }]) {
    const configuration = { ...inspection.recoverable.configuration, ...on };
    const plan = planRecovery({ ...inspection, recoverable: { ...inspection.recoverable, configuration } }, wish);
    assertEquals([plan?.configuration.level], [configuration.level]);
  }
  // A change that is under way: the old voters count as well.
  const joint = { ...THREE, voters: [0], votersOld: [0, 1, 2] };
  assertNotEquals(
    planRecovery({ ...inspection, recoverable: { ...inspection.recoverable, configuration: joint } }, wish),
    undefined,
  );
});
