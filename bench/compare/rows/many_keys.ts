/** A million keys: memory, stalls while snapshots are taken, restart, and the return of a wiped follower. */

import { numberOf } from "../../../tests/support/text_client.ts";
import { delay, waitFor } from "../../../tests/support/wait.ts";
import { note } from "../../support/print.ts";
import { startLoad } from "../loader.ts";
import { ManyKeys } from "../many_keys.ts";
import type { CompareOptions } from "../options.ts";
import { PingProbe } from "../ping_probe.ts";
import { untilAnswered } from "../resp_connection.ts";
import { failRow, judge, type RowGroup, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import type { Subject } from "../subject.ts";
import { measureRejoin, REJOIN_ROWS } from "./rejoin.ts";

const MEMORY: RowHead = { id: "memory", title: "Resident memory of one node with 1 M keys" };
const STALL: RowHead = { id: "stall", title: "Longest event-loop stall while 1 M keys are snapshotted under load" };
const RESTART: RowHead = { id: "restart", title: "Restart of a node with 1 M keys until it answers" };
const SNAPSHOT_TIMEOUT_MS = 60_000;
const RESTART_TIMEOUT_MS = 60_000;

type Measure = (options: CompareOptions, subject: Subject) => Promise<readonly RowResult[]>;

/** All of them on one cluster that is filled once, in an order in which none disturbs the next. */
export const manyKeys: RowGroup = {
  rows: [MEMORY, STALL, RESTART, ...REJOIN_ROWS],
  async run(options, chosen) {
    await using cluster = new ManyKeys();
    const parts: readonly (readonly [rows: readonly RowHead[], measure: Measure])[] = [
      [[MEMORY], measureMemory],
      [[STALL], measureStall],
      [[RESTART], measureRestart],
      [REJOIN_ROWS, measureRejoin],
    ];
    const results: RowResult[] = [];
    for (const [rows, measure] of parts) {
      const wanted = rows.filter(({ id }) => chosen.has(id));
      if (wanted.length === 0) continue;
      try {
        const found = await measure(options, await cluster.get(options));
        results.push(...found.filter(({ id }) => chosen.has(id)));
      } catch (error) {
        results.push(...wanted.map((row) => failRow(row, error)));
      }
    }
    return results;
  },
};

async function measureMemory({ manyKeys: keys }: CompareOptions, subject: Subject): Promise<readonly RowResult[]> {
  await delay(2_000);
  const read = (name: string) => subject.ids.map((id) => memoryMebibytes(subject.pid(id), name));
  return [judge(MEMORY, {
    bar: { kind: "atMost", value: 450, of: "worst", unit: " MiB", digits: 0 },
    samples: read("VmRSS"),
    notes: [
      `${keys} keys of 16 bytes with values of 64; one sample for each node, 2 s after they were written.`,
      `The most until then: ${showSpread(read("VmHWM"), { unit: " MiB" })}.`,
    ],
  })];
}

function memoryMebibytes(pid: number, name: string): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? NaN) / 1_024;
}

async function measureStall({ manyKeys: keys }: CompareOptions, subject: Subject): Promise<readonly RowResult[]> {
  const leader = await subject.leader();
  const field = async (id: number, name: string) => numberOf(await subject.metrics(id) ?? new Map(), name);
  if (await subject.metrics(leader) === undefined) return [skipRow(STALL, "The subject has no METRICS command")];
  const all = async (name: string) => await Promise.all(subject.ids.map((id) => field(id, name)));
  const lagBefore = await all("Event Loop Lag Max");
  const takenBefore = await field(leader, "Snapshots Taken");
  const load = startLoad(subject.address(leader), { command: "set", connections: 50, pipeline: 1, keys, seconds: 120 });
  const probes = subject.ids.map((id) => new PingProbe(subject.address(id)));
  try {
    await waitFor(async () => await field(leader, "Snapshots Taken") >= takenBefore + 2 ? true : undefined, {
      what: "the leader takes two snapshots under load",
      timeoutMs: SNAPSHOT_TIMEOUT_MS,
      everyMs: 250,
    });
  } finally {
    load.stop();
  }
  const { perSecond, latencyMs } = await load.result;
  const gaps = await Promise.all(probes.map((probe) => probe.stop()));
  const lags = await all("Event Loop Lag Max");
  const show = (values: readonly number[]) => showSpread(values, { unit: " ms", digits: 1 });
  return [judge(STALL, {
    bar: { kind: "atMost", value: 20, of: "worst", unit: " ms", digits: 1 },
    samples: lags.map((lag, id) => Math.min(lag, gaps[id] ?? lag)),
    notes: [
      "One sample for each node, an upper bound: the lesser of Event Loop Lag Max of METRICS, which counts from the start " +
      "of the process, and of the longest time between two replies to PINGs during the snapshots.",
      `Event Loop Lag Max ${show(lags)}, before this load ${show(lagBefore)}; between two PINGs ${show(gaps)}.`,
      `Meanwhile 50 connections wrote ${perSecond.toFixed(0)}/s, the slowest write took ${
        latencyMs.max.toFixed(1)
      } ms.`,
    ],
  })];
}

async function measureRestart({ runs }: CompareOptions, subject: Subject): Promise<readonly RowResult[]> {
  const samples: number[] = [];
  for (let run = 0; run < runs; run++) {
    const leader = await subject.leader();
    const id = subject.ids.find((other) => other !== leader) ?? leader;
    await subject.kill(id, "SIGKILL");
    const since = performance.now();
    subject.start(id);
    const words = ["GET", "key:000000000001"];
    const took = await untilAnswered(subject.address(id), { words, since, timeoutMs: RESTART_TIMEOUT_MS });
    samples.push(took / 1_000);
    note(`Restart: ${(took / 1_000).toFixed(2)} s`);
    await subject.settle();
  }
  return [judge(RESTART, {
    bar: { kind: "atMost", value: 2.5, of: "median", unit: " s", digits: 2 },
    samples,
    notes: ["From the start of the process (after kill -9) to the reply of its first GET, without load."],
  })];
}
