import { assertEquals, assertGreater } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

Deno.test("any two nodes, then all three, killed -9 under load and started again: nothing lost", () =>
  withCluster({ flags: ["--request-timeout-ms", "1000"] }, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 20, pauseMs: 5 });
    try {
      for (const victims of [[0, 1], [1, 2], [2, 0], [0, 1, 2]]) {
        await waitUntilWritten(ledger, 200);
        await Promise.all(victims.map((id) => cluster.kill(id)));
        await refusesWithoutMajority(cluster, victims);
        await Promise.all(victims.map((id) => cluster.restart(id)));
        await cluster.waitUntilEqual();
      }
      await waitUntilWritten(ledger, 200);
    } finally {
      await writers.stop();
    }
    await cluster.waitUntilEqual();
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
    assertGreater(ledger.acknowledged.size, 1_000);
  }));

async function waitUntilWritten(ledger: Ledger, count: number): Promise<void> {
  const before = ledger.acknowledged.size;
  await waitFor(() => ledger.acknowledged.size >= before + count ? true : undefined, {
    what: `${count} acknowledged writes`,
  });
}

/** The node that is left finds out that it is alone, and says so. */
async function refusesWithoutMajority(cluster: ProcessCluster, victims: readonly number[]): Promise<void> {
  for (const left of cluster.others(...victims)) {
    await waitFor(
      async () =>
        (await cluster.ask(left, "PUT alone no")).startsWith("Error: No leader. Reachable 1 of 3 nodes, need 2. ") ||
        undefined,
      { what: `node ${left} refuses writes without a majority` },
    );
  }
}
