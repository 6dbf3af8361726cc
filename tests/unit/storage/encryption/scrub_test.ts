/** The scrub of the file with the keys: what has rotted is found, and written again as it was; what `kvstore rekey` has written is sound. */

import { assert, assertEquals } from "@std/assert";
import { IncompatibleError } from "../../../../lib/base/errors.ts";
import { decodeChecked, encodeChecked } from "../../../../lib/storage/checked_json.ts";
import { KEY_FILE_FORMAT } from "../../../../lib/storage/encryption/key_file.ts";
import { KeyFiles } from "../../../../lib/storage/encryption/key_files.ts";
import type { FoundDamage } from "../../../../lib/storage/scrub.ts";
import type { Storage } from "../../../../lib/storage/storage.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { DIRECTORY, entries, flip, idsOf, open, write } from "../support.ts";
import { KEY_FILE, keyed, NEW, OLD, seeded } from "./support.ts";

async function used(disk: MemoryDisk): Promise<Storage> {
  const storage = await open(keyed(disk));
  await write(storage, entries(1, 1));
  return storage;
}

function damages(storage: Storage): readonly FoundDamage[] {
  return Array.from({ [Symbol.iterator]: () => storage.scrub() }).filter((step) => step.type === "Damaged");
}

function rewrap(disk: MemoryDisk): Promise<boolean> {
  return new KeyFiles(disk, { masterKeys: [NEW, OLD], random: seeded(9) }).rewrap(DIRECTORY);
}

Deno.test("every flipped bit of the file with the keys is found, with file and offset, and the file is written again as it was", async () => {
  const disk = new MemoryDisk();
  const storage = await used(disk);
  assertEquals(damages(storage), []);
  const sound = disk.contents(KEY_FILE) ?? new Uint8Array();
  assert(sound.length > 100);
  for (let bit = 0; bit < sound.length * 8; bit++) {
    flip(disk, KEY_FILE, bit);
    const [found, ...more] = damages(storage);
    assertEquals([found?.damage.file, found?.damage.offset, found?.part, more], [
      KEY_FILE,
      0,
      { type: "KeyFile" },
      [],
    ], `bit ${bit}`);
    assertEquals(await storage.restoreKeyFile(), true);
    assertEquals(disk.contents(KEY_FILE), sound, `bit ${bit}`);
  }
  disk.remove(KEY_FILE);
  assertEquals(damages(storage).map(({ part }) => part), [{ type: "KeyFile" }]);
  assertEquals(await storage.restoreKeyFile(), true);
  assertEquals(damages(storage), []);
  await storage.close();
  const again = await open(keyed(disk.crash()));
  assertEquals(idsOf(again.recovered.runs.flatMap((run) => run.entries())), "1/1");
  await again.close();
});

Deno.test("a file with the keys that the disk does not read any more is written again from memory", async () => {
  const disk = new MemoryDisk();
  const storage = await used(disk);
  const sound = disk.contents(KEY_FILE);
  flip(disk, KEY_FILE, 900);
  disk.hooks.failRead = (path) => path === KEY_FILE;
  assertEquals(damages(storage).map(({ part }) => part), [{ type: "KeyFile" }]);
  assertEquals(await storage.restoreKeyFile(), true);
  disk.hooks.failRead = undefined;
  assertEquals(disk.contents(KEY_FILE), sound);
  assertEquals(damages(storage), []);
  await storage.close();
});

Deno.test("a file that rekey has written is sound though the node has not its master key, and is what is written again", async () => {
  const disk = new MemoryDisk();
  const storage = await used(disk);
  await rewrap(disk);
  const sound = disk.contents(KEY_FILE);
  assertEquals(damages(storage), []);
  flip(disk, KEY_FILE, 900);
  assertEquals(damages(storage).length, 1);
  // While rekey is at work the file is its own.
  const lock = await disk.lock(`${DIRECTORY}/RaftKeys.lock`, DIRECTORY);
  assertEquals(await storage.restoreKeyFile(), false);
  lock.release();
  assertEquals(await storage.restoreKeyFile(), true);
  assertEquals(disk.contents(KEY_FILE), sound);
  await storage.close();
  await (await open(keyed(disk, [NEW]))).close();
});

Deno.test("a file that a rekey of a later version has written stays as it is", async () => {
  const disk = new MemoryDisk();
  const storage = await used(disk);
  const { content } = decodeChecked(disk.contents(KEY_FILE) ?? new Uint8Array(), KEY_FILE);
  const later = encodeChecked({ ...content, format: KEY_FILE_FORMAT + 1 });
  disk.open(KEY_FILE, "create").writeAt(0, later);
  assertEquals(damages(storage), []);
  assertEquals([await storage.restoreKeyFile(), disk.contents(KEY_FILE)], [true, later]);
  await storage.close();
});

Deno.test("the sound file of another directory in its place is damage, and goes; one that is sound stays", async () => {
  const [disk, other] = [new MemoryDisk(), new MemoryDisk()];
  const storage = await used(disk);
  await (await open(keyed(other, [OLD], 2))).close();
  const sound = disk.contents(KEY_FILE);
  disk.open(KEY_FILE, "create").writeAt(0, other.contents(KEY_FILE) ?? new Uint8Array());
  assertEquals(damages(storage).map(({ part }) => part), [{ type: "KeyFile" }]);
  assertEquals(await storage.restoreKeyFile(), true);
  assertEquals(disk.contents(KEY_FILE), sound);
  await rewrap(disk);
  const rekeyed = disk.contents(KEY_FILE);
  assertEquals([await storage.restoreKeyFile(), disk.contents(KEY_FILE)], [true, rekeyed]);
  await storage.close();
});

Deno.test("a directory without encryption has no such file to scrub", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  assertEquals(damages(storage), []);
  let refused: unknown;
  await storage.restoreKeyFile().catch((error: unknown) => refused = error);
  assert(refused instanceof IncompatibleError);
  await storage.close();
});
