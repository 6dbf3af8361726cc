/** The command line of `deno task chaos`. */

import { parseArgs } from "@std/cli";

/** What the user asked for. */
export interface ChaosArguments {
  readonly seconds: number;
  readonly nodes: number;
  /** Undefined draws one. */
  readonly seed: number | undefined;
  readonly keep: boolean;
  readonly quiet: boolean;
  readonly help: boolean;
}

/** What cannot be understood, in one line. */
export class UsageProblem extends Error {}

/** The help. */
export const USAGE = `Usage: deno task chaos [--duration 60s] [--nodes 3|5] [--seed N] [--keep] [--quiet]

Runs real nodes under mixed faults and judges what clients were told.

  --duration TIME  How long faults go on: 90s, 10m, 2h, or a number of seconds (60s).
  --nodes N        Number of nodes, 3 or 5 (3).
  --seed N         The seed that the faults are drawn from (a random one).
  --keep           Keep logs, history, ledger and directories of a run that passes too.
  --quiet          Tell only the summary.
`;

const UNITS: ReadonlyMap<string, number> = new Map([["", 1], ["s", 1], ["m", 60], ["h", 3_600]]);
const SECONDS_MAX = 7 * 24 * 3_600;
const SEED_MAX = 0xffff_ffff;
const NODES: readonly string[] = ["3", "5"];
const WITH_VALUE: readonly string[] = ["duration", "nodes", "seed"];

/** Reads the arguments. Throws `UsageProblem`. */
export function parseArguments(args: readonly string[]): ChaosArguments {
  const parsed = parseArgs(args, {
    string: WITH_VALUE,
    boolean: ["keep", "quiet", "help"],
    collect: WITH_VALUE,
    unknown: (arg) => {
      throw new UsageProblem(`Unknown argument ${arg}; see --help`);
    },
  });
  const nodes = single(parsed["nodes"], "nodes") ?? "3";
  if (!NODES.includes(nodes)) throw new UsageProblem(`--nodes is ${NODES.join(" or ")}, not "${nodes}"`);
  return {
    seconds: secondsOf(single(parsed["duration"], "duration") ?? "60s"),
    nodes: Number(nodes),
    seed: seedOf(single(parsed["seed"], "seed")),
    keep: parsed["keep"] === true,
    quiet: parsed["quiet"] === true,
    help: parsed["help"] === true,
  };
}

function single(value: unknown, name: string): string | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  if (values.length > 1) throw new UsageProblem(`--${name} is given more than once`);
  return values.length === 0 ? undefined : String(values[0]);
}

function secondsOf(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,7})([smh]?)$/.exec(text) ?? [];
  const seconds = Number(digits ?? NaN) * (UNITS.get(unit) ?? NaN);
  if (seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  throw new UsageProblem(`--duration is a time like 60s, 10m or 2h, from 1s to ${SECONDS_MAX}s, not "${text}"`);
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (seed <= SEED_MAX) return seed;
  throw new UsageProblem(`--seed is a whole number from 0 to ${SEED_MAX}, not "${text}"`);
}
