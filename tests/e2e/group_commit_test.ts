import { assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { measure } from "../../bench/support/measure.ts";
import { withCluster } from "../support/process_cluster.ts";

const WRITES_PER_SYNC_MIN = 8;

Deno.test("50 connections: at least 8 acknowledged writes for each fdatasync of the leader", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const run = await measure(cluster, {
      port: cluster.node(leader).clientPort,
      command: "PUT",
      connections: 50,
      pipeline: 1,
      seconds: 3,
      valueBytes: 64,
      keys: 10_000,
    });
    assertEquals(run.errors, 0);
    assertGreater(run.leaderSyncs, 0);
    assertGreaterOrEqual(run.perSync, WRITES_PER_SYNC_MIN, `${run.requests} writes, ${run.leaderSyncs} fdatasyncs`);
  }));
