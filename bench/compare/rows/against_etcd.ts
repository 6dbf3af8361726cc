/** SET with 50 connections against three nodes of etcd. */

import { fromFileUrl } from "@std/path";
import { ServerProcess } from "../../../tests/support/server_process.ts";
import { waitFor } from "../../../tests/support/wait.ts";
import { note } from "../../support/print.ts";
import { EtcdCluster } from "../etcd.ts";
import type { HttpPlan, HttpResult } from "../http_loader.ts";
import { fill, runLoad } from "../loader.ts";
import { isInstalled } from "../machine.ts";
import { VALUE_BYTES } from "../options.ts";
import { judge, type RowGroup, type RowHead, showSpread, skipRow } from "../row.ts";
import { startSubject } from "../subject.ts";

const HEAD: RowHead = { id: "etcd", title: "SET, 50 connections, against three nodes of etcd" };
const CONNECTIONS = 50;
const LOADER = fromFileUrl(new URL("../http_loader.ts", import.meta.url));
const TRIVIAL = fromFileUrl(new URL("../trivial_server.ts", import.meta.url));

/** The ratio is to the better of two loads of etcd: JSON over HTTP with 50 connections, and its own check over gRPC. */
export const againstEtcd: RowGroup = {
  rows: [HEAD],
  async run(options) {
    if (!await isInstalled("etcd")) return [skipRow(HEAD, "etcd is not installed")];
    const { keys, seconds, warmupSeconds } = options;
    const plan = { connections: CONNECTIONS, seconds, keys, valueBytes: VALUE_BYTES };
    const ceiling = await measureCeiling(plan);
    await using etcd = await EtcdCluster.start();
    await using subject = await startSubject(options);
    const leader = subject.address(await subject.leader());
    await fill(leader, keys);
    const ours: number[] = [];
    const theirs: HttpResult[] = [];
    for (let run = 1; run <= options.runs; run++) {
      const load = { command: "set", connections: CONNECTIONS, pipeline: 1, keys, seconds, warmupSeconds } as const;
      const result = await runLoad(leader, load);
      const other = await runHttp({ ...plan, port: await etcd.leaderPort() });
      ours.push(result.perSecond);
      theirs.push(other);
      note(
        `Run ${run} of ${options.runs}: etcd: ${other.perSecond.toFixed(0)}/s, KVStore: ${
          result.perSecond.toFixed(0)
        }/s`,
      );
    }
    const check = options.quick ? undefined : await etcd.checkPerf();
    const samples = ours.map((rate, at) => rate / Math.max(theirs[at]?.perSecond ?? 0, check ?? 0));
    return [judge(HEAD, {
      bar: { kind: "atLeast", value: 5, of: "median", unit: "", digits: 1 },
      samples,
      notes: [
        `Measured: ${showSpread(ours)}/s`,
        `etcd by JSON over HTTP to its leader: ${showSpread(theirs.map((one) => one.perSecond))}/s, ` +
        `p50 ${showSpread(theirs.map((one) => one.p50), { digits: 2 })} ms, ` +
        `p99 ${showSpread(theirs.map((one) => one.p99), { digits: 2 })} ms, ` +
        `${theirs.reduce((sum, one) => sum + one.errors, 0)} errors`,
        `That load generator reaches ${ceiling.perSecond.toFixed(0)}/s against a server that does nothing.`,
        check === undefined
          ? "etcdctl check perf: not run"
          : `etcdctl check perf --load=xl (gRPC, 1 000 clients, at most 15 000/s): ${check}/s`,
        "etcd turns JSON into gRPC in its own process, which costs it time; the ratio is to the better of the two figures.",
      ],
    })];
  },
};

async function measureCeiling(plan: Omit<HttpPlan, "port">): Promise<HttpResult> {
  const server = new ServerProcess([Deno.execPath(), "run", "--quiet", "-A", TRIVIAL]);
  try {
    const port = await waitFor(() => server.lines[0], { what: "the trivial server listens", timeoutMs: 10_000 });
    return await runHttp({ ...plan, port: Number(port) });
  } finally {
    await server.end("SIGKILL");
  }
}

async function runHttp(plan: HttpPlan): Promise<HttpResult> {
  const args = ["run", "--quiet", "-A", LOADER, JSON.stringify(plan)];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  if (code !== 0) throw new Error(`The load generator for HTTP ended with exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
