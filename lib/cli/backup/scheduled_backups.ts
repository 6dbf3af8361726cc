/** Backups by time: one after the other, whatever becomes of each, until it is told to stop. */

import type { BackupOutline } from "../../node/recovery/backup_file.ts";
import type { BackupFigures } from "./backup_metrics.ts";
import type { KeptBackups } from "./kept_backups.ts";
import { backupName } from "./kept_backups.ts";

/** The pause behind a backup that failed, in ms, where the next one is not due before. */
export const RETRY_MS_MAX = 60_000;
const SECOND_MS = 1_000;

/** What a run needs of its surroundings. */
export interface ScheduleParts {
  readonly kept: Pick<KeptBackups, "made" | "newest" | "prune">;
  /** Between the beginnings of two backups. */
  readonly everyMs: number;
  /** Whole backups to keep, at least 1. */
  readonly keep: number;
  /** In ms since 1970. */
  now(): number;
  /** False when it is told to stop before the time has passed. */
  pause(delayMs: number): Promise<boolean>;
  /** Takes a backup under a name that is free; undefined when it is told to stop meanwhile. Rejects with whatever went wrong. */
  take(name: string): Promise<BackupOutline | undefined>;
  /** Whether an error is one that may pass; others end the run. */
  describe(error: unknown): string | undefined;
  say(line: string): void;
  warn(line: string): void;
  /** Rejects with what `describe` knows: the run goes on. */
  report(figures: BackupFigures): Promise<void>;
}

/** Runs until it is told to stop. Rejects with what is a bug of ours. */
export async function runSchedule(parts: ScheduleParts): Promise<void> {
  const run = new ScheduleRun(parts);
  // A program that is started again and again makes no more backups than one that runs.
  let waitMs = run.untilDue();
  await run.report(parts.now());
  for (;;) {
    if (!(await parts.pause(waitMs))) return;
    const begun = parts.now();
    const outcome = await run.attempt(begun);
    if (outcome === "Stopped") return;
    await run.report(outcome === "Done" ? begun : parts.now());
    const gapMs = outcome === "Done" ? parts.everyMs : Math.min(parts.everyMs, RETRY_MS_MAX);
    // A clock that was set back must not keep it waiting for longer.
    waitMs = Math.min(Math.max(begun + gapMs - parts.now(), 0), gapMs);
  }
}

class ScheduleRun {
  readonly #parts: ScheduleParts;
  #failures = 0;
  #succeeded = true;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  /** In ms, from the newest backup that is there on. */
  untilDue(): number {
    const { kept, everyMs, now } = this.#parts;
    const nowMs = now();
    return Math.max(0, everyMs - (nowMs - (kept.newest(nowMs)?.timeMs ?? -Infinity)));
  }

  async attempt(begun: number): Promise<"Done" | "Failed" | "Stopped"> {
    const { kept, keep, take, describe, say, warn } = this.#parts;
    const name = backupName(begun);
    try {
      const outline = await take(name);
      if (outline === undefined) return "Stopped";
      kept.made(name, outline);
      const removed = await kept.prune(outline.clusterId, { keep, nowMs: begun });
      for (const old of removed) say(`Removed ${old}: ${keep} newer ones are whole`);
      this.#succeeded = true;
      return "Done";
    } catch (error) {
      const line = describe(error);
      if (line === undefined) throw error;
      this.#failures += 1;
      this.#succeeded = false;
      warn(`No backup this time: ${line}`);
      return "Failed";
    }
  }

  /** What there is, also of later than now if the last good attempt began then. */
  async report(begun: number): Promise<void> {
    const { kept, everyMs, now, describe, warn, report } = this.#parts;
    try {
      const nowMs = now();
      // The clock may have been set back meanwhile: what was just made is there, and is not told as of the future, where no alert would see it age.
      const newest = kept.newest(Math.max(begun, nowMs));
      await report({
        lastSuccessSeconds: Math.floor(Math.min(newest?.timeMs ?? 0, nowMs) / SECOND_MS),
        intervalSeconds: everyMs / SECOND_MS,
        lastAttemptSucceeded: Number(this.#succeeded),
        failures: this.#failures,
        lastSuccessBytes: newest?.outline.bytes ?? 0,
      });
    } catch (error) {
      const line = describe(error);
      if (line === undefined) throw error;
      warn(`The figures are not written: ${line}`);
    }
  }
}
