/**
 * Power fails after each storage call of a forced recovery: what a start finds is the old directory as it was or the new one
 * whole, the old data is never only half there, and the command can be given again.
 */

import { assert, assertEquals } from "@std/assert";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { force, type Held, makeSurvivor, OLD_CLUSTER, planFor, startOn, SURVIVOR } from "../support/survivor.ts";
import { durableCopy } from "../unit/storage/support.ts";
import { fingerprint } from "./images.ts";
import { Machine } from "./machine.ts";
import { choicesOf, crashWith, limitsOf, statesOf, textOfSurvivors } from "./survivors.ts";

const KEPT = `${SURVIVOR}/before-recovery`;
/** Choices of operations and states that are tried for one stop. */
const STATES = 24;

interface Expected {
  readonly before: Held;
  readonly after: Held;
}

/** Every different disk that a power failure after call `stop` may leave; undefined when there are fewer calls. */
async function imagesAt(survivor: MemoryDisk, stop: number): Promise<ReadonlyMap<string, MemoryDisk> | undefined> {
  const machine = new Machine(survivor.crash(), stop);
  const run = async (): Promise<void> => {
    const plan = await planFor(machine);
    assert(plan !== undefined);
    await force(machine, plan);
  };
  const ended = run().then(() => true, (error) => machine.dead ? false : Promise.reject(error));
  if (await Promise.race([machine.died.then(() => false), ended])) return undefined;
  const images = new Map<string, MemoryDisk>();
  for (const choices of choicesOf(machine.disk)) {
    for (const survivors of statesOf(choices, { ...limitsOf(choices), seed: stop })) {
      if (images.size >= STATES) break;
      const image = crashWith(machine.disk, choices, survivors);
      images.set(`call ${stop} (${machine.lastCall}), ${textOfSurvivors(survivors)}`, image);
    }
  }
  return images;
}

/** Judges one disk: old or new, both starts after it the same, and another recovery gives the new. Gives whether it is new. */
async function judge(image: MemoryDisk, { before, after }: Expected, place: string): Promise<boolean> {
  const held = await startOn(image.crash());
  const isNew = held.hardState.clusterId !== OLD_CLUSTER;
  assertEquals(held, isNew ? after : before, place);
  // The new is in force only where the old is kept.
  if (isNew) assertEquals(await startOn(image.crash(), KEPT), before, `kept, ${place}`);
  const again = image.crash();
  const plan = await planFor(again);
  assertEquals(plan === undefined, isNew, place);
  if (plan !== undefined) await force(again, plan);
  assertEquals(await startOn(durableCopy(again)), after, `forced again, ${place}`);
  assertEquals(await startOn(durableCopy(again), KEPT), before, `kept of that, ${place}`);
  return isNew;
}

Deno.test("power fails after each call of a forced recovery: the old directory or the new one, whole, and never between", async () => {
  const disk = new MemoryDisk({ pieceBytes: 1_500 });
  await makeSurvivor(disk);
  const survivor = durableCopy(disk);
  const before = await startOn(survivor.crash());
  const done = survivor.crash();
  const plan = await planFor(done);
  assert(plan !== undefined);
  await force(done, plan);
  const after = await startOn(done);
  const seen = new Map<string, boolean>();
  for (let stop = 1;; stop++) {
    const images = await imagesAt(survivor, stop);
    if (images === undefined) break;
    for (const [place, image] of images) {
      const key = fingerprint(image);
      if (!seen.has(key)) seen.set(key, await judge(image, { before, after }, place));
    }
  }
  const outcomes = [...seen.values()];
  assert(outcomes.filter((isNew) => isNew).length >= 3, "a crash behind the switch was tried");
  assert(outcomes.filter((isNew) => !isNew).length >= 50, "many crashes before it were tried");
});
