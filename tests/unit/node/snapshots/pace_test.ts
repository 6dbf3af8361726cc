import { assertEquals } from "@std/assert";
import type { Clock, Timer } from "../../../../lib/base/clock.ts";
import {
  BACKUP_REST,
  BACKUP_SLICE_MS,
  SNAPSHOT_DISK_REST,
  SNAPSHOT_REST_MS_MAX,
  SNAPSHOT_SLICE_MS,
} from "../../../../lib/node/limits.ts";
import { Pace } from "../../../../lib/node/snapshots/pace.ts";

/** Passes by what is waited for, and by nothing else. */
class WaitedClock implements Clock {
  nowMs = 0;

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, action: () => void): Timer {
    this.nowMs += delayMs;
    queueMicrotask(action);
    return { cancel: () => {} };
  }

  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }
}

/** How long it rests after so many ms of work, when the disk takes so long to write back what it was handed. */
async function restAfter(workedMs: number, diskMs: number, isForBackup = false): Promise<number> {
  const clock = new WaitedClock();
  const pace = new Pace({
    clock,
    isForBackup: () => isForBackup,
    writtenBack: () => {
      clock.nowMs += diskMs;
      return Promise.resolve();
    },
  });
  await pace.rest(workedMs);
  return clock.nowMs - diskMs;
}

Deno.test("a snapshot rests for as long as it worked, and for longer where the disk was busy with it", async () => {
  assertEquals(await restAfter(3, 0), 3);
  assertEquals(await restAfter(3, 4), SNAPSHOT_DISK_REST * 4);
  assertEquals(await restAfter(9, 2), 9);
});

Deno.test("for a backup alone the pieces are short, and the rests several times as long", async () => {
  assertEquals(await restAfter(BACKUP_SLICE_MS, 0, true), BACKUP_REST * BACKUP_SLICE_MS);
  assertEquals(await restAfter(BACKUP_SLICE_MS, 10, true), SNAPSHOT_DISK_REST * 10);
  assertEquals(await restAfter(10_000, 0, true), SNAPSHOT_REST_MS_MAX);
  let isForBackup = true;
  const pace = new Pace({ clock: new WaitedClock(), isForBackup: () => isForBackup });
  assertEquals(pace.sliceMs, BACKUP_SLICE_MS);
  isForBackup = false;
  assertEquals(pace.sliceMs, SNAPSHOT_SLICE_MS);
});

Deno.test("no slow disk puts a snapshot off by more than a bounded time for each piece", async () => {
  assertEquals(await restAfter(3, 10_000), SNAPSHOT_REST_MS_MAX);
  assertEquals(await restAfter(10_000, 0), SNAPSHOT_REST_MS_MAX);
});

Deno.test("nothing is written while the disk has not what was handed to it", async () => {
  const clock = new WaitedClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasRested = false;
  const pace = new Pace({ clock, isForBackup: () => false, writtenBack: () => promise });
  const rest = pace.rest(1).then(() => {
    hasRested = true;
  });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(hasRested, false);
  resolve();
  await rest;
});
