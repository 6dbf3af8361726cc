import { assertEquals, assertGreater, assertLess, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { delay, waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const STOP_MS_MAX = 5_000;
// The bar is 150 ms; a busy machine gets three times that here, and bench/ measures it.
const GAP_MS_MAX = 450;

Deno.test("SIGTERM of the leader: it hands over and exits 0, writes go on, none has an unknown outcome", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 20, pauseMs: 5 });
    try {
      for (let round = 0; round < 2; round++) {
        await waitFor(() => ledger.times.length > 300 ? true : undefined, { what: "load", timeoutMs: 5_000 });
        const leader = await cluster.waitForLeader();
        const begin = performance.now();
        const status = await cluster.kill(leader, "SIGTERM");
        assertEquals(status.code, 0, "exit code");
        assertEquals(status.signal, null);
        assertLess(performance.now() - begin, STOP_MS_MAX);
        const next = await cluster.waitForLeader();
        assertNotEquals(next, leader);
        await delay(300);
        assertLess(
          ledger.longestGap(begin, performance.now()),
          GAP_MS_MAX,
          "longest gap between acknowledged writes, ms",
        );
        await cluster.restart(leader);
        await cluster.waitUntilEqual();
      }
    } finally {
      await writers.stop();
    }
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
    assertGreater(ledger.acknowledged.size, 300);
    assertEquals([...ledger.unknown.keys()], [], "writes with an unknown outcome");
  }));
