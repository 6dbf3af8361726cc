/** Backups by time, with a clock of the test: when each is taken, what failures change, and what is reported. */

import { assertEquals, assertRejects } from "@std/assert";
import type { BackupFigures } from "../../../../lib/cli/backup/backup_metrics.ts";
import { showFigures } from "../../../../lib/cli/backup/backup_metrics.ts";
import { backupName, timeOfName } from "../../../../lib/cli/backup/kept_backups.ts";
import { RETRY_MS_MAX, runSchedule, type ScheduleParts } from "../../../../lib/cli/backup/scheduled_backups.ts";
import { readEvery } from "../../../../lib/cli/backup/scheduled_command.ts";
import { Failure } from "../../../../lib/cli/failures.ts";
import { UsageError } from "../../../../lib/cli/usage_error.ts";
import type { BackupOutline } from "../../../../lib/node/recovery/backup_file.ts";

const START_MS = Date.parse("2026-11-29T19:00:00Z");
const HOUR_MS = 3_600_000;
const OUTLINE: BackupOutline = { clusterId: "9a41", index: 9, term: 1, keys: 1, keyBytes: 2, blocks: 1, bytes: 300 };

interface Wish {
  /** When those of before were begun; none when left out. */
  readonly oldMs?: readonly number[];
  /** How long each attempt takes, and how it ends; the last over and over. */
  readonly attempts: readonly { readonly ms: number; readonly error?: Error }[];
  readonly stopAfter: number;
  /** How much the clock is set back behind an attempt. */
  readonly setBackMs?: number;
}

/** Runs until so many attempts are made, and tells when each began, what was reported and what was warned of. */
async function run({ oldMs = [], attempts, stopAfter, setBackMs = 0 }: Wish) {
  let nowMs = START_MS;
  const madeMs = [...oldMs];
  const pruned: number[] = [];
  const begun: number[] = [];
  const pauses: number[] = [];
  const figures: BackupFigures[] = [];
  const warned: string[] = [];
  const parts: ScheduleParts = {
    kept: {
      made: (name) => madeMs.push(timeOfName(name) ?? NaN),
      newest: (latestMs) => {
        const timeMs = Math.max(...madeMs.filter((one) => one <= latestMs));
        return timeMs < 0 ? undefined : { name: backupName(timeMs), timeMs, outline: OUTLINE };
      },
      prune: (_, asked) => {
        pruned.push(asked.nowMs - START_MS);
        return Promise.resolve([]);
      },
    },
    everyMs: HOUR_MS,
    keep: 2,
    now: () => nowMs,
    pause: (delayMs) => {
      pauses.push(delayMs);
      nowMs += delayMs;
      return Promise.resolve(begun.length < stopAfter);
    },
    take: () => {
      const { ms, error } = attempts[begun.length] ?? attempts.at(-1) ?? { ms: 0 };
      begun.push(nowMs - START_MS);
      nowMs += ms - setBackMs;
      return error === undefined ? Promise.resolve(OUTLINE) : Promise.reject(error);
    },
    describe: (error) => error instanceof Failure ? error.message : undefined,
    say: () => {},
    warn: (line) => warned.push(line),
    report: (told) => Promise.resolve(void figures.push(told)),
  };
  await runSchedule(parts);
  return { begun, pauses, figures, warned, pruned };
}

Deno.test("the first is taken at once, the next ones by the time between beginnings, and at once where one took longer", async () => {
  const { begun } = await run({ attempts: [{ ms: 1_000 }, { ms: 2 * HOUR_MS }, { ms: 0 }], stopAfter: 4 });
  assertEquals(begun, [0, HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]);
});

Deno.test("a start waits until the newest one is old enough; one of the future counts for nothing", async () => {
  const attempts = [{ ms: 0 }];
  assertEquals((await run({ oldMs: [START_MS - 600_000], attempts, stopAfter: 1 })).begun, [HOUR_MS - 600_000]);
  assertEquals((await run({ oldMs: [START_MS - 9 * HOUR_MS], attempts, stopAfter: 1 })).begun, [0]);
  assertEquals((await run({ oldMs: [START_MS + 9 * HOUR_MS], attempts, stopAfter: 1 })).begun, [0]);
});

Deno.test("a clock that is set back keeps nothing waiting for longer than the time between two", async () => {
  const { pauses } = await run({ attempts: [{ ms: 0 }], stopAfter: 3, setBackMs: 100 * HOUR_MS });
  assertEquals(pauses, [0, HOUR_MS, HOUR_MS, HOUR_MS]);
});

Deno.test("beside one of the future the age that an alert goes by is that of the newest one before now", async () => {
  const oldMs = [START_MS - 9 * HOUR_MS, START_MS + 900 * HOUR_MS];
  const attempts = [{ ms: 0, error: new Failure("no node") }, { ms: 1_000 }];
  const { begun, figures, pruned } = await run({ oldMs, attempts, stopAfter: 2 });
  assertEquals(begun, [0, RETRY_MS_MAX]);
  const ages = figures.map(({ lastSuccessSeconds }) => lastSuccessSeconds - START_MS / 1_000);
  assertEquals(ages, [-9 * 3_600, -9 * 3_600, 60]);
  assertEquals(pruned, [RETRY_MS_MAX]);
  // A recent one keeps a start waiting all the same.
  assertEquals((await run({ oldMs: [START_MS - 600_000, ...oldMs], attempts: [{ ms: 0 }], stopAfter: 1 })).begun, [
    HOUR_MS - 600_000,
  ]);
});

Deno.test("a clock that is put right during a backup leaves no figure of the future", async () => {
  const { figures } = await run({ attempts: [{ ms: 0 }], stopAfter: 1, setBackMs: 100 * HOUR_MS });
  assertEquals(figures.map(({ lastSuccessSeconds }) => lastSuccessSeconds), [0, START_MS / 1_000 - 360_000]);
  const [oldMs, attempts] = [[START_MS - HOUR_MS], [{ ms: 0, error: new Failure("no node") }]];
  const failed = await run({ oldMs, attempts, stopAfter: 1, setBackMs: 100 * HOUR_MS });
  assertEquals(failed.figures.map(({ lastSuccessSeconds }) => lastSuccessSeconds), [START_MS / 1_000 - 3_600, 0]);
});

Deno.test("what fails is told and tried again soon, and the figures keep the time of the last good one", async () => {
  const broken = { ms: 0, error: new Failure("no node") };
  const { begun, figures, warned } = await run({ attempts: [{ ms: 0 }, broken, broken, { ms: 0 }], stopAfter: 4 });
  assertEquals(begun, [0, HOUR_MS, HOUR_MS + RETRY_MS_MAX, HOUR_MS + 2 * RETRY_MS_MAX]);
  assertEquals(warned, ["No backup this time: no node", "No backup this time: no node"]);
  const start = START_MS / 1_000;
  assertEquals(
    figures.map((told) => [
      told.lastSuccessSeconds,
      told.lastAttemptSucceeded,
      told.failures,
    ]),
    [[0, 1, 0], [start, 1, 0], [start, 0, 1], [start, 0, 2], [start + 3_720, 1, 2]],
  );
});

Deno.test("a bug of ours ends it", async () => {
  await assertRejects(
    () => run({ attempts: [{ ms: 0, error: new TypeError("bug") }], stopAfter: 2 }),
    TypeError,
    "bug",
  );
});

Deno.test("figures are in the text format, and times are read strictly", () => {
  const text = showFigures({
    lastSuccessSeconds: 1_790_000_000,
    intervalSeconds: 3_600,
    lastAttemptSucceeded: 1,
    failures: 2,
    lastSuccessBytes: 300,
  });
  assertEquals(text.split("\n").filter((line) => !line.startsWith("#")), [
    "kvstore_backup_last_success_timestamp_seconds 1790000000",
    "kvstore_backup_interval_seconds 3600",
    "kvstore_backup_last_attempt_succeeded 1",
    "kvstore_backup_failures_total 2",
    "kvstore_backup_last_success_bytes 300",
    "",
  ]);
  assertEquals(["90s", "30m", "1h", "20d"].map(readEvery), [90_000, 1_800_000, HOUR_MS, 480 * HOUR_MS]);
  for (const text of ["", "1", "h", "0s", "21d", "1.5h", "1w", "-1h"]) {
    try {
      readEvery(text);
    } catch (error) {
      if (error instanceof UsageError) continue;
    }
    throw new Error(`taken: ${text}`);
  }
});
