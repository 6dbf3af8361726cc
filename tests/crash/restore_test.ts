/** Power fails after each storage call of a restore: no node starts on what is half there, and the command can be given again. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { IncompatibleError } from "../../lib/base/errors.ts";
import { RESTORING_NAME } from "../../lib/storage/restore_mark.ts";
import { makeBackup } from "../support/backups.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { restore, RESTORED } from "../support/restores.ts";
import { type Held, startOn } from "../support/survivor.ts";
import { durableCopy } from "../unit/storage/support.ts";
import { fingerprint } from "./images.ts";
import { Machine } from "./machine.ts";
import { choicesOf, crashWith, limitsOf, statesOf, textOfSurvivors } from "./survivors.ts";

/** Choices of operations and states that are tried for one stop. */
const STATES = 24;

/** Every different disk that a power failure after call `stop` may leave; undefined when there are fewer calls. */
async function imagesAt(bytes: Uint8Array, stop: number): Promise<ReadonlyMap<string, MemoryDisk> | undefined> {
  const machine = new Machine(new MemoryDisk({ pieceBytes: 1_500 }), stop);
  const ended = restore(machine, bytes).then(() => true, (error) => machine.dead ? false : Promise.reject(error));
  if (await Promise.race([machine.died.then(() => false), ended])) return undefined;
  const images = new Map<string, MemoryDisk>();
  for (const choices of choicesOf(machine.disk)) {
    for (const survivors of statesOf(choices, { ...limitsOf(choices), seed: stop })) {
      if (images.size >= STATES) break;
      images.set(
        `call ${stop} (${machine.lastCall}), ${textOfSurvivors(survivors)}`,
        crashWith(machine.disk, choices, survivors),
      );
    }
  }
  return images;
}

/** Nothing, with or without a lock, half of it, or all. */
async function judge(image: MemoryDisk, { bytes, after }: { bytes: Uint8Array; after: Held }, place: string) {
  const names = image.list(RESTORED).filter((name) => name !== "LOCK");
  if (names.includes(RESTORING_NAME)) {
    await assertRejects(() => startOn(image.crash(), RESTORED), IncompatibleError, "was interrupted", place);
  } else if (names.length > 0) {
    assertEquals(await startOn(image.crash(), RESTORED), after, place);
    return "all";
  }
  const again = image.crash();
  await restore(again, bytes);
  assertEquals(await startOn(durableCopy(again), RESTORED), after, `restored again, ${place}`);
  return names.length === 0 ? "nothing" : "half";
}

Deno.test("power fails after each call of a restore: nothing, all, or what no node starts on and another restore replaces", async () => {
  const bytes = await makeBackup();
  const done = new MemoryDisk();
  await restore(done, bytes);
  const after = await startOn(done, RESTORED);
  const seen = new Map<string, string>();
  for (let stop = 1;; stop++) {
    const images = await imagesAt(bytes, stop);
    if (images === undefined) break;
    for (const [place, image] of images) {
      const key = fingerprint(image);
      if (!seen.has(key)) seen.set(key, await judge(image, { bytes, after }, place));
    }
  }
  const count = (outcome: string) => [...seen.values()].filter((other) => other === outcome).length;
  assert(count("half") >= 15, "many crashes on the way were tried");
  assert(count("nothing") >= 1 && count("all") >= 1, "crashes before the first and behind the last step were tried");
});
