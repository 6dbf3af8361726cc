import { assertEquals, assertGreater, assertLess, assertMatch, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { TextClient } from "../support/text_client.ts";
import { delay, waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const OPEN_REQUESTS = 500;
const SETTLED = /( successfully\.|^Error: (Stopping|Not leader|No leader)\b.*)$/;
const STOP_MS_MAX = 5_000;
// The bar is 150 ms; a busy machine gets three times that here, and bench/ measures it.
const GAP_MS_MAX = 450;

Deno.test("SIGTERM of the leader: it hands over and exits 0, writes go on, open requests are settled", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 20, pauseMs: 5 });
    try {
      for (let round = 0; round < 2; round++) {
        await waitFor(() => ledger.times.length > 300 ? true : undefined, { what: "load", timeoutMs: 5_000 });
        const leader = await cluster.waitForLeader();
        using client = await TextClient.connect(cluster.node(leader).clientPort);
        const open = Array.from({ length: OPEN_REQUESTS }, () => client.expect(false));
        client.send(open.map((_, at) => `PUT open-${round}-${at} 1\n`).join(""));
        assertMatch((await open[0])?.[0] ?? "", SETTLED);
        const begin = performance.now();
        const status = await cluster.kill(leader, "SIGTERM");
        assertEquals(status.code, 0, "exit code");
        assertEquals(status.signal, null);
        assertLess(performance.now() - begin, STOP_MS_MAX);
        // What was under way is finished or refused, never left open.
        for (const reply of open) assertMatch((await reply)[0] ?? "", SETTLED);
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
    // A request that meets a closing connection is unknown to its client; one that was read must not be.
    assertEquals([...ledger.reasons.keys()].filter((reason) => reason.startsWith("Error: ")), []);
  }));
