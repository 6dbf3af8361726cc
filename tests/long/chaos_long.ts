/**
 * Mixed faults on real nodes for a while, then peace: nothing acknowledged is lost, no read was stale, all nodes are equal.
 *
 *     CHAOS_SECONDS=600 CHAOS_NODES=5 CHAOS_SEED=7 deno test -A tests/long/chaos_long.ts
 */

import { assertEquals, assertGreater, assertMatch } from "@std/assert";

import type { Evidence } from "../chaos/judge.ts";
import { type ChaosResult, describeResult } from "../chaos/outcome.ts";
import { type ChaosOptions, runChaos } from "../chaos/run.ts";

const SECONDS = Number(Deno.env.get("CHAOS_SECONDS") ?? 60);
const NODES = Number(Deno.env.get("CHAOS_NODES") ?? 3);
const SEED = Number(Deno.env.get("CHAOS_SEED") ?? Math.floor(Math.random() * 1_000_000));
/** Long enough for some hundred operations, and for few faults. */
const PLANTED_SECONDS = 3;

async function run(options: Partial<ChaosOptions>): Promise<ChaosResult> {
  const said: string[] = [];
  const result = await runChaos({
    ...{ seconds: SECONDS, nodes: NODES, seed: SEED, keep: false },
    ...options,
    say: (line) => said.push(line),
  });
  // Deno shows what a test writes only when it fails or is asked to; the summary is wanted in any case.
  await Deno.stderr.write(new TextEncoder().encode(`${["", ...describeResult(result)].join("\n")}\n`));
  return result;
}

Deno.test(`${SECONDS} s of mixed faults on ${NODES} nodes break no promise (CHAOS_SEED=${SEED})`, async () => {
  const { problems, faults } = await run({});
  assertEquals(problems, []);
  const kinds = [...faults].filter(([, { felt }]) => felt > 0);
  assertGreater(kinds.length, Math.min(faults.size - 1, SECONDS / 4), "kinds of faults");
});

Deno.test("a loss and a stale read that are planted in what a run of real nodes gave are noticed", async () => {
  const { problems, kept } = await run({ seconds: PLANTED_SECONDS, tamper: plant });
  const told = problems.join("\n");
  assertMatch(told, /key planted on node 0: promised was u9999-1/);
  assertMatch(told, /u9999-1\. to planted was acknowledged and is nowhere in the log/);
  assertMatch(told, /certificate of /);
  assertMatch(told, /search: /);
  assertEquals(problems.length, 2 + 1 + NODES);
  if (kept !== undefined) await Deno.remove(kept, { recursive: true });
});

/** A write that was never made, and a read that saw nothing where a value was for long. */
function plant(evidence: Evidence): Evidence {
  const value = "u9999-1.";
  const final = evidence.operations.findLast(({ operation, result }) => operation === "get" && result !== null);
  return {
    ...evidence,
    ledger: [...evidence.ledger, { key: "planted", value, call: 1, return: 2 }],
    operations: evidence.operations.map((operation) =>
      operation === final ? { ...operation, result: null } : operation
    ),
  };
}
