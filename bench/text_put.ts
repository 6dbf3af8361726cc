/**
 * Durable, replicated writes and linearizable reads through the text protocol: a cluster of real processes, the load
 * generator in a process of its own on the same machine, several interleaved runs.
 *
 *     deno task bench --help
 */

import { parseArgs } from "@std/cli";
import { ProcessCluster } from "../tests/support/process_cluster.ts";
import { runBulk } from "../tests/support/bulk.ts";
import type { LoadPlan } from "./support/load.ts";
import { measure, type Measurement } from "./support/measure.ts";
import { note, print } from "./support/print.ts";
import { spread, table } from "./support/table.ts";

const HELP = `Usage: deno task bench [FLAGS]
  --connections N   Connections of one load (default: the standard loads with 1 and 50)
  --pipeline N      Requests a connection sends together (default: the standard loads with 1 and 16)
  --get             With one of the two above: measure GET instead of PUT
  --follower        With --get: ask a follower
  --nodes N         Nodes of the cluster (3)
  --value-bytes N   Length of each value (64)
  --keys N          Number of keys (100000)
  --seconds N       Length of each run (3)
  --runs N          Runs of each load, interleaved (3)
  --flags "..."     Further flags of every node
KVSTORE_BINARY names an executable to measure instead of the source.`;

interface Scenario {
  readonly command: "PUT" | "GET";
  readonly onFollower: boolean;
  readonly connections: number;
  readonly pipeline: number;
}

const STANDARD: readonly Scenario[] = [
  { command: "PUT", onFollower: false, connections: 50, pipeline: 1 },
  { command: "PUT", onFollower: false, connections: 50, pipeline: 16 },
  { command: "PUT", onFollower: false, connections: 1, pipeline: 1 },
  { command: "GET", onFollower: false, connections: 50, pipeline: 1 },
  { command: "GET", onFollower: false, connections: 50, pipeline: 16 },
  { command: "GET", onFollower: true, connections: 50, pipeline: 1 },
];

const HEADER = [
  "load",
  "requests/s",
  "p50 ms",
  "p99 ms",
  "max ms",
  "errors",
  "syncs/s leader",
  "syncs/s follower",
  "per sync",
  "cpu leader",
  "cpu follower",
  "cpu load",
];

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return print(HELP);
  await using cluster = new ProcessCluster({ nodes: options.nodes, flags: options.flags });
  await cluster.start();
  await fill(cluster, options);
  const results = new Map<Scenario, Measurement[]>(options.scenarios.map((scenario) => [scenario, []]));
  for (let run = 1; run <= options.runs; run++) {
    for (const [scenario, done] of results) {
      const leader = await cluster.waitForLeader();
      const target = scenario.onFollower ? cluster.others(leader)[0] ?? leader : leader;
      const plan: LoadPlan = { ...options, ...scenario, port: cluster.node(target).clientPort };
      const result = await measure(cluster, plan);
      done.push(result);
      note(`run ${run} of ${options.runs}: ${nameOf(scenario)}: ${Math.round(result.perSecond)}/s`);
    }
  }
  const about = `${options.nodes} nodes, values of ${options.valueBytes} bytes, ${options.keys} keys, ` +
    `${options.runs} runs of ${options.seconds} s, median (least-greatest)`;
  const rows = [...results].map(([scenario, runs]) => rowOf(nameOf(scenario), runs));
  print(`${about}\n\n${table([HEADER, ...rows])}`);
}

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly nodes: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly seconds: number;
  readonly runs: number;
  readonly flags: readonly string[];
}

function readOptions(): Options | undefined {
  const args: Readonly<Record<string, unknown>> = parseArgs(Deno.args, {
    string: ["connections", "pipeline", "nodes", "value-bytes", "keys", "seconds", "runs", "flags"],
    boolean: ["get", "follower", "help"],
    unknown: (flag) => {
      note(`Unknown argument ${flag}\n${HELP}`);
      Deno.exit(2);
    },
  });
  if (args["help"] === true) return undefined;
  const given = (name: string): boolean => typeof args[name] === "string" || args[name] === true;
  const number = (name: string, standard: number): number => given(name) ? positive(name, args[name]) : standard;
  const single = given("connections") || given("pipeline") || given("get");
  const one: Scenario = {
    command: given("get") ? "GET" : "PUT",
    onFollower: given("follower"),
    connections: number("connections", 50),
    pipeline: number("pipeline", 1),
  };
  return {
    scenarios: single ? [one] : STANDARD,
    nodes: number("nodes", 3),
    valueBytes: number("value-bytes", 64),
    keys: number("keys", 100_000),
    seconds: number("seconds", 3),
    runs: number("runs", 3),
    flags: String(args["flags"] ?? "").split(" ").filter((flag) => flag !== ""),
  };
}

function positive(name: string, value: unknown): number {
  if (typeof value === "string" && /^\d+$/.test(value) && Number(value) > 0) return Number(value);
  note(`--${name} wants a whole number above 0, not "${value}"`);
  Deno.exit(2);
}

/** Every key gets a value, so that each GET finds one. */
async function fill(cluster: ProcessCluster, options: Options): Promise<void> {
  const port = cluster.node(await cluster.waitForLeader()).clientPort;
  const value = "x".repeat(options.valueBytes);
  await runBulk({
    port,
    count: options.keys,
    request: (n) => {
      const key = `key:${String(n).padStart(12, "0")}`;
      return { line: `PUT ${key} ${value}`, reply: `${key} added successfully.` };
    },
  });
}

function nameOf(scenario: Scenario): string {
  const where = scenario.command === "PUT" ? "" : scenario.onFollower ? " on a follower" : " on the leader";
  return `${scenario.command}${where}, ${scenario.connections} connections, pipeline ${scenario.pipeline}`;
}

function rowOf(name: string, runs: readonly Measurement[]): string[] {
  const column = (pick: (run: Measurement) => number, digits = 0) => spread(runs.map(pick), digits);
  return [
    name,
    column((run) => run.perSecond),
    column((run) => run.p50, 2),
    column((run) => run.p99, 2),
    column((run) => run.max, 1),
    String(runs.reduce((sum, run) => sum + run.errors, 0)),
    column((run) => run.leaderSyncs / run.seconds),
    column((run) => run.followerSyncs / run.seconds),
    column((run) => run.perSync, 1),
    column((run) => run.leaderCpu, 2),
    column((run) => run.followerCpu, 2),
    column((run) => run.generatorCpu, 2),
  ];
}

if (import.meta.main) await main();
