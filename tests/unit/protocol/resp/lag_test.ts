/** What a client hears from a node that cannot have its request confirmed: it is alone, or its own disk lets it lag. */

import { assertEquals } from "@std/assert";
import { RespBench } from "./session_support.ts";

Deno.test("a read that the node's own disk kept from being served says how far the node is behind, and why", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  bench.node.refusal = "Timeout";
  bench.node.entriesBehind = 1;
  assertEquals(
    await client.ask("GET a"),
    "-TRYAGAIN no majority confirmed the request in time; reachable 3 of 3 nodes, need 2; try again in a moment\r\n",
  );
  bench.node.healthNow = { stopping: false, failed: false, hasSpace: false };
  assertEquals(
    await client.ask("GET a"),
    "-TRYAGAIN this node is 1 entry behind: its disk is full (/data/node-0)\r\n",
  );
  bench.node.healthNow = { stopping: false, failed: false, hasSpace: true, hungMs: 7_400 };
  assertEquals(
    await client.ask("GET a"),
    "-TRYAGAIN this node is 1 entry behind: its disk hangs, a sync has been under way for 7 s (/data/node-0)\r\n",
  );
});

Deno.test("a node that is alone says whom it reaches, what to start and how to read what it has", async () => {
  const alone = "reachable 1 of 3 nodes, need 2; no other node answers; start node 1 (127.0.0.1:5001), or mend the " +
    "network; KV.GET <key> STALE shows what this node has\r\n";
  const bench = new RespBench();
  const client = bench.connect();
  bench.node.reachable = 1;
  bench.node.leaderId = undefined;
  for (const reason of ["NoLeader", "NotLeader"] as const) {
    bench.node.refusal = reason;
    assertEquals(await client.ask("GET a", "SET a 1"), `-CLUSTERDOWN no leader; ${alone}`.repeat(2), reason);
  }
  bench.node.refusal = "Timeout";
  assertEquals(await client.ask("GET a"), `-TRYAGAIN no majority confirmed the request in time; ${alone}`);
  const inClusterMode = new RespBench({ clusterMode: true });
  inClusterMode.node.reachable = 1;
  inClusterMode.node.leaderId = undefined;
  assertEquals(await inClusterMode.connect().ask("GET a"), `-CLUSTERDOWN no leader; ${alone}`);
});
