/** Crashes while a start recovers from a crash, and starts after a process that was killed with the power on. */

import { assertEquals, assertExists } from "@std/assert";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import type { Count } from "./enumerate.ts";
import { fingerprint, startOn } from "./images.ts";
import { assertSame, type Judge } from "./judge.ts";
import { Machine } from "./machine.ts";
import { type Found, type Outcome, start } from "./outcome.ts";
import { chanceOf, chanceSurvival } from "./session.ts";
import { RECOVERY_STATES } from "./settings.ts";
import type { Stop } from "./stops.ts";
import { choicesOf, crashWith, statesOf, textOfSurvivors } from "./survivors.ts";
import type { Workload } from "./workloads.ts";

/**
 * Stops the recovery of `image` after each of its calls, and starts on what that leaves: exactly what the undisturbed start
 * has `found` must be found again, and once more at the start after that. Gives the numbers of stops and different states.
 */
export async function crashRecovery(
  image: MemoryDisk,
  found: Found,
  segmentBytes: number,
): Promise<{ stops: number; states: number }> {
  const seen = new Set<string>();
  for (let stop = 1;; stop++) {
    const machine = new Machine(image.crash(), stop);
    const opened = await Promise.race([start(machine, segmentBytes), machine.died]);
    if (opened !== undefined && !machine.dead) return { stops: stop - 1, states: seen.size };
    for (const choices of choicesOf(machine.disk)) {
      for (const survivors of statesOf(choices, { allMax: RECOVERY_STATES, samples: RECOVERY_STATES, seed: stop })) {
        const left = crashWith(machine.disk, choices, survivors);
        const key = fingerprint(left);
        if (seen.has(key)) continue;
        seen.add(key);
        const place = `recovery stopped at call ${stop} (after ${machine.lastCall}), ${textOfSurvivors(survivors)}`;
        await startTwice(left, { found, segmentBytes, place });
      }
    }
  }
}

/**
 * Starts on the machine of `stop` as a killed process leaves it: all that was written is in the page cache, and only what
 * was synced is on the drive. What is found must stay when power fails right after the start, and a crash after any call
 * of the start must leave what was acknowledged before. `known` holds what images gave, by fingerprint.
 */
export async function restartKilled(
  { segmentBytes }: Workload,
  { stop, judge, count, known }: { stop: Stop; judge: Judge; count: Count; known: Map<string, Outcome> },
): Promise<void> {
  const { disk } = stop;
  const chance = chanceOf(stop.number);
  const left = new Map<string, { image: MemoryDisk; call: string }>();
  disk.releaseLocks();
  disk.hooks.afterCall = (operation, path) => {
    for (const image of [disk.crash(), disk.crash(chanceSurvival(chance))]) {
      left.set(fingerprint(image), { image, call: `${operation} ${path}` });
    }
  };
  const { outcome } = await startOn(disk, segmentBytes);
  disk.hooks.afterCall = undefined;
  assertEquals(judge.judge(outcome), undefined, "A start after a kill");
  if (outcome.type !== "Opened") return;
  assertSame((await startOn(disk.crash(), segmentBytes)).outcome, outcome.found, "Power failed after that start");
  for (const [key, { image, call }] of left) {
    const afterwards = known.get(key) ?? (await startOn(image, segmentBytes)).outcome;
    known.set(key, afterwards);
    const wrong = judge.judge(afterwards);
    assertEquals(wrong, undefined, `Power failed in that start, after ${call}`);
  }
  count.killed += 1;
  count.killedStates += left.size;
}

async function startTwice(
  image: MemoryDisk,
  { found, segmentBytes, place }: { found: Found; segmentBytes: number; place: string },
): Promise<void> {
  const second = await startOn(image, segmentBytes);
  assertSame(second.outcome, found, place);
  await second.storage?.close();
  const third = await startOn(image, segmentBytes);
  assertSame(third.outcome, found, `the start after the one after the ${place}`);
  assertExists(third.storage);
  assertEquals(third.storage.recovered.tornBytes, 0, place);
}
