import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { Register } from "../support/register.ts";
import { delay, waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const PAUSE_MS = 5_000;

Deno.test("SIGSTOP of the leader for 5 s, then SIGCONT: no write is lost and no read is stale", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const options = { ports: cluster.ports, ledger, clients: 10, pauseMs: 5, replyTimeoutMs: 1_000 };
    const writers = new Writers(options);
    const register = new Register(options);
    const readers = cluster.nodes.map(({ id, clientPort }) => register.read(id, clientPort));
    const leader = await cluster.waitForLeader();
    try {
      await waitFor(() => register.acknowledged > 20 ? true : undefined, { what: "load", timeoutMs: 5_000 });
      cluster.signal(leader, "SIGSTOP");
      const stoppedAt = performance.now();
      const next = await cluster.waitForLeader();
      assertNotEquals(next, leader);
      const before = register.acknowledged;
      await delay(PAUSE_MS - (performance.now() - stoppedAt));
      assertGreater(register.acknowledged, before, "the others go on");
      cluster.signal(leader, "SIGCONT");
      // The one that was stopped still believes that it leads; its first reads are the dangerous ones.
      await delay(500);
      await cluster.waitForLeader();
    } finally {
      await writers.stop();
      await register.stop();
      await Promise.all(readers);
    }
    await cluster.waitUntilEqual();
    assertEquals(register.stale, [], "stale reads");
    assertGreater(register.reads.get(leader) ?? 0, 50, "reads answered by the node that was stopped");
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
  }));
