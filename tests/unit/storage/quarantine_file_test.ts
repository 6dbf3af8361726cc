/** The mark of a directory whose state is not sound: durable in both directions, and kept as evidence up to a bound. */

import { assertEquals } from "@std/assert";
import { QUARANTINE_KEPT_MAX, QuarantineFile } from "../../../lib/storage/quarantine_file.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";

const FOLDER = "/data/quarantine";

/** A disk with the directory of a node. */
async function diskOfNode(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  disk.makeDirectory("/data");
  await disk.syncDirectory("/");
  return disk;
}

function fileOn(disk: MemoryDisk): QuarantineFile {
  return new QuarantineFile(disk, "/data");
}

Deno.test("a mark outlives a power loss that keeps nothing unsynced, and so does its end", async () => {
  let disk = await diskOfNode();
  assertEquals(fileOn(disk).isOpen, false);
  await fileOn(disk).open({ what: "a test" });
  disk = disk.crash({});
  assertEquals(fileOn(disk).isOpen, true);
  await fileOn(disk).close(17);
  disk = disk.crash({});
  assertEquals(fileOn(disk).isOpen, false);
  assertEquals(disk.list(FOLDER), ["17.json"]);
  const text = new TextDecoder().decode(disk.contents(`${FOLDER}/17.json`));
  assertEquals(JSON.parse(text), { what: "a test" });
});

Deno.test("what is over is kept of the last times only, and an end without a beginning changes nothing", async () => {
  const disk = await diskOfNode();
  await fileOn(disk).close(1);
  assertEquals(disk.list(FOLDER), []);
  const indexes = Array.from({ length: QUARANTINE_KEPT_MAX + 2 }, (_, at) => 8 + at);
  for (const index of indexes) {
    await fileOn(disk).open({ index });
    await fileOn(disk).close(index);
  }
  const kept = indexes.slice(-QUARANTINE_KEPT_MAX).map((index) => `${index}.json`);
  assertEquals(disk.list(FOLDER).toSorted(), kept.toSorted());
});
