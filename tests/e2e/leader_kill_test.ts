import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const ROUNDS = 10;
const MEDIAN_MS_MAX = 300;
const WORST_MS_MAX = 1_000;

Deno.test("kill -9 of the leader under load from 20 clients, ten times: soon writable again, nothing lost", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 20, pauseMs: 5 });
    const gaps: number[] = [];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const leader = await cluster.waitForLeader();
        const before = ledger.times.length;
        await waitFor(() => ledger.times.length > before + 100 ? true : undefined, { what: "load", timeoutMs: 5_000 });
        const killedAt = performance.now();
        cluster.signal(leader, "SIGKILL");
        gaps.push(
          await waitFor(() => ledger.firstAfter(killedAt), {
            what: "a write is acknowledged after the leader's death",
            timeoutMs: 10_000,
            everyMs: 5,
          }),
        );
        await cluster.node(leader).process?.ended;
        await cluster.restart(leader);
        // The killed node catches up by itself.
        await cluster.waitUntilEqual();
      }
    } finally {
      await writers.stop();
    }
    await cluster.waitUntilEqual();
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
    assertGreater(ledger.acknowledged.size, 2_000);
    const sorted = gaps.map(Math.round).sort((a, b) => a - b);
    assertLessOrEqual(sorted[ROUNDS / 2] ?? Infinity, MEDIAN_MS_MAX, `ms until the next acknowledged write: ${sorted}`);
    assertLessOrEqual(sorted.at(-1) ?? Infinity, WORST_MS_MAX, `ms until the next acknowledged write: ${sorted}`);
  }));
