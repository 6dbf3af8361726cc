import { assertEquals, assertGreaterOrEqual, assertRejects, assertThrows } from "@std/assert";

import { DiskFailureError, NoSpaceError } from "../../lib/base/errors.ts";
import { DenoDisk } from "../../lib/storage/deno_disk.ts";
import { treeBytes } from "../e2e/support/tree.ts";
import { type DiskControl, type DiskEffect, HEALTHY_DISK, readDiskControl, writeDiskControl } from "./disk_control.ts";
import { FaultyDisk } from "./faulty_disk.ts";

async function onDisk(
  body: (place: { disk: FaultyDisk; folder: string; set(change: Partial<DiskControl>): void; felt: DiskEffect[] }) =>
    | void
    | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    let control = HEALTHY_DISK;
    const felt: DiskEffect[] = [];
    const disk = new FaultyDisk(new DenoDisk(), {
      control: () => control,
      usedBytes: () => treeBytes(folder),
      felt: (effect) => felt.push(effect),
    });
    const set = (change: Partial<DiskControl>) => {
      control = { ...HEALTHY_DISK, ...change };
    };
    await body({ disk, folder, set, felt });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a full disk takes what fits, refuses the rest, and lets everything else go on", () =>
  onDisk(({ disk, folder, set, felt }) => {
    const file = disk.open(`${folder}/a`, "create");
    file.writeAt(0, new Uint8Array(100));
    set({ bytesMax: 130 });
    file.writeAt(50, new Uint8Array(50).fill(7));
    assertEquals(felt, []);
    assertThrows(() => file.writeAt(90, new Uint8Array(60)), NoSpaceError);
    assertEquals([file.size(), treeBytes(folder)], [130, 130]);
    assertThrows(() => file.writeAt(130, new Uint8Array(1)), NoSpaceError);
    assertEquals(felt, ["no-room", "no-room"]);
    file.truncate(100);
    file.writeAt(100, new Uint8Array(30));
    set({});
    file.writeAt(130, new Uint8Array(1_000));
    assertEquals(file.size(), 1_130);
    file.close();
  }));

Deno.test("a sync that is made to fail fails as a real one does, and is told", () =>
  onDisk(async ({ disk, folder, set, felt }) => {
    const file = disk.open(`${folder}/a`, "create");
    await file.syncData();
    set({ failSync: true });
    await assertRejects(() => file.syncData(), DiskFailureError);
    await assertRejects(() => disk.syncDirectory(folder), DiskFailureError);
    assertEquals(felt, ["sync-failed", "sync-failed"]);
    file.close();
  }));

Deno.test("a slow disk takes its time, and a file may be closed meanwhile", () =>
  onDisk(async ({ disk, folder, set, felt }) => {
    const file = disk.open(`${folder}/a`, "create");
    set({ syncDelayMs: 30 });
    const begin = performance.now();
    const syncing = file.syncData();
    file.close();
    await syncing;
    assertGreaterOrEqual(performance.now() - begin, 29);
    assertEquals(felt, ["sync-slowed"]);
  }));

Deno.test("what is told to a disk is beside the node's directory, and healthy until then", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(readDiskControl(`${folder}/node-0`), HEALTHY_DISK);
    const control = { ...HEALTHY_DISK, bytesMax: 5 };
    writeDiskControl(`${folder}/node-0`, control);
    assertEquals(readDiskControl(`${folder}/node-0`), control);
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["node-0.disk.json"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
