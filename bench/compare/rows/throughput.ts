/** SET and GET against redis-server: every load once on each side, then again, so that both meet the same minutes. */

import type { LoadResult } from "../../../lib/load/options.ts";
import { note } from "../../support/print.ts";
import { fill, type Load, redisBenchmark, runLoad, showErrors } from "../loader.ts";
import type { CompareOptions } from "../options.ts";
import { judge, type RowGroup, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import { startRedis, startSubject, type Subject } from "../subject.ts";

interface Scenario extends RowHead {
  readonly bar: number;
  readonly command: "set" | "get";
  readonly connections: number;
  readonly pipeline: number;
  readonly onFollower?: boolean;
}

interface Pair {
  readonly subject: LoadResult;
  readonly redis: LoadResult;
}

const SCENARIOS: readonly Scenario[] = [
  { id: "set-50", title: "SET, 50 connections", bar: 0.5, command: "set", connections: 50, pipeline: 1 },
  { id: "set-p16", title: "SET, 50 connections, pipeline 16", bar: 0.6, command: "set", connections: 50, pipeline: 16 },
  { id: "set-1", title: "SET, 1 connection", bar: 0.45, command: "set", connections: 1, pipeline: 1 },
  { id: "get-leader", title: "GET, 50 connections, leader", bar: 0.6, command: "get", connections: 50, pipeline: 1 },
  {
    id: "get-follower",
    title: "GET, 50 connections, follower",
    bar: 0.5,
    command: "get",
    connections: 50,
    pipeline: 1,
    onFollower: true,
  },
  {
    id: "get-p16",
    title: "GET, 50 connections, pipeline 16",
    bar: 0.45,
    command: "get",
    connections: 50,
    pipeline: 16,
  },
];

/** Ratios to one redis-server that syncs every write. */
export const throughput: RowGroup = {
  rows: SCENARIOS,
  async run(options, chosen) {
    await using subject = await startSubject(options);
    await using redis = await startRedis();
    await fill(subject.address(await subject.leader()), options.keys);
    await fill(redis.address(0), options.keys);
    const isSingle = subject.ids.length === 1;
    const scenarios = SCENARIOS.filter(({ id, onFollower }) => chosen.has(id) && !(isSingle && onFollower === true));
    const pairs = new Map<string, Pair[]>(scenarios.map(({ id }) => [id, []]));
    for (let run = 1; run <= options.runs; run++) {
      for (const scenario of scenarios) {
        const pair = await measure(scenario, { options, subject, redis });
        pairs.get(scenario.id)?.push(pair);
        const rates = `${pair.subject.perSecond.toFixed(0)}/s, redis ${pair.redis.perSecond.toFixed(0)}/s`;
        note(`Run ${run} of ${options.runs}: ${scenario.title}: ${rates}`);
      }
    }
    const checks = await checkLoader(options, { redis, scenarios, pairs });
    return SCENARIOS.filter(({ id }) => chosen.has(id)).map((scenario) => {
      const done = pairs.get(scenario.id);
      return done === undefined ? skipRow(scenario, "There are no followers") : rowOf(scenario, done, checks);
    });
  },
};

async function measure(
  scenario: Scenario,
  { options, subject, redis }: { options: CompareOptions; subject: Subject; redis: Subject },
): Promise<Pair> {
  const { command, connections, pipeline, onFollower } = scenario;
  const { keys, seconds, warmupSeconds } = options;
  const load: Load = { command, connections, pipeline, keys, seconds, warmupSeconds };
  const leader = await subject.leader();
  const target = onFollower === true ? subject.ids.find((id) => id !== leader) ?? leader : leader;
  return { subject: await runLoad(subject.address(target), load), redis: await runLoad(redis.address(0), load) };
}

/** What redis-benchmark says of the same Redis, by scenario. */
async function checkLoader(
  { seconds, keys }: CompareOptions,
  { redis, scenarios, pairs }: {
    redis: Subject;
    scenarios: readonly Scenario[];
    pairs: ReadonlyMap<string, readonly Pair[]>;
  },
): Promise<ReadonlyMap<string, string>> {
  const checks = new Map<string, string>();
  for (const pipeline of [1, 16]) {
    const same = scenarios.filter((one) => one.pipeline === pipeline && one.connections === 50);
    const rates = same.map(({ id }) => pairs.get(id)?.[0]?.redis.perSecond ?? 0);
    if (same.length === 0) continue;
    const requests = Math.max(1_000, Math.round(Math.min(...rates) * seconds));
    const found = await redisBenchmark(redis.address(0), { pipeline, requests, keys });
    for (const { id, command } of same) {
      checks.set(
        id,
        found === undefined ? "redis-benchmark: not available" : [
          `redis-benchmark measures ${found[command].toFixed(0)}/s`,
          `where this load generator measured ${
            showSpread((pairs.get(id) ?? []).map((pair) => pair.redis.perSecond))
          }/s`,
        ].join(" "),
      );
    }
  }
  return checks;
}

function rowOf(scenario: Scenario, pairs: readonly Pair[], checks: ReadonlyMap<string, string>): RowResult {
  const samples = pairs.map(({ subject, redis }) => subject.perSecond / redis.perSecond);
  const check = checks.get(scenario.id);
  const { id, title, bar } = scenario;
  return judge({ id, title }, {
    bar: { kind: "atLeast", value: bar, of: "median", unit: "", digits: 2 },
    samples,
    notes: [
      `Measured: ${describe(pairs.map((pair) => pair.subject))}`,
      `Redis: ${describe(pairs.map((pair) => pair.redis))}`,
      ...(check === undefined ? [] : [check]),
    ],
  });
}

/** Whether the load generator had no time left. */
function isGeneratorBound({ cpuSeconds, seconds }: LoadResult): boolean {
  return cpuSeconds > 0.9 * seconds;
}

function describe(results: readonly LoadResult[]): string {
  const of = (pick: (result: LoadResult) => number, digits = 0) => showSpread(results.map(pick), { digits });
  const errors = results.map(showErrors).filter((text) => text !== "").join("; ");
  return `${of((one) => one.perSecond)}/s, p50 ${of((one) => one.latencyMs.p50, 2)} ms, ` +
    `p99 ${of((one) => one.latencyMs.p99, 2)} ms, longest ${of((one) => one.latencyMs.max, 1)} ms, ` +
    `load generator ${of((one) => one.cpuSeconds / Math.max(1e-3, one.seconds) * 100)} % of a core` +
    (results.some(isGeneratorBound) ? " (at its limit: the server may be faster)" : "") +
    (errors === "" ? "" : `, errors: ${errors}`);
}
