/** Goes through every stop of a workload and every crash state of each stop, and judges what a start makes of it. */

import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import { Judge } from "./judge.ts";
import { fingerprint, isChosen, startOn, useAgain } from "./images.ts";
import type { Outcome } from "./outcome.ts";
import { RECOVERIES_MIN, RECOVERY_CRASH_EVERY, REPLAY, replayCommand, USED_EVERY } from "./settings.ts";
import { crashRecovery, restartKilled } from "./recovery.ts";
import { runTo, type Stop } from "./stops.ts";
import {
  choicesOf,
  crashWith,
  findChoices,
  limitsOf,
  parseSurvivors,
  statesOf,
  type Survivors,
  textOfSurvivors,
} from "./survivors.ts";
import type { Workload } from "./workloads.ts";

/** In the place of the survivors: the process was killed, and the power stayed on. */
const KILLED = "killed";

/** What was tried. Lower bounds on it notice an enumeration that enumerates nothing. */
export interface Count {
  stops: number;
  /** Choices of directory operations. */
  operations: number;
  /** Crash states. */
  states: number;
  /** Different images among them: each was started on. */
  images: number;
  /** Images that were also written to and started on again. */
  used: number;
  /** Calls of recoveries that a second crash came after, and what it left. */
  recoveryStops: number;
  recoveryStates: number;
  /** Machines whose process was killed while the power stayed on, and what a crash in the next start left. */
  killed: number;
  killedStates: number;
}

/** Nothing yet. */
export function emptyCount(): Count {
  return {
    stops: 0,
    operations: 0,
    states: 0,
    images: 0,
    used: 0,
    recoveryStops: 0,
    recoveryStates: 0,
    killed: 0,
    killedStates: 0,
  };
}

/** One crash state of one stop, as an image of its own. */
export interface CrashState {
  readonly workload: Workload;
  readonly stop: Stop;
  readonly survivors: Survivors;
  readonly image: MemoryDisk;
  /** See `fingerprint`. */
  readonly key: string;
}

/** Every stop of `workload`, or the one to replay. */
export async function* stopsOf(workload: Workload): AsyncGenerator<Stop> {
  if (REPLAY !== undefined && REPLAY.workload !== workload.name) return;
  for (let number = REPLAY?.stop ?? 1;; number++) {
    const stop = await runTo(workload, number);
    if (stop === undefined) return;
    yield stop;
    if (REPLAY !== undefined) return;
  }
}

/** Every crash state of `stop`, or the one to replay: that one also when the samples are others now. */
export function* crashStates(workload: Workload, stop: Stop, count: Count): Generator<CrashState> {
  if (REPLAY?.choice === KILLED) return;
  const replayed = REPLAY?.choice === undefined ? undefined : parseSurvivors(REPLAY.choice);
  const tried = replayed === undefined ? choicesOf(stop.disk) : [findChoices(stop.disk, replayed.operations)];
  for (const choices of tried) {
    count.operations += 1;
    const states = replayed === undefined ? statesOf(choices, { ...limitsOf(choices), seed: stop.number }) : [replayed];
    for (const survivors of states) {
      count.states += 1;
      const image = crashWith(stop.disk, choices, survivors);
      yield { workload, stop, survivors, image, key: fingerprint(image) };
    }
  }
}

/** Starts on every crash state of `workload`. Rejects at the first that is wrong, with the command that replays it. */
export async function enumerate(workload: Workload, count: Count): Promise<void> {
  const known = new Map<string, Outcome>();
  for await (const stop of stopsOf(workload)) {
    count.stops += 1;
    const judge = new Judge(stop.history);
    for (const state of crashStates(workload, stop, count)) {
      try {
        const outcome = known.get(state.key) ?? await examine(state, count);
        known.set(state.key, outcome);
        const wrong = judge.judge(outcome);
        if (wrong !== undefined) throw new Error(wrong);
      } catch (error) {
        throw failureOf(stop, { workload, choice: textOfSurvivors(state.survivors), cause: error });
      }
    }
    try {
      if (REPLAY?.choice === undefined || REPLAY.choice === KILLED) {
        await restartKilled(workload, { stop, judge, count, known });
      }
    } catch (error) {
      throw failureOf(stop, { workload, choice: KILLED, cause: error });
    }
  }
}

/** Names the workload, the stop and the survivors in front of what is wrong. */
export function failureOf(stop: Stop, what: { workload: Workload; choice: string; cause: unknown }): Error {
  const { workload: { name: workload }, choice, cause } = what;
  const text = cause instanceof Error ? cause.message : String(cause);
  const command = replayCommand({ workload, stop: stop.number, choice });
  const place = `${workload}, stop ${stop.number} (after ${stop.call}), survivors ${choice}`;
  return new Error(`${place}\n${command}\n${text}`, { cause });
}

async function examine({ workload: { segmentBytes }, image, key }: CrashState, count: Count): Promise<Outcome> {
  const isRecoveryChosen = count.images < RECOVERIES_MIN || isChosen(key, RECOVERY_CRASH_EVERY);
  const untouched = REPLAY !== undefined || isRecoveryChosen ? image.crash() : undefined;
  const started = await startOn(image, segmentBytes);
  count.images += 1;
  if (REPLAY !== undefined || isChosen(key, USED_EVERY)) {
    count.used += 1;
    await useAgain(image, started, segmentBytes);
  }
  if (untouched !== undefined && started.outcome.type === "Opened") {
    const { stops, states } = await crashRecovery(untouched, started.outcome.found, segmentBytes);
    count.recoveryStops += stops;
    count.recoveryStates += states;
  }
  return started.outcome;
}
