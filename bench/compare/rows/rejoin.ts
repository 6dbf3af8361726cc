/** A follower loses its directory and comes back under load. */

import { numberOf } from "../../../tests/support/text_client.ts";
import { delay, waitFor } from "../../../tests/support/wait.ts";
import { startLoad } from "../loader.ts";
import type { CompareOptions } from "../options.ts";
import { judge, type RowHead, type RowResult, skipRow } from "../row.ts";
import type { Subject } from "../subject.ts";

const CAUGHT_UP: RowHead = { id: "rejoin", title: "Wiped follower caught up with 1 M keys under load" };
const THROUGHPUT: RowHead = { id: "rejoin-throughput", title: "Throughput of the leader meanwhile, of before" };
/** The rows that one measurement gives. */
export const REJOIN_ROWS: readonly RowHead[] = [CAUGHT_UP, THROUGHPUT];

const BEFORE_MS = 5_000;
const TIMEOUT_MS = 90_000;
/** What the leader has committed so long ago, the follower must have applied. */
const BEHIND_MS = 100;

/** Both rows. */
export async function measureRejoin(
  { manyKeys: keys, quick }: CompareOptions,
  subject: Subject,
): Promise<readonly RowResult[]> {
  if (subject.ids.length < 3) return REJOIN_ROWS.map((row) => skipRow(row, "There are no followers"));
  const leader = await subject.leader();
  const follower = subject.ids.find((id) => id !== leader) ?? leader;
  const field = async (id: number, name: string) => numberOf(await subject.metrics(id) ?? new Map(), name);
  const written = async () => ({ count: await field(leader, "Client Requests Succeeded"), at: performance.now() });
  const load = startLoad(subject.address(leader), { command: "set", connections: 50, pipeline: 1, keys, seconds: 300 });
  try {
    await delay(1_000);
    const first = await written();
    await delay(quick ? 1_000 : BEFORE_MS);
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
    const before = rate(first, second);
    const during = rate(third, fourth);
    return [
      judge(CAUGHT_UP, {
        bar: { kind: "atMost", value: 15, of: "worst", unit: " s", digits: 1 },
        samples: [(fourth.at - third.at) / 1_000],
        notes: [
          "From its start with --new-identity and an empty directory until it had applied what the leader had committed " +
          `${BEHIND_MS} ms before, while 50 connections wrote without pause.`,
        ],
      }),
      judge(THROUGHPUT, {
        bar: { kind: "atLeast", value: 0.7, of: "median", unit: "", digits: 2 },
        samples: [during / before],
        notes: [`${before.toFixed(0)}/s before, ${during.toFixed(0)}/s meanwhile.`],
      }),
    ];
  } finally {
    load.stop();
    await load.result.catch(() => {});
  }
}
