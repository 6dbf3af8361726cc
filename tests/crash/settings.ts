/** How much is enumerated: constants that keep the folder under 100 s on one core, and what the environment changes. */

/** Multiplies every number of samples: `CRASH_SCALE=10 deno test -A tests/crash`. */
export const SCALE: number = readScale(Deno.env.get("CRASH_SCALE"));

/** States of the data at one stop up to which all are tried: what 12 choices of two give. */
export const ALL_STATES_MAX = 4_096;
/** Above it, so many samples: none, all, each alone, each left out, and chance for the rest. */
export const SAMPLED_STATES: number = 64 * SCALE;
/** Unsynced directory operations up to which every subset is tried; above it prefixes, suffixes, each alone, each left out. */
export const ALL_OPERATIONS_MAX = 6;
/** States of the data tried with a subset of directory operations that is no prefix: such a crash is rarer. */
export const RARE_STATES: number = 20 * SCALE;
/** One of so many images is also written to, and started twice more. */
export const USED_EVERY: number = Math.max(1, Math.round(12 / SCALE));
/** One of so many images is recovered with a second crash after each call of the recovery. */
export const RECOVERY_CRASH_EVERY: number = Math.max(1, Math.round(64 / SCALE));
/** The first so many images of each workload, too. */
export const RECOVERIES_MIN = 30;
/** States tried at each stop of a recovery. */
export const RECOVERY_STATES: number = 12 * SCALE;

/** One of so many damaged logs gets a whole start; the others only its judgement, which comes before the first write. */
export const STARTED_EVERY: number = Math.max(1, Math.round(37 / SCALE));

/** What `CRASH="workload:stop:choice"` names: the stop and the survivors of one failure. */
export interface Replay {
  readonly workload: string;
  readonly stop: number;
  /** The text of the survivors; undefined means all of the stop. */
  readonly choice: string | undefined;
}

/** The failure to replay, or undefined for everything. */
export const REPLAY: Replay | undefined = readReplay(Deno.env.get("CRASH"));

/** The command that replays one state. */
export function replayCommand({ workload, stop, choice }: Replay): string {
  const value = choice === undefined ? `${workload}:${stop}` : `${workload}:${stop}:${choice}`;
  return `CRASH="${value}" deno test -A tests/crash`;
}

function readScale(text: string | undefined): number {
  const scale = Number(text ?? "1");
  if (!(scale > 0 && scale <= 1_000)) throw new Error(`Cannot use CRASH_SCALE="${text}": it must be above 0, to 1000`);
  return scale;
}

function readReplay(text: string | undefined): Replay | undefined {
  if (text === undefined || text === "") return undefined;
  const match = /^([a-z-]+):(\d+)(?::(.+))?$/.exec(text);
  if (match?.[1] === undefined) throw new Error(`Cannot read CRASH="${text}": expected workload:stop:choice`);
  return { workload: match[1], stop: Number(match[2]), choice: match[3] };
}
