/** Power fails after each call of a file's publication: its name stands for the old file or the new one, whole. */

import { assert, assertEquals } from "@std/assert";
import type { Disk } from "../../lib/storage/disk.ts";
import { publishFile } from "../../lib/storage/published_file.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { durableCopy } from "../unit/storage/support.ts";
import { Machine } from "./machine.ts";
import { choicesOf, crashWith, limitsOf, statesOf, textOfSurvivors } from "./survivors.ts";

const PATH = "/backups/backup.snap";
const OLD = new Uint8Array(5_000).fill(1);
const NEW = new Uint8Array(9_000).fill(2);

async function publish(disk: Disk, { bytes, path }: { readonly bytes: Uint8Array; readonly path: string }) {
  const file = disk.open(path, "create");
  for (let at = 0; at < bytes.length; at += 1_000) file.writeAt(at, bytes.subarray(at, at + 1_000));
  await publishFile(disk, { file, path: PATH });
  file.close();
}

/** The old file, durably. */
async function begin(): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ pieceBytes: 1_500 });
  disk.makeDirectory("/backups");
  await publish(disk, { bytes: OLD, path: `${PATH}.1.tmp` });
  return durableCopy(disk);
}

Deno.test("power fails after each call: the old backup or the new one has the name, whole, and the new one once it is said to be done", async () => {
  const disk = await begin();
  const seen = new Set<string>();
  for (let stop = 1;; stop++) {
    const machine = new Machine(disk.crash(), stop);
    const run = publish(machine, { bytes: NEW, path: `${PATH}.2.tmp` });
    const ended = run.then(() => true, (error) => machine.dead ? false : Promise.reject(error));
    const isDone = await Promise.race([machine.died.then(() => false), ended]);
    for (const choices of choicesOf(machine.disk)) {
      for (const survivors of statesOf(choices, { ...limitsOf(choices), seed: stop })) {
        const found = crashWith(machine.disk, choices, survivors).contents(PATH);
        const place = `call ${stop} (${machine.lastCall}), ${textOfSurvivors(survivors)}`;
        assertEquals(found, found?.[0] === 1 && !isDone ? OLD : NEW, place);
        seen.add(String(found?.[0]));
      }
    }
    if (isDone) break;
  }
  assert(seen.has("1") && seen.has("2"), "crashes before and behind the rename were tried");
});
