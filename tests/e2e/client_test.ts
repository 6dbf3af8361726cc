import { assertEquals, assertNotEquals } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { NotDoneError, OutcomeUnknownError } from "../../lib/client/errors.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";

const TIMEOUT_MS = 60_000;

function serversOf(cluster: ProcessCluster): readonly string[] {
  return cluster.ports.map((port) => `127.0.0.1:${port}`);
}

Deno.test("every operation works through each single node, which forwards", async () => {
  await withCluster({}, async (cluster) => {
    for (const [index, server] of serversOf(cluster).entries()) {
      await using client = await connect({ servers: [server], session: true, timeoutMs: TIMEOUT_MS });
      const key = `key-${index}`;
      assertEquals(await client.put(key, "1", { ifAbsent: true }), true);
      assertEquals(await client.cas(key, { expected: "0", next: "2" }), false);
      assertEquals(await client.cas(key, { expected: "1", next: "2" }), true);
      const entry = await client.get(key, { revision: true });
      assertEquals([entry?.text(), entry?.revision.version], ["2", 2]);
      const ifRevision = entry?.revision.modified ?? 0;
      assertEquals(await client.put(key, "3", { ifRevision, ttlMs: 60_000 }), true);
      assertEquals(await client.put(key, "4", { ifRevision }), false);
      assertEquals((await client.ttl(key) ?? 0) > 0, true);
      const { succeeded, replies } = await client.txn({
        if: [{ key, field: "version", is: "=", operand: 3 }, { key: "none", field: "exists", is: "=", operand: false }],
        then: [["INCRBY", key, 4], ["PERSIST", key]],
      });
      assertEquals([succeeded, replies], [true, [7, 1]]);
      assertEquals(await client.increment("shared"), index + 1);
    }
    await using client = await connect({ servers: serversOf(cluster), timeoutMs: TIMEOUT_MS });
    const keys: string[] = [];
    for await (const found of client.scan({ prefix: "key-" })) keys.push(`${found.keyText()}=${found.text()}`);
    assertEquals(keys, ["key-0=7", "key-1=7", "key-2=7"]);
    assertEquals([await client.delete("key-0"), await client.delete("key-0")], [true, false]);
  });
});

Deno.test("increments of a session end at their number although the leader is killed among them", async () => {
  await withCluster({}, async (cluster) => {
    await using client = await connect({ servers: serversOf(cluster), session: true, timeoutMs: TIMEOUT_MS });
    let left = 600;
    async function count(): Promise<void> {
      while (left > 0) {
        left -= 1;
        await client.increment("n");
      }
    }
    const counting = Promise.all(Array.from({ length: 8 }, count));
    const leader = await cluster.waitForLeader();
    await cluster.kill(leader);
    await counting;
    assertEquals((await client.get("n"))?.text(), "600");
    await cluster.restart(leader);
    const [next] = cluster.others(leader);
    assertNotEquals(next, undefined);
    assertEquals((await client.get("n"))?.text(), "600");
  });
});

Deno.test("without a majority a write is certainly not done or unknown, and the client goes on when it is back", async () => {
  await withCluster({}, async (cluster) => {
    await using client = await connect({ servers: serversOf(cluster), session: true, timeoutMs: TIMEOUT_MS });
    await client.put("k", "before");
    const leader = await cluster.waitForLeader();
    const others = cluster.others(leader);
    for (const id of others) await cluster.kill(id);
    const failure = await client.get("k", { timeoutMs: 3_000 }).catch((error) => error);
    assertEquals(failure instanceof NotDoneError, true, String(failure));
    for (const id of others) cluster.launch(id);
    await client.put("k", "after");
    assertEquals((await client.get("k"))?.text(), "after");
  });
});

Deno.test("a leader that stands still is left for the others, by writes of a session and without one", async () => {
  await withCluster({}, async (cluster) => {
    const options = { servers: serversOf(cluster), attemptTimeoutMs: 500 };
    await using careful = await connect({ ...options, session: true, timeoutMs: TIMEOUT_MS });
    await using plain = await connect({ ...options, timeoutMs: 300 });
    const leader = await cluster.waitForLeader();
    cluster.signal(leader, "SIGSTOP");
    const counted = Promise.all(Array.from({ length: 20 }, () => careful.increment("n")));
    const deadline = performance.now() + TIMEOUT_MS;
    let isDone = false;
    while (!isDone && performance.now() < deadline) {
      isDone = await plain.put("k", "v").catch((error) => {
        if (error instanceof NotDoneError || error instanceof OutcomeUnknownError) return false;
        throw error;
      });
    }
    assertEquals([isDone, Math.max(...(await counted).map(Number))], [true, 20]);
    cluster.signal(leader, "SIGCONT");
    assertEquals((await careful.get("n"))?.text(), "20");
    assertEquals((await plain.get("k", { timeoutMs: TIMEOUT_MS }))?.text(), "v");
  });
});
