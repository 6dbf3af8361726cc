/** Which backups of a directory may go: whatever else is in it, and whatever became of the newer ones. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { backupName, isTemporaryName, KeptBackups, timeOfName } from "../../../../lib/cli/backup/kept_backups.ts";
import { backupInto, temporaryName } from "../../../../lib/cli/backup/output_file.ts";
import { MasterKey } from "../../../../lib/storage/encryption/master_key.ts";
import { makeBackup } from "../../../support/backups.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { OLD_CLUSTER } from "../../../support/survivor.ts";

const START_MS = Date.parse("2026-11-29T19:00:00Z");
const HOUR_MS = 3_600_000;
const NOW_MS = START_MS + 9 * HOUR_MS;
const DIRECTORY = "/backups";

function nameOf(hour: number): string {
  return backupName(START_MS + hour * HOUR_MS);
}

/** A directory with whole backups of these hours. */
async function filled(...hours: readonly number[]) {
  const disk = new MemoryDisk();
  disk.makeDirectory(DIRECTORY);
  const bytes = await makeBackup();
  const write = (name: string, content: Uint8Array) => {
    const file = disk.open(`${DIRECTORY}/${name}`, "create");
    file.writeAt(0, content);
    file.close();
  };
  for (const hour of hours) write(nameOf(hour), bytes);
  const told: string[] = [];
  const kept = new KeptBackups({ disk, directory: DIRECTORY, warn: (line) => told.push(line) });
  return { disk, bytes, write, told, kept };
}

Deno.test("names tell their moments, sort as these do, and no other name is one", () => {
  assertEquals([nameOf(0), timeOfName(nameOf(0))], ["kvstore-20261129T190000Z.snap", START_MS]);
  assertEquals(backupName(START_MS + 999), nameOf(0));
  for (const name of ["kvstore-20261129T190000Z.snap.bak", "x", "kvstore-20269929T190000Z.snap", "LOCK"]) {
    assertEquals(timeOfName(name), undefined, name);
  }
  const names = [3, 30, 300, 3_000, 30_000].map(nameOf);
  assertEquals(names.toSorted(), names);
  assertEquals([isTemporaryName(temporaryName(nameOf(0))), isTemporaryName(nameOf(0))], [true, false]);
});

Deno.test("only a whole backup goes of which enough newer ones of its cluster are whole", async () => {
  const { disk, bytes, write, told, kept } = await filled(0, 1, 2, 3, 5);
  write(nameOf(4), bytes.slice(0, -1));
  write(nameOf(-1), bytes.slice(0, -1));
  for (const other of ["notes.txt", "kvstore-old.snap", "LOCK"]) write(other, bytes);
  assertEquals(await kept.prune("another cluster", { keep: 1, nowMs: NOW_MS }), []);
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 2, nowMs: NOW_MS }), [nameOf(2), nameOf(1), nameOf(0)]);
  assertEquals(
    disk.list(DIRECTORY),
    ["LOCK", nameOf(-1), nameOf(3), nameOf(4), nameOf(5), "kvstore-old.snap", "notes.txt"].toSorted(),
  );
  assertEquals(told.length, 2);
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 1, nowMs: NOW_MS }), [nameOf(3)]);
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 1, nowMs: NOW_MS }), []);
  // Each is told once.
  assertEquals(told.length, 2);
});

Deno.test("where all newer ones are damaged the last whole one stays, and is the newest", async () => {
  const { bytes, write, kept } = await filled(0);
  for (const hour of [1, 2, 3]) write(nameOf(hour), bytes.slice(0, 100));
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 1, nowMs: NOW_MS }), []);
  assertEquals([kept.newest(NOW_MS)?.name, kept.newest(NOW_MS)?.timeMs], [nameOf(0), START_MS]);
  const empty = await filled();
  assertEquals(empty.kept.newest(NOW_MS), undefined);
});

Deno.test("what a clock that was ahead has left neither counts nor goes, and is told once: the one just made stays", async () => {
  const { disk, told, kept } = await filled(0, 1, 100, 200);
  const nowMs = START_MS + HOUR_MS + 999;
  assertEquals(kept.newest(nowMs)?.name, nameOf(1));
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 1, nowMs }), [nameOf(0)]);
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 1, nowMs }), []);
  assertEquals(disk.list(DIRECTORY), [nameOf(1), nameOf(100), nameOf(200)]);
  assertEquals(kept.newest(START_MS), undefined);
  assertEquals(told, [`${nameOf(200)} is of the future; such backups are left as they are, and do not count`]);
  // Once it has come, it is one like any other.
  assertEquals(kept.newest(START_MS + 150 * HOUR_MS)?.name, nameOf(100));
});

Deno.test("backups that are encrypted count where their key is known; one under another key is told of and stays", async () => {
  const { disk, bytes, told } = await filled();
  const [key, other] = [1, 2].map((byte) => new MasterKey(new Uint8Array(32).fill(byte)));
  assert(key !== undefined && other !== undefined);
  for (const [hour, master] of [[0, other], [1, key], [2, key]] as const) {
    const file = disk.open(`${DIRECTORY}/${nameOf(hour)}`, "create");
    backupInto(file, [master]).writeAt(0, bytes);
    file.close();
  }
  const kept = new KeptBackups({ disk, directory: DIRECTORY, masterKeys: [key], warn: (line) => told.push(line) });
  assertEquals(kept.newest(NOW_MS)?.name, nameOf(2));
  assertEquals(await kept.prune(OLD_CLUSTER, { keep: 1, nowMs: NOW_MS }), [nameOf(1)]);
  assertEquals(disk.list(DIRECTORY), [nameOf(0), nameOf(2)]);
  assertEquals(told.length, 1);
  assertMatch(told[0] ?? "", new RegExp(`under master key ${other.id}, .*; it is left as it is, and does not count$`));
});
