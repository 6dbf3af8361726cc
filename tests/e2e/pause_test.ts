import { assertEquals, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { withCluster } from "../support/process_cluster.ts";
import { Register } from "../support/register.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

/** So many values are written while the leader stands still: each of them is one that it must not overlook. */
const MISSED_WRITES = 200;
/** So many reads of the node that stood still are judged after it runs again. */
const JUDGED_READS = 50;

Deno.test("SIGSTOP of the leader until the others have gone on, then SIGCONT: no write is lost and no read is stale", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const options = { ports: cluster.ports, ledger, clients: 10, pauseMs: 5, replyTimeoutMs: 1_000 };
    const writers = new Writers(options);
    const register = new Register(options);
    const readers = cluster.nodes.map(({ id, clientPort }) => register.read(id, clientPort));
    const leader = await cluster.waitForLeader();
    const readsOfLeader = () => register.reads.get(leader) ?? 0;
    try {
      // Its reads under way when it stops are the ones that it answers first when it runs again.
      await waitFor(() => (register.acknowledged > 20 && readsOfLeader() > 20) || undefined, { what: "load" });
      cluster.signal(leader, "SIGSTOP");
      const next = await cluster.waitForLeader();
      assertNotEquals(next, leader);
      const wanted = register.acknowledged + MISSED_WRITES;
      await waitFor(() => register.acknowledged >= wanted || undefined, { what: "the others go on" });
      const before = readsOfLeader();
      cluster.signal(leader, "SIGCONT");
      // The one that was stopped still believes that it leads; its first reads are the dangerous ones.
      await waitFor(() => readsOfLeader() >= before + JUDGED_READS || undefined, {
        what: "reads answered by the node that was stopped",
      });
      await cluster.waitForLeader();
    } finally {
      await writers.stop();
      await register.stop();
      await Promise.all(readers);
    }
    await cluster.waitUntilEqual();
    assertEquals(register.stale, [], "stale reads");
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
  }));
