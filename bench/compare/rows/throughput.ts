/** Throughput against redis-server and the ceiling: each load on each of them, then again, so that all meet the same minutes. */

import { note } from "../../support/print.ts";
import { runLines } from "../loads/generator.ts";
import { fill } from "../loads/kvstore_bench.ts";
import { PacedLoad } from "../loads/redis_benchmark.ts";
import { type Cost, Meter } from "../meter.ts";
import { type CompareOptions, VALUE_BYTES } from "../options.ts";
import { judgeRatio, type Rates, type RowGroup, type RowResult, showSpread, skipRow } from "../row.ts";
import { CeilingServer } from "../servers/ceiling.ts";
import { startRedis } from "../servers/redis.ts";
import type { Server } from "../servers/server.ts";
import { startSubject, type Subject } from "../servers/subject.ts";
import { type Scenario, SCENARIOS } from "./scenarios.ts";

/** A run sends no more than this: the reference keeps everything on its disk. */
const RUN_BYTES_MAX = 512 << 20;
const GENERATOR_LIMIT = 0.9;

/** Ratios to one redis-server that syncs every write. */
export const throughput: RowGroup = {
  rows: SCENARIOS,
  minutesMax: 60,
  async run(options, chosen) {
    const scenarios = SCENARIOS.filter(({ id }) => chosen.has(id));
    await using subject = await startSubject(options);
    await using redis = await startRedis();
    await using ceiling = scenarios.some(({ hasCeiling }) => hasCeiling) ? await CeilingServer.start() : undefined;
    await fill(subject.address(await subject.leader()), options.keys);
    for (const server of [redis, ceiling]) if (server !== undefined) await fill(server.address(0), options.keys);
    const results: RowResult[] = [];
    for (const scenario of scenarios) {
      const isMissing = scenario.onFollower && subject.ids.length === 1;
      const servers = { subject, redis, ceiling: scenario.hasCeiling ? ceiling : undefined };
      results.push(isMissing ? skipRow(scenario, "There are no followers") : await measure(scenario, options, servers));
    }
    return results;
  },
};

/** One run of one load. */
interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly generatorCpu: number;
  readonly cost: Cost;
}

/** Where a load goes, and how it is run. */
interface Target {
  readonly role: "subject" | "redis" | "ceiling";
  readonly name: string;
  readonly run: () => Promise<Sample>;
}

async function measure(
  scenario: Scenario,
  options: CompareOptions,
  servers: { readonly subject: Subject; readonly redis: Subject; readonly ceiling: CeilingServer | undefined },
): Promise<RowResult> {
  const targets = await targetsOf(scenario, options, servers);
  const samples = new Map<Target["role"], Sample[]>(targets.map(({ role }) => [role, []]));
  const runs: Rates[] = [];
  for (let run = 1; run <= options.runs; run++) {
    const rates = { subject: NaN, redis: NaN };
    for (const { role, run: load } of targets) {
      const sample = await load();
      samples.get(role)?.push(sample);
      Object.assign(rates, { [role]: sample.perSecond });
    }
    runs.push(rates);
    const shown = targets.map(({ role, name }) => `${name} ${samples.get(role)?.at(-1)?.perSecond.toFixed(0)}/s`);
    note(`Run ${run} of ${options.runs}: ${scenario.title}: ${shown.join(", ")}`);
  }
  return judgeRatio(scenario, {
    bar: scenario.bar,
    runs,
    costs: targets.flatMap(({ role, name }) => (samples.get(role) ?? []).map(({ cost }) => ({ ...cost, name }))),
    notes: targets.map(({ role, name }) => `${name}: ${describe(samples.get(role) ?? [])}`),
  });
}

async function targetsOf(
  scenario: Scenario,
  options: CompareOptions,
  { subject, redis, ceiling }: {
    readonly subject: Subject;
    readonly redis: Subject;
    readonly ceiling: CeilingServer | undefined;
  },
): Promise<readonly Target[]> {
  const leader = await subject.leader();
  const id = scenario.onFollower ? subject.ids.find((other) => other !== leader) ?? leader : leader;
  const target = (role: Target["role"], to: { server: Server; id: number; name?: string }): Target => {
    const { server, name = server.name } = to;
    return { role, name, run: loadOf(scenario, options, { server, address: server.address(to.id) }) };
  };
  const own = target("subject", { server: subject, id });
  if (scenario.against === "own leader") {
    return [own, target("redis", { server: subject, id: leader, name: "its leader" })];
  }
  return [
    own,
    target("redis", { server: redis, id: 0 }),
    ...(ceiling === undefined ? [] : [target("ceiling", { server: ceiling, id: 0 })]),
  ];
}

function loadOf(
  scenario: Scenario,
  options: CompareOptions,
  { server, address }: { readonly server: Server; readonly address: string },
): () => Promise<Sample> {
  const { command, connections, pipeline, valueBytes } = scenario;
  const keys = Math.min(options.keys, scenario.keysMax);
  if (command === "text-put") return () => runTextPut(scenario, options, { server, address });
  const requestsMax = Math.ceil(RUN_BYTES_MAX / Math.max(valueBytes, VALUE_BYTES));
  const paced = new PacedLoad(address, { command, connections, pipeline, keys, valueBytes, requestsMax });
  return async () => {
    const meter = new Meter(server);
    const { requests, ...result } = await paced.run(options.seconds);
    return { ...result, cost: meter.read(requests) };
  };
}

async function runTextPut(
  { connections, pipeline, valueBytes }: Scenario,
  { seconds, keys }: CompareOptions,
  { server, address }: { readonly server: Server; readonly address: string },
): Promise<Sample> {
  const port = Number(address.split(":")[1]);
  const command = server.name === "Redis" ? "SET" : "PUT";
  const meter = new Meter(server);
  const result = await runLines({ port, command, connections, pipeline, seconds, keys, valueBytes });
  if (result.errors > 0) {
    throw new Error(`${result.errors} of ${result.requests} requests were refused by ${server.name}`);
  }
  return {
    perSecond: result.requests / result.seconds,
    p50Ms: result.p50,
    p99Ms: result.p99,
    maxMs: result.max,
    generatorCpu: result.cpuSeconds / result.seconds,
    cost: meter.read(result.requests),
  };
}

function describe(samples: readonly Sample[]): string {
  const of = (pick: (sample: Sample) => number, digits = 0) => showSpread(samples.map(pick), { digits });
  const isAtLimit = samples.some(({ generatorCpu }) => generatorCpu > GENERATOR_LIMIT);
  return `${of((one) => one.perSecond)}/s, p50 ${of((one) => one.p50Ms, 2)} ms, p99 ${of((one) => one.p99Ms, 2)} ms, ` +
    `longest ${of((one) => one.maxMs, 1)} ms, load generator ${of((one) => one.generatorCpu * 100)} % of a core` +
    (isAtLimit ? " (at its limit: the server may be faster)" : "");
}
