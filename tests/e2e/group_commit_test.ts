import { assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { countSyncs } from "../../bench/support/measure.ts";
import { runBulk } from "../support/bulk.ts";
import { withCluster } from "../support/process_cluster.ts";

const WRITES = 20_000;
const CONNECTIONS = 50;
const WRITES_PER_SYNC_MIN = 8;

// How many share one where each connection waits for its reply is what `deno task bench` measures.
Deno.test("writes of 50 connections that arrive together: at least 8 acknowledged for each fdatasync of the leader", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const before = await countSyncs(cluster, leader);
    await runBulk({
      port: cluster.node(leader).clientPort,
      count: WRITES,
      connections: CONNECTIONS,
      request: (n) => ({ line: `PUT key-${n} value`, reply: `key-${n} added successfully.` }),
    });
    const syncs = await countSyncs(cluster, leader) - before;
    assertGreater(syncs, 0);
    assertGreaterOrEqual(WRITES / syncs, WRITES_PER_SYNC_MIN, `${WRITES} writes, ${syncs} fdatasyncs`);
    assertEquals(await cluster.ask(leader, `GET key-${WRITES - 1}`), `value of key-${WRITES - 1}: value`);
  }));
