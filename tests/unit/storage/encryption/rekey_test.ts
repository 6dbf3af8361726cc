/** Another master key: beside a node that runs, interrupted anywhere, and repeated. */

import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { IncompatibleError, MasterKeyError } from "../../../../lib/base/errors.ts";
import { KeyFiles } from "../../../../lib/storage/encryption/key_files.ts";
import type { MasterKeys } from "../../../../lib/storage/encryption/master_key.ts";
import { Machine } from "../../../crash/machine.ts";
import { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { DIRECTORY, entries, failure, idsOf, open, write } from "../support.ts";
import { contentsOf, keyed, NEW, OLD, seeded } from "./support.ts";

function rekeying(disk: ConstructorParameters<typeof KeyFiles>[0], masterKeys: MasterKeys = [NEW, OLD]): KeyFiles {
  return new KeyFiles(disk, { masterKeys, random: seeded(9) });
}

async function entriesWith(disk: MemoryDisk, masterKeys: MasterKeys): Promise<string> {
  const storage = await open(keyed(disk, masterKeys, 5));
  const ids = idsOf(storage.recovered.runs.flatMap((run) => run.entries()));
  await storage.close();
  return ids;
}

Deno.test("rekey works beside a node that runs, which goes on writing; then only the new key opens the directory", async () => {
  const disk = new MemoryDisk();
  const storage = await open(keyed(disk));
  await write(storage, entries(1, 1));
  assertEquals(await rekeying(disk).rewrap(DIRECTORY), true);
  assertEquals(await rekeying(disk).rewrap(DIRECTORY), false);
  await write(storage, entries(2, 1));
  await storage.close();
  await failure(MasterKeyError, () => open(keyed(disk)));
  assertEquals(await entriesWith(disk, [NEW]), "1/1 2/1");
});

Deno.test("rekey that ends after any call leaves a directory that both keys together open, and may be repeated", async () => {
  const disk = new MemoryDisk();
  const storage = await open(keyed(disk));
  await write(storage, entries(1, 1, 2));
  await storage.close();
  const durable = disk.crash({ keepOperation: () => true, keepSize: () => true, keepVersions: (_p, _s, all) => all });
  let stops = 0;
  for (let stop = 1;; stop++) {
    const machine = new Machine(durable.crash(), stop);
    const ended = rekeying(machine).rewrap(DIRECTORY).then(() => true, (error) => {
      if (!machine.dead) throw error;
      return false;
    });
    if (await Promise.race([ended, machine.died.then(() => false)])) break;
    stops += 1;
    const survivals = [{}, { keepOperation: () => true }, {
      keepOperation: () => true,
      keepSize: () => true,
      keepVersions: (_path: string, _sector: number, all: number) => all,
    }];
    for (const survival of survivals) {
      const image = machine.disk.crash(survival);
      assertEquals(await entriesWith(image, [NEW, OLD]), "1/1 2/1", `stop ${stop} after ${machine.lastCall}`);
      await rekeying(image).rewrap(DIRECTORY);
      assertEquals(await entriesWith(image, [NEW]), "1/1 2/1", `stop ${stop} after ${machine.lastCall}`);
    }
  }
  assertGreater(stops, 4);
});

Deno.test("rekey without the key that wraps now, or of a plain directory, is refused and changes nothing", async () => {
  const disk = new MemoryDisk();
  await (await open(disk)).close();
  assertMatch((await failure(IncompatibleError, () => rekeying(disk).rewrap(DIRECTORY))).message, /is not encrypted$/);
  await (await open(keyed(disk))).close();
  await rekeying(disk, [OLD]).rewrap(DIRECTORY);
  const before = contentsOf(disk);
  await failure(MasterKeyError, () => rekeying(disk, [NEW]).rewrap(DIRECTORY));
  assertEquals(contentsOf(disk), before);
});
