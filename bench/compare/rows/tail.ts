/** What snapshots of many keys cost the tail of PING, under load: the same minute without them and with one after the other. */

import { delay, waitFor } from "../../../tests/support/wait.ts";
import { note } from "../../support/print.ts";
import { startLoad } from "../loads/kvstore_bench.ts";
import { PingProbe } from "../loads/ping_probe.ts";
import { type Cost, Meter } from "../meter.ts";
import type { CompareOptions } from "../options.ts";
import { judge, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import type { Subject } from "../servers/subject.ts";
import type { Filled, Scale } from "./filled.ts";

const BAR_MS = 5;
const LONG_BAR_MS = 10;
const CONNECTIONS = 50;
const WARMUP_MS = 2_000;
const RESTART_TIMEOUT_MS = 300_000;
/** No snapshot but those that are asked for. */
const NO_SNAPSHOTS = ["--snapshot-entries=1000000000", "--snapshot-bytes=68719476736"];

/** The row of a scale. */
export function tailRow({ suffix, label, isLong }: Scale): RowHead {
  return {
    id: `ping-tail${suffix}`,
    title: `PINGs while ${label} keys are snapshotted under load: p99.9 above that without`,
    isLong,
  };
}

/** One sample for each node. */
export async function measureTail(
  options: CompareOptions,
  { scale, subject, file }: Filled,
): Promise<readonly RowResult[]> {
  const row = tailRow(scale);
  const leader = await subject.leader();
  if (await subject.metrics(leader) === undefined) return [skipRow(row, "The subject takes no snapshots when asked")];
  await restartAll(subject);
  const costs: Cost[] = [];
  const without = await underLoad(options, { subject, keys: file.keys, costs });
  let taken = 0;
  const withThem = await underLoad(options, {
    ...{ subject, keys: file.keys, costs },
    meanwhile: async (isOver) => {
      await Promise.all(subject.ids.map(async (id) => {
        while (!isOver()) {
          const answer = await subject.snapshot(id);
          if (answer.startsWith("Error")) throw new Error(`Node ${id} took no snapshot: ${answer}`);
          taken += 1;
        }
      }));
    },
  });
  const unit = { unit: " ms", digits: 1 };
  return [judge(row, {
    bar: { kind: "atMost", value: scale.isLong ? LONG_BAR_MS : BAR_MS, of: "worst", ...unit },
    samples: withThem.p999.map((value, at) => value - (without.p999[at] ?? NaN)),
    costs,
    notes: [
      `One sample for each node, ${options.tailSeconds} s each. p99.9 without snapshots ${
        showSpread(without.p999, unit)
      }, ` +
      `with them ${showSpread(withThem.p999, unit)}; longest ${showSpread(without.longest, unit)} and ` +
      `${showSpread(withThem.longest, unit)}.`,
      `${taken} snapshots of all nodes. ${CONNECTIONS} connections wrote ${without.perSecond.toFixed(0)}/s without ` +
      `and ${withThem.perSecond.toFixed(0)}/s with them.`,
    ],
  })];
}

/** What the probes of all nodes saw, in milliseconds by node, and what was written. */
interface Seen {
  readonly p999: readonly number[];
  readonly longest: readonly number[];
  readonly perSecond: number;
}

/** All at once, so that they have the same flags. */
async function restartAll(subject: Subject): Promise<void> {
  await Promise.all(subject.ids.map((id) => subject.kill(id, "SIGTERM")));
  for (const id of subject.ids) subject.start(id, NO_SNAPSHOTS);
  await waitFor(async () => {
    await subject.settle();
    return true;
  }, { what: "all nodes have read their keys and are equal", timeoutMs: RESTART_TIMEOUT_MS });
}

async function underLoad(
  { tailSeconds }: CompareOptions,
  { subject, keys, costs, meanwhile = () => Promise.resolve() }: {
    readonly subject: Subject;
    readonly keys: number;
    readonly costs: Cost[];
    readonly meanwhile?: (isOver: () => boolean) => Promise<void>;
  },
): Promise<Seen> {
  const leader = subject.address(await subject.leader());
  const load = startLoad(leader, { command: "set", connections: CONNECTIONS, pipeline: 1, keys, seconds: 600 });
  let isOver = false;
  try {
    await delay(WARMUP_MS);
    const meter = new Meter(subject);
    const probes = subject.ids.map((id) => new PingProbe(subject.address(id)));
    const work = meanwhile(() => isOver);
    await Promise.race([delay(tailSeconds * 1_000), work.then(() => delay(tailSeconds * 1_000))]);
    const pings = await Promise.all(probes.map((probe) => probe.stop()));
    isOver = true;
    if (probes.some(({ serverEnded }) => serverEnded)) throw new Error("A node ended");
    costs.push(meter.read());
    load.stop();
    await work;
    const { perSecond } = await load.result;
    const p999 = pings.map((ping) => ping.quantile(0.999));
    note(`p99.9 of PING by node: ${p999.map((value) => value.toFixed(1)).join(", ")} ms`);
    return { p999, longest: pings.map((ping) => ping.max), perSecond };
  } finally {
    isOver = true;
    load.stop();
    await load.result.catch(() => {});
  }
}
