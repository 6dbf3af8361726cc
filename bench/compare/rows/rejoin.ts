/** A follower loses its directory and comes back under load. */

import { numberOf } from "../../../tests/support/text_client.ts";
import { delay, waitFor } from "../../../tests/support/wait.ts";
import { note } from "../../support/print.ts";
import { startLoad } from "../loads/kvstore_bench.ts";
import { type Cost, Meter } from "../meter.ts";
import type { CompareOptions } from "../options.ts";
import { judge, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import type { Subject } from "../servers/subject.ts";
import type { Filled } from "./filled.ts";

const CAUGHT_UP: RowHead = { id: "rejoin", title: "Wiped follower caught up with 1 M keys under load" };
const THROUGHPUT: RowHead = { id: "rejoin-throughput", title: "Throughput meanwhile, of that with three nodes up" };
/** The rows that one measurement gives. */
export const REJOIN_ROWS: readonly RowHead[] = [CAUGHT_UP, THROUGHPUT];

const BAR_SECONDS = 4;
const THROUGHPUT_BAR = 0.85;
const CONNECTIONS = 50;
const WARMUP_MS = 1_000;
const BEFORE_MS = 5_000;
const TIMEOUT_MS = 90_000;
const LOAD_SECONDS = 600;
/** What the leader has committed so long ago, the follower must have applied. */
const BEHIND_MS = 100;

/** Both rows. */
export async function measureRejoin(
  options: CompareOptions,
  { subject, file }: Filled,
): Promise<readonly RowResult[]> {
  if (subject.ids.length < 3) return REJOIN_ROWS.map((row) => skipRow(row, "There are no followers"));
  const leader = subject.address(await subject.leader());
  const { keys } = file;
  const load = startLoad(leader, {
    command: "set",
    connections: CONNECTIONS,
    pipeline: 1,
    keys,
    seconds: LOAD_SECONDS,
  });
  const returns: Return[] = [];
  const costs: Cost[] = [];
  try {
    await delay(WARMUP_MS);
    for (let run = 1; run <= options.runs; run++) {
      const meter = new Meter(subject);
      const found = await loseAndReturn(options, subject);
      costs.push(meter.read());
      returns.push(found);
      note(`Run ${run} of ${options.runs}: ${found.seconds.toFixed(1)} s, ${showRates(found)}`);
    }
  } finally {
    load.stop();
    await load.result.catch(() => {});
  }
  return [
    judge(CAUGHT_UP, {
      bar: { kind: "atMost", value: BAR_SECONDS, of: "median", unit: " s", digits: 1 },
      samples: returns.map(({ seconds }) => seconds),
      costs,
      notes: [
        "From its start with --new-identity and an empty directory until it had applied what the leader had committed " +
        `${BEHIND_MS} ms before, while ${CONNECTIONS} connections wrote without pause.`,
      ],
    }),
    judge(THROUGHPUT, {
      bar: { kind: "atLeast", value: THROUGHPUT_BAR, of: "median", unit: "", digits: 2 },
      samples: returns.map(({ before, during }) => during / before),
      costs,
      notes: [
        `${showSpread(returns.map(({ before }) => before))}/s before, ` +
        `${showSpread(returns.map(({ during }) => during))}/s meanwhile.`,
      ],
    }),
  ];
}

/** Writes per second before and meanwhile, and how long it took. */
interface Return {
  readonly seconds: number;
  readonly before: number;
  readonly during: number;
}

async function loseAndReturn({ quick }: CompareOptions, subject: Subject): Promise<Return> {
  const leader = await subject.leader();
  const follower = subject.ids.find((id) => id !== leader) ?? leader;
  const field = async (id: number, name: string) => numberOf(await subject.metrics(id) ?? new Map(), name);
  const written = async () => ({ count: await field(leader, "Client Requests Succeeded"), at: performance.now() });
  const first = await written();
  await delay(quick ? WARMUP_MS : BEFORE_MS);
  const second = await written();
  await subject.kill(follower, "SIGKILL");
  await Deno.remove(subject.directory(follower), { recursive: true });
  const third = await written();
  subject.start(follower, ["--new-identity"]);
  await waitFor(async () => {
    const committed = await field(leader, "Commit Index");
    await delay(BEHIND_MS);
    return await field(follower, "Last Applied") >= committed ? true : undefined;
  }, { what: "the wiped follower has caught up", timeoutMs: TIMEOUT_MS, everyMs: 50 });
  const fourth = await written();
  const rate = (from: typeof first, to: typeof first) => (to.count - from.count) / (to.at - from.at) * 1_000;
  return { seconds: (fourth.at - third.at) / 1_000, before: rate(first, second), during: rate(third, fourth) };
}

function showRates({ before, during }: Return): string {
  return `${before.toFixed(0)}/s before, ${during.toFixed(0)}/s meanwhile`;
}
