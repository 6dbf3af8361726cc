/** The in-memory disk loses exactly what was not synced. */

import { assertEquals } from "@std/assert";
import { AccessError, DiskFailureError, NoSpaceError } from "../../../lib/base/errors.ts";
import { type CrashSurvival, MemoryDisk } from "./memory_disk.ts";
import { failure } from "../../unit/storage/support.ts";

const ALL: CrashSurvival = {
  keepOperation: () => true,
  keepSize: () => true,
  keepVersions: (_path, _sector, count) => count,
};

function bytes(value: number, length = 512): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** A disk with a durable directory and a durable file of two sectors. */
async function prepared(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  disk.makeDirectory("/a");
  const file = disk.open("/a/f", "create");
  file.writeAt(0, bytes(1, 1_024));
  await file.syncData();
  await disk.syncDirectory("/a");
  await disk.syncDirectory("/");
  return disk;
}

/** The first byte of each sector of a file. */
function sectors(disk: MemoryDisk, path = "/a/f"): number[] | undefined {
  const contents = disk.contents(path);
  return contents && Array.from({ length: Math.ceil(contents.length / 512) }, (_, at) => contents[at * 512] ?? -1);
}

Deno.test("unsynced sectors survive one by one, in any of their versions", async () => {
  const disk = await prepared();
  const file = disk.open("/a/f", "write");
  file.writeAt(0, bytes(2, 1_024));
  file.writeAt(512, bytes(3));
  assertEquals(sectors(disk), [2, 3]);
  assertEquals(sectors(disk.crash()), [1, 1]);
  assertEquals(sectors(disk.crash(ALL)), [2, 3]);
  assertEquals(sectors(disk.crash({ keepVersions: (_path, sector) => sector })), [1, 2]);
  assertEquals(sectors(disk.crash({ keepVersions: (_path, sector, count) => sector === 1 ? count : 0 })), [1, 3]);
  await file.syncData();
  assertEquals(sectors(disk.crash()), [2, 3]);
});

Deno.test("a sync covers what was written before it began", async () => {
  const disk = await prepared();
  const file = disk.open("/a/f", "write");
  file.writeAt(0, bytes(2));
  const running = file.syncData();
  file.writeAt(0, bytes(3));
  file.writeAt(512, bytes(3));
  await running;
  assertEquals(sectors(disk.crash()), [2, 1]);
});

Deno.test("a failed sync loses its pages, also for later syncs", async () => {
  const disk = await prepared();
  const file = disk.open("/a/f", "write");
  file.writeAt(0, bytes(2));
  disk.hooks.failSync = () => true;
  await failure(DiskFailureError, () => file.syncData());
  disk.hooks.failSync = undefined;
  await file.syncData();
  assertEquals([sectors(disk), sectors(disk.crash())], [[2, 1], [1, 1]]);
});

Deno.test("a size is durable with the data, and data beyond it is lost", async () => {
  const disk = await prepared();
  const file = disk.open("/a/f", "write");
  file.writeAt(1_024, bytes(2));
  assertEquals(sectors(disk.crash({ keepVersions: () => 1 })), [1, 1]);
  assertEquals(sectors(disk.crash({ keepSize: () => true })), [1, 1, 0]);
  await file.syncData();
  assertEquals(sectors(disk.crash()), [1, 1, 2]);
  file.truncate(512);
  assertEquals([sectors(disk), sectors(disk.crash()), sectors(disk.crash(ALL))], [[1], [1, 1, 2], [1]]);
  await file.syncData();
  file.writeAt(1_024, bytes(5));
  await file.syncData();
  assertEquals(sectors(disk.crash()), [1, 0, 5]);
});

Deno.test("directory changes survive one by one until the directory is synced", async () => {
  const disk = await prepared();
  const file = disk.open("/a/g.tmp", "create");
  file.writeAt(0, bytes(7));
  await file.syncData();
  disk.rename("/a/g.tmp", "/a/g");
  disk.remove("/a/f");
  assertEquals(disk.list("/a"), ["g"]);
  assertEquals(disk.crash().list("/a"), ["f"]);
  assertEquals(disk.crash(ALL).list("/a"), ["g"]);
  const names = (type: string) => disk.crash({ keepOperation: (operation) => operation.type === type }).list("/a");
  assertEquals([names("Create"), names("Rename"), names("Remove")], [["f", "g.tmp"], ["f", "g"], []]);
  await disk.syncDirectory("/a");
  assertEquals(disk.crash().list("/a"), ["g"]);
  assertEquals(sectors(disk.crash(), "/a/g"), [7]);
});

Deno.test("what is in a directory that is lost is lost with it", async () => {
  const disk = new MemoryDisk();
  disk.makeDirectory("/x/y");
  const file = disk.open("/x/y/f", "create");
  await file.syncData();
  await disk.syncDirectory("/x/y");
  await disk.syncDirectory("/x");
  assertEquals(disk.crash().exists("/x/y/f"), false);
  await disk.syncDirectory("/");
  assertEquals(disk.crash().exists("/x/y/f"), true);
});

Deno.test("a full disk takes what fits, and room returns with a removal", async () => {
  const disk = new MemoryDisk({ capacityBytes: 1_000, fileBytesMax: 900 });
  const first = disk.open("/f", "create");
  first.writeAt(0, bytes(1, 600));
  const second = disk.open("/g", "create");
  await failure(NoSpaceError, () => second.writeAt(0, bytes(2, 600)));
  assertEquals(second.size(), 400);
  first.writeAt(0, bytes(3, 600)); // Overwriting needs no room.
  disk.remove("/f");
  second.writeAt(400, bytes(2, 500));
  await failure(NoSpaceError, () => second.writeAt(900, bytes(2, 1)));
});

Deno.test("pieces, open modes and missing files", async () => {
  const disk = new MemoryDisk({ pieceBytes: 100 });
  const calls: string[] = [];
  disk.hooks.afterCall = (operation) => calls.push(operation);
  disk.open("/f", "create").writeAt(0, bytes(1, 250));
  assertEquals(calls, ["Create", "write", "write", "write"]);
  await failure(AccessError, () => disk.open("/g", "write"));
  await failure(AccessError, () => disk.open("/no/g", "create"));
  await failure(AccessError, () => disk.rename("/g", "/h"));
  disk.remove("/g");
  assertEquals(disk.list("/no"), []);
  assertEquals(disk.open("/f", "create").size(), 0);
  const target = new Uint8Array(4);
  assertEquals(disk.open("/f", "read").readAt(0, target), 0);
});
