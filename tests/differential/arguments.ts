/** The command line of `deno task differential`. */

import { parseArgs } from "@std/cli";

/** What the user asked for. */
export interface DifferentialArguments {
  readonly sequences: number;
  /** Undefined draws one. */
  readonly seed: number | undefined;
  /** Number of the first sequence. */
  readonly first: number;
  readonly jobs: number;
  /** How many nodes of KVStore are started. */
  readonly nodes: number;
  /** Addresses of servers that run already. */
  readonly left: readonly string[] | undefined;
  readonly right: readonly string[] | undefined;
  readonly help: boolean;
}

/** What cannot be understood, in one line. */
export class UsageProblem extends Error {}

/** The help. */
export const USAGE = `Usage: deno task differential [--sequences N] [--seed S] [--sequence I] [--jobs J] [--nodes 1|3]
                              [--left HOST:PORT[,...]] [--right HOST:PORT[,...]]

Sends the same random command sequences to KVStore (left) and to redis-server (right) and compares every reply.

  --sequences N   Number of sequences (10000).
  --seed S        The seed that the sequences are made from (a random one).
  --sequence I    Runs only the sequence of that number, alone.
  --jobs J        Number of sequences under way at the same time (16).
  --nodes N       Number of KVStore's nodes, 1 or 3 (1). The clients of a sequence use different nodes.
  --left, --right Servers that run already, instead of those that are started. All their keys are removed.
`;

const WITH_VALUE: readonly string[] = ["sequences", "seed", "sequence", "jobs", "nodes", "left", "right"];
const SEED_MAX = 0xffff_ffff;
const SEQUENCES_MAX = 100_000_000;
const JOBS_MAX = 256;
const ADDRESS = /^[^:,\s]+:[0-9]{1,5}$/;

/** Reads the arguments. Throws `UsageProblem`. */
export function parseArguments(args: readonly string[]): DifferentialArguments {
  const parsed = parseArgs(args, {
    string: WITH_VALUE,
    boolean: ["help"],
    collect: WITH_VALUE,
    unknown: (arg) => {
      throw new UsageProblem(`Unknown argument ${arg}; see --help`);
    },
  });
  const read = (name: string): string | undefined => single(parsed[name], name);
  const nodes = read("nodes") ?? "1";
  if (nodes !== "1" && nodes !== "3") throw new UsageProblem(`--nodes is 1 or 3, not "${nodes}"`);
  const sequence = read("sequence");
  const sequences = read("sequences");
  if (sequence !== undefined && sequences !== undefined) {
    throw new UsageProblem("--sequence and --sequences exclude each other");
  }
  const seed = read("seed");
  if (sequence !== undefined && seed === undefined) throw new UsageProblem("--sequence wants --seed as well");
  return {
    sequences: sequence === undefined ? numberOf(sequences ?? "10000", { name: "sequences", most: SEQUENCES_MAX }) : 1,
    seed: seed === undefined ? undefined : numberOf(seed, { name: "seed", most: SEED_MAX }),
    first: numberOf(sequence ?? "0", { name: "sequence", most: SEED_MAX }),
    jobs: Math.max(1, numberOf(read("jobs") ?? "16", { name: "jobs", most: JOBS_MAX })),
    nodes: Number(nodes),
    left: addressesOf(read("left"), "left"),
    right: addressesOf(read("right"), "right"),
    help: parsed["help"] === true,
  };
}

function single(value: unknown, name: string): string | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  if (values.length > 1) throw new UsageProblem(`--${name} is given more than once`);
  return values.length === 0 ? undefined : String(values[0]);
}

function numberOf(text: string, { name, most }: { readonly name: string; readonly most: number }): number {
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN;
  if (number <= most) return number;
  throw new UsageProblem(`--${name} is a whole number from 0 to ${most}, not "${text}"`);
}

function addressesOf(text: string | undefined, name: string): readonly string[] | undefined {
  const addresses = text?.split(",");
  const wrong = addresses?.find((address) => !ADDRESS.test(address));
  if (wrong !== undefined) {
    throw new UsageProblem(`--${name} is HOST:PORT, more with commas between them, not "${wrong}"`);
  }
  return addresses;
}
