/** What a client hears from a node whose own disk lets it lag. */

import { assertEquals } from "@std/assert";
import { RespBench } from "./session_support.ts";

Deno.test("a read that the node's own disk kept from being served says how far the node is behind, and why", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  bench.node.refusal = "Timeout";
  bench.node.entriesBehind = 1;
  assertEquals(
    await client.ask("GET a"),
    "-TRYAGAIN no majority confirmed the request in time; reachable 3 of 3 nodes, need 2\r\n",
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
