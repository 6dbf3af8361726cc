/** SET, and HTTP PUT and GET, with 50 connections against three nodes of etcd. */

import { fromFileUrl } from "@std/path";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import { waitFor } from "../../../tests/support/wait.ts";
import { note } from "../../support/print.ts";
import { runHttp } from "../loads/generator.ts";
import type { HttpPlan, HttpRequestKind, HttpResult } from "../loads/http_loader.ts";
import { fill } from "../loads/kvstore_bench.ts";
import { PacedLoad } from "../loads/redis_benchmark.ts";
import { type Cost, Meter } from "../meter.ts";
import { type CompareOptions, VALUE_BYTES } from "../options.ts";
import { judge, type RowGroup, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import { EtcdCluster } from "../servers/etcd.ts";
import { startSubject, type Subject } from "../servers/subject.ts";
import { isInstalled } from "../machine.ts";

const SET: RowHead = { id: "etcd", title: "SET, 50 connections, against three nodes of etcd" };
const HTTP: readonly (RowHead & { readonly ours: HttpRequestKind; readonly theirs: HttpRequestKind })[] = [
  { id: "http-put", title: "HTTP PUT, 50 connections, against etcd's JSON gateway", ours: "put", theirs: "etcd-put" },
  { id: "http-get", title: "HTTP GET, 50 connections, against etcd's JSON gateway", ours: "get", theirs: "etcd-get" },
];
const SET_BAR = 4.5;
const HTTP_BAR = 2;
const CONNECTIONS = 50;
/** Few enough that the first run gives nearly every key a value. */
const HTTP_KEYS_MAX = 5_000;
const TRIVIAL = fromFileUrl(new URL("../loads/trivial_server.ts", import.meta.url));

/** For SET the better of two loads of etcd counts: JSON over HTTP with 50 connections, and its own check over gRPC. */
export const againstEtcd: RowGroup = {
  rows: [SET, ...HTTP],
  minutesMax: 15,
  async run(options, chosen) {
    const heads = this.rows.filter(({ id }) => chosen.has(id));
    if (!await isInstalled("etcd")) return heads.map((head) => skipRow(head, "etcd is not installed"));
    await using etcd = await EtcdCluster.start();
    await using subject = await startSubject(options);
    await fill(subject.address(await subject.leader()), options.keys);
    const results: RowResult[] = [];
    if (chosen.has(SET.id)) results.push(await measureSet(options, { etcd, subject }));
    for (const row of HTTP.filter(({ id }) => chosen.has(id))) {
      results.push(await measureHttp(row, options, { etcd, subject }));
    }
    return results;
  },
};

/** Who is compared. */
interface Pair {
  readonly etcd: EtcdCluster;
  readonly subject: Subject;
}

async function measureSet(options: CompareOptions, { etcd, subject }: Pair): Promise<RowResult> {
  const { keys, seconds, runs } = options;
  const plan = { kind: "etcd-put", connections: CONNECTIONS, seconds, keys, valueBytes: VALUE_BYTES } as const;
  const limit = await measureGenerator(plan);
  const leader = subject.address(await subject.leader());
  const load = { command: "set", connections: CONNECTIONS, pipeline: 1, keys, valueBytes: VALUE_BYTES } as const;
  const paced = new PacedLoad(leader, load);
  const ours: number[] = [];
  const theirs: HttpResult[] = [];
  const costs: Cost[] = [];
  for (let run = 1; run <= runs; run++) {
    const meter = new Meter(subject);
    const result = await paced.run(seconds);
    costs.push(meter.read(result.requests));
    ours.push(result.perSecond);
    theirs.push(await runMetered({ ...plan, port: await etcd.leaderPort() }, { server: etcd, costs }));
    note(
      `Run ${run} of ${runs}: etcd: ${theirs.at(-1)?.perSecond.toFixed(0)}/s, ours: ${result.perSecond.toFixed(0)}/s`,
    );
  }
  const check = options.quick ? undefined : await etcd.checkPerf();
  return judge(SET, {
    bar: { kind: "atLeast", value: SET_BAR, of: "median", unit: "", digits: 1 },
    samples: ours.map((rate, at) => rate / Math.max(theirs[at]?.perSecond ?? 0, check ?? 0)),
    costs,
    notes: [
      `Measured: ${showSpread(ours)}/s`,
      `etcd by JSON over HTTP to its leader: ${describe(theirs)}`,
      `That load generator reaches ${limit.perSecond.toFixed(0)}/s against a server that does nothing.`,
      check === undefined
        ? "etcdctl check perf: no result"
        : `etcdctl check perf --load=xl (gRPC, 1 000 clients, at most 15 000/s): ${check}/s`,
      "etcd turns JSON into gRPC in its own process, which costs it time; the ratio is to the better of the two figures.",
    ],
  });
}

async function measureHttp(
  row: typeof HTTP[number],
  options: CompareOptions,
  { etcd, subject }: Pair,
): Promise<RowResult> {
  const port = subject.httpPort(await subject.leader());
  if (port === undefined) return skipRow(row, "The subject has no HTTP port");
  const keys = Math.min(options.keys, HTTP_KEYS_MAX);
  const plan = { connections: CONNECTIONS, seconds: options.seconds, keys, valueBytes: VALUE_BYTES };
  // Keys to read, and connections and code that are warm.
  await runHttp({ ...plan, kind: "put", port });
  await runHttp({ ...plan, kind: "etcd-put", port: await etcd.leaderPort() });
  const ours: HttpResult[] = [];
  const theirs: HttpResult[] = [];
  const costs: Cost[] = [];
  for (let run = 1; run <= options.runs; run++) {
    ours.push(await runMetered({ ...plan, kind: row.ours, port }, { server: subject, costs }));
    const etcdPort = await etcd.leaderPort();
    theirs.push(await runMetered({ ...plan, kind: row.theirs, port: etcdPort }, { server: etcd, costs }));
    const shown = `${ours.at(-1)?.perSecond.toFixed(0)}/s, etcd ${theirs.at(-1)?.perSecond.toFixed(0)}/s`;
    note(`Run ${run} of ${options.runs}: ${row.title}: ${shown}`);
  }
  return judge(row, {
    bar: { kind: "atLeast", value: HTTP_BAR, of: "median", unit: "", digits: 1 },
    samples: ours.map(({ perSecond }, at) => perSecond / (theirs[at]?.perSecond ?? NaN)),
    costs,
    notes: [`Measured: ${describe(ours)}`, `etcd: ${describe(theirs)}`, `${keys} keys, to the leader of each cluster.`],
  });
}

async function runMetered(
  plan: HttpPlan,
  { server, costs }: { readonly server: Subject | EtcdCluster; readonly costs: Cost[] },
): Promise<HttpResult> {
  const meter = new Meter(server);
  const result = await runHttp(plan);
  if (result.errors > 0) throw new Error(`${server.name} refused ${result.errors} of ${plan.kind}`);
  costs.push(meter.read(result.requests));
  return result;
}

async function measureGenerator(plan: Omit<HttpPlan, "port">): Promise<HttpResult> {
  const server = new ServerProcess([Deno.execPath(), "run", "--quiet", "-A", TRIVIAL]);
  try {
    const port = await waitFor(() => server.lines[0], { what: "the trivial server listens", timeoutMs: 10_000 });
    return await runHttp({ ...plan, port: Number(port) });
  } finally {
    await server.end("SIGKILL");
  }
}

function describe(results: readonly HttpResult[]): string {
  const of = (pick: (result: HttpResult) => number, digits = 0) => showSpread(results.map(pick), { digits });
  return `${of((one) => one.perSecond)}/s, p50 ${of((one) => one.p50, 2)} ms, p99 ${of((one) => one.p99, 2)} ms, ` +
    `load generator ${of((one) => one.cpu * 100)} % of a core`;
}
