import { assertEquals, assertGreater } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const ROUNDS = 10;

// How soon is what `deno task compare --only kill` measures.
Deno.test("kill -9 of the leader under load from 20 clients, ten times: writable again, nothing lost", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 20, pauseMs: 5 });
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const leader = await cluster.waitForLeader();
        const before = ledger.acknowledged.size;
        await waitFor(() => ledger.acknowledged.size > before + 100 ? true : undefined, { what: "load" });
        const killedAt = performance.now();
        cluster.signal(leader, "SIGKILL");
        await waitFor(() => ledger.firstAfter(killedAt), { what: "a write is acknowledged after the leader's death" });
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
    assertGreater(ledger.acknowledged.size, 100 * ROUNDS);
  }));
