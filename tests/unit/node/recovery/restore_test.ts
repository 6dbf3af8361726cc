/** A restore: another cluster id, all that the backup held, no revision of before, and directories that fit together or are refused. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DirectoryLockedError, DiskFailureError, IncompatibleError } from "../../../../lib/base/errors.ts";
import { RECOVERED_REVISION_MAX } from "../../../../lib/node/recovery/new_cluster.ts";
import { planRestore } from "../../../../lib/node/recovery/restore.ts";
import { type Member, toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { RESTORING_NAME } from "../../../../lib/storage/restore_mark.ts";
import { BACKUP_AT, inputOf, makeBackup, readBackup } from "../../../support/backups.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { planOf, restore, RESTORED, STEP } from "../../../support/restores.ts";
import { blocksOf, contentOf } from "../../../support/state.ts";
import { OLD_CLUSTER, startOn } from "../../../support/survivor.ts";
import { durableCopy } from "../../storage/support.ts";

const BACKUP = await makeBackup();
const HELD = contentOf(blocksOf((await readBackup(inputOf(BACKUP))).state));

type Key = [key: string, value: string, create: number, revision: number, version: number, deadline: number];

function keysOf(content: string): Key[] {
  return JSON.parse(content)[1];
}

function member(id: number): Member {
  return { id, address: `n${id}:1`, clientAddress: `n${id}:2`, identity: "" };
}

/** The message with which a restore is refused. */
async function refusal(...args: Parameters<typeof planOf>): Promise<string> {
  return (await assertRejects(() => planOf(...args), IncompatibleError)).message;
}

Deno.test("a restore makes a cluster of another id with everything that the backup held, at revisions above all of before", async () => {
  const disk = new MemoryDisk();
  const plan = await restore(disk, BACKUP);
  const held = await startOn(durableCopy(disk), RESTORED);
  assertNotEquals(plan.clusterId, OLD_CLUSTER);
  assertMatch(plan.clusterId, /^[0-9a-f]{32}$/);
  assertEquals(held.hardState, { currentTerm: toTerm(3), votedFor: undefined, clusterId: plan.clusterId });
  assertEquals(held.lastIndex, 2 * BACKUP_AT + STEP);
  assertEquals([held.configuration?.voters, held.configuration?.clusterId], [[0], plan.clusterId]);
  const by = BACKUP_AT + STEP;
  const raised = keysOf(HELD).map(([key, value, create, revision, version, deadline]): Key => {
    return [key, value, create + by, revision + by, version, deadline];
  });
  assertEquals(keysOf(held.content), raised);
  assert(raised.every(([, , create]) => create > BACKUP_AT + STEP), "no revision that may have been handed out");
  assertEquals(raised.filter(([, , , , , deadline]) => deadline > 0).length, 1);
  // Sessions with their ids and answers.
  const sessionsOf = (content: string) => JSON.parse(content)[0].slice(1);
  assertEquals(sessionsOf(held.content), sessionsOf(HELD));
  assertStringIncludes(String(sessionsOf(held.content)), "sessions");
});

Deno.test("a restore ends sessions and deadlines where it is told to, and nothing else", async () => {
  const disk = new MemoryDisk();
  await restore(disk, BACKUP, { keepsSessions: false, keepsDeadlines: false });
  const { content } = await startOn(disk, RESTORED);
  assert(!content.includes("sessions"), content);
  const kept = keysOf(content).map(([key, value, , , version, deadline]) => [key, value, version, deadline]);
  assertEquals(kept, keysOf(HELD).map(([key, value, , , version]) => [key, value, version, 0]));
});

Deno.test("nodes that are restored from one file in one way begin alike, each with a directory of its own", async () => {
  const members = [member(0), member(1), member(2)];
  const disk = new MemoryDisk();
  const first = await restore(disk, BACKUP, { members });
  const second = await restore(disk, BACKUP, {
    ...{ directory: "/data/second", nodeId: 1, clusterId: first.clusterId },
    members: [...members].reverse(),
  });
  assertEquals(second.clusterId, first.clusterId);
  assertEquals([second.raise, second.configuration], [first.raise, first.configuration]);
  assertEquals(first.configuration.voters, [0, 1, 2]);
  // An identity counts from the moment in which the leader has recorded it: a second directory for one node is then refused.
  assertEquals(first.configuration.members.map(({ identity }) => identity), ["", "", ""]);
});

Deno.test("an id that was made for another file, other members, another name or other flags is refused", async () => {
  const members = [member(0), member(1)];
  const { clusterId } = await planOf(BACKUP, { members });
  const second = { members, clusterId, nodeId: 1 };
  assertEquals((await planOf(BACKUP, second)).clusterId, clusterId);
  const others = [
    { ...second, members: [member(0), { ...member(1), address: "elsewhere:1" }] },
    { ...second, members: [...members, member(2)] },
    { ...second, clusterName: "shop" },
    { ...second, revisionStep: STEP + 1 },
    { ...second, keepsSessions: false },
    { ...second, keepsDeadlines: false },
    { ...second, clusterId: OLD_CLUSTER },
  ];
  for (const other of others) assertMatch(await refusal(BACKUP, other), /is the id of a restore of another file/);
  const backup = await readBackup(inputOf(BACKUP));
  const changed = { summary: { ...backup.summary, checksum: backup.summary.checksum ^ 1 } };
  const plan = await planOf(BACKUP, second);
  const error = await assertRejects(
    async () => await planRestore(changed, plan, { random: () => 0 }),
    IncompatibleError,
  );
  assertMatch(error.message, /is the id of a restore of another file/);
});

Deno.test("members without the node, and a step that leaves no room for revisions, are refused", async () => {
  assertMatch(await refusal(BACKUP, { members: [member(1)] }), /--members does not name node 0$/);
  const stepMax = RECOVERED_REVISION_MAX - 2 * BACKUP_AT;
  assertMatch(await refusal(BACKUP, { revisionStep: stepMax + 1 }), /give a smaller --revision-step$/);
  assertEquals((await planOf(BACKUP, { revisionStep: stepMax })).raise.begins.index, toIndex(RECOVERED_REVISION_MAX));
});

Deno.test("a directory with anything in it stays as it is", async () => {
  const disk = new MemoryDisk();
  disk.makeDirectory(RESTORED);
  disk.open(`${RESTORED}/notes.txt`, "create").close();
  const error = await assertRejects(() => restore(disk, BACKUP), IncompatibleError);
  assertEquals(error.message, `Cannot restore into ${RESTORED}: it is not empty, it holds notes.txt`);
  assertEquals(disk.list(RESTORED), ["notes.txt"]);
  const done = new MemoryDisk();
  await restore(done, BACKUP);
  const before = await startOn(durableCopy(done), RESTORED);
  await assertRejects(() => restore(done, BACKUP), IncompatibleError, "it is not empty");
  assertEquals(await startOn(done, RESTORED), before);
});

Deno.test("a restore that another one overtakes before it has the lock leaves what that has made", async () => {
  const disk = new MemoryDisk();
  const lock = disk.lock.bind(disk);
  disk.lock = async (path, directory) => {
    disk.lock = lock;
    await restore(disk, BACKUP);
    return await lock(path, directory);
  };
  const late = () => restore(disk, BACKUP, { keepsSessions: false });
  await assertRejects(late, IncompatibleError, "it is not empty, it holds LOCK");
  assertStringIncludes((await startOn(disk, RESTORED)).content, "sessions");
});

Deno.test("a restore holds the lock until its mark is gone, and gives it back when it is done or fails", async () => {
  const disk = new MemoryDisk();
  const tries: Promise<unknown>[] = [];
  disk.hooks.afterCall = (_, path) => {
    if (!path.endsWith(RESTORING_NAME)) return;
    tries.push(assertRejects(() => disk.lock(`${RESTORED}/LOCK`, RESTORED), DirectoryLockedError));
  };
  await restore(disk, BACKUP);
  await Promise.all(tries);
  assertEquals(tries.length, 2, "the mark was made and removed");
  disk.hooks.afterCall = undefined;
  (await disk.lock(`${RESTORED}/LOCK`, RESTORED)).release();
  const failing = new MemoryDisk();
  failing.hooks.failSync = (path) => path.endsWith(".tmp");
  await assertRejects(() => restore(failing, BACKUP), DiskFailureError);
  failing.hooks.failSync = undefined;
  await restore(failing, BACKUP);
  assertStringIncludes((await startOn(failing, RESTORED)).content, "sessions");
});

Deno.test("a lock without a mark, which a restore leaves that ends at its very beginning, is no data", async () => {
  const disk = new MemoryDisk();
  disk.makeDirectory(RESTORED);
  disk.open(`${RESTORED}/LOCK`, "create").close();
  await restore(disk, BACKUP);
  assertStringIncludes((await startOn(disk, RESTORED)).content, "sessions");
});

Deno.test("a volume of its own is empty but for what its file system keeps there, and that stays", async () => {
  const disk = new MemoryDisk();
  disk.makeDirectory(`${RESTORED}/lost+found`);
  disk.open(`${RESTORED}/lost+found/#12`, "create").close();
  await restore(disk, BACKUP);
  assertEquals(disk.list(`${RESTORED}/lost+found`), ["#12"]);
  assert(!disk.list(RESTORED).includes(RESTORING_NAME));
});

Deno.test("no node starts on a directory that is half restored, and another restore begins it anew", async () => {
  const disk = new MemoryDisk();
  await restore(disk, BACKUP, { keepsSessions: false });
  disk.open(`${RESTORED}/${RESTORING_NAME}`, "create").close();
  const error = await assertRejects(() => startOn(disk, RESTORED), IncompatibleError);
  assertMatch(error.message, /a restore into it was interrupted; repeat kvstore restore, or empty the directory$/);
  disk.open(`${RESTORED}/notes.txt`, "create").close();
  const kept = await assertRejects(() => restore(disk, BACKUP), IncompatibleError);
  assertEquals(kept.message, `Cannot restore into ${RESTORED}: it is not empty, it holds notes.txt`);
  assert(disk.exists(`${RESTORED}/notes.txt`));
  disk.remove(`${RESTORED}/notes.txt`);
  await restore(disk, BACKUP);
  assertStringIncludes((await startOn(disk, RESTORED)).content, "sessions");
});
