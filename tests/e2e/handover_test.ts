import { assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const OPEN_REQUESTS = 500;
const SETTLED = /( successfully\.|^Error: (Stopping|Not leader|No leader)\b.*)$/;

// How long writes wait meanwhile is what `deno task compare --only handover` measures.
Deno.test("SIGTERM of the leader: it hands over and exits 0, writes go on, open requests are settled", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 20, pauseMs: 5 });
    try {
      for (let round = 0; round < 2; round++) {
        await waitFor(() => ledger.acknowledged.size > 300 ? true : undefined, { what: "load" });
        const leader = await cluster.waitForLeader();
        using client = await TextClient.connect(cluster.node(leader).clientPort);
        const open = Array.from({ length: OPEN_REQUESTS }, () => client.expect(false));
        client.send(open.map((_, at) => `PUT open-${round}-${at} 1\n`).join(""));
        assertMatch((await open[0])?.[0] ?? "", SETTLED);
        const status = await cluster.kill(leader, "SIGTERM");
        assertEquals(status.code, 0, "exit code");
        assertEquals(status.signal, null);
        // What was under way is finished or refused, never left open.
        for (const reply of open) assertMatch((await reply)[0] ?? "", SETTLED);
        const next = await cluster.waitForLeader();
        assertNotEquals(next, leader);
        const stoppedAt = performance.now();
        await waitFor(() => ledger.firstAfter(stoppedAt), { what: "writes go on" });
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
