/** redis-benchmark of Debian through each node, before and after a leader's death; it has no way to reconnect. */

import { assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { isRedisTarget, withTarget } from "./support/cluster.ts";
import { redisCli, runTool } from "./support/redis_cli.ts";
import { REDIS_BENCHMARK, testWith } from "../support/needs.ts";

const ROWS = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"];

testWith(
  [REDIS_BENCHMARK],
  "redis-benchmark runs through each node, also while the node that led is dead",
  (t) =>
    withTarget({ clusterMode: false }, async ({ ports, cluster }) => {
      for (const port of ports) await t.step(`through port ${port}`, () => benchmark(port));
      await t.step({
        name: `through the others after the death of the leader${isRedisTarget() ? " (needs KVStore: left out)" : ""}`,
        ignore: cluster === undefined,
        fn: async () => {
          if (cluster === undefined) return;
          const before = Number(await redisCli(ports[0] ?? 0, ["GET", "counter:__rand_int__"]));
          const leader = await cluster.waitForLeader();
          await cluster.kill(leader);
          await cluster.waitForLeader();
          for (const id of cluster.others(leader)) await benchmark(cluster.node(id).clientPort);
          const after = await redisCli(cluster.node(cluster.others(leader)[0] ?? 0).clientPort, [
            "GET",
            "counter:__rand_int__",
          ]);
          // Each run counts at least as far as it has requests.
          assertGreaterOrEqual(Number(after), before + 1_000);
        },
      });
    }),
);

async function benchmark(port: number): Promise<void> {
  const said = await runTool([
    ...["redis-benchmark", "-h", "127.0.0.1", "-p", String(port)],
    ...["-t", "ping,set,get,incr,mset", "-n", "500", "-c", "10", "-q"],
  ]);
  for (const row of ROWS) assertStringIncludes(said, `${row}: `, `redis-benchmark through port ${port}`);
}
