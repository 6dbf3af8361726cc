/** KV.GET STALE: what it tells, and that it waits for nobody but the requests before it. */

import { assertEquals } from "@std/assert";
import { RespBench } from "./session_support.ts";

Deno.test("KV.GET STALE asks nobody, and tells value and age", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  await client.ask("SET a 1", "SET gone 1 PX 5");
  bench.node.wallClockMs += 10;
  bench.node.asked.length = 0;
  bench.node.holding = true;
  bench.node.age = 350;
  assertEquals(
    await client.ask("KV.GET a STALE", "kv.get nothing stale"),
    "*2\r\n$1\r\n1\r\n:350\r\n*2\r\n$-1\r\n:350\r\n",
  );
  bench.node.age = undefined;
  assertEquals(await client.ask("KV.GET a STALE"), "*2\r\n$1\r\n1\r\n$-1\r\n");
  assertEquals(bench.node.asked, []);
  assertEquals(
    await client.ask("KV.GET a FRESH", "KV.GET a"),
    "-ERR syntax error\r\n-ERR wrong number of arguments for 'kv.get' command\r\n",
  );
  const short = new RespBench({ keyBytesMax: 3 }).connect();
  assertEquals(await short.ask("KV.GET long STALE"), "-ERR the key of 4 bytes is too long (limit 3)\r\n");
});

Deno.test("KV.GET STALE behind a write reads what that wrote, and in a transaction at its place", async () => {
  const client = new RespBench().connect();
  assertEquals(await client.ask("SET a 1", "KV.GET a STALE"), "+OK\r\n*2\r\n$1\r\n1\r\n:0\r\n");
  assertEquals(
    await client.ask("MULTI", "KV.GET a STALE", "EXEC"),
    "+OK\r\n+QUEUED\r\n*1\r\n*2\r\n$1\r\n1\r\n:0\r\n",
  );
  const member = new RespBench({ clusterMode: true });
  member.node.leaderId = 1;
  assertEquals(await member.connect().ask("KV.GET a STALE"), "*2\r\n$-1\r\n:0\r\n");
});

Deno.test("a node in quarantine tells nothing of its state, not even by KV.GET", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  assertEquals(await client.ask("SET a 1", "KV.GET a STALE"), "+OK\r\n*2\r\n$1\r\n1\r\n:0\r\n");
  bench.node.isQuarantined = true;
  const reply = "-TRYAGAIN the state of this node is not sound, and it waits for another one; use another node\r\n";
  assertEquals(await client.ask("KV.GET a STALE"), reply);
});
