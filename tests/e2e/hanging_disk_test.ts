/** Disks that hang: their syncs neither complete nor fail. */

import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertStringIncludes } from "@std/assert";

import { HEALTHY_DISK, writeDiskControl } from "../chaos/disk_control.ts";
import { faultyProgramLine } from "../chaos/faulty_program.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { numberOf } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

const HANG_MS = 30_000;
/** Well before the hanging sync ends by itself, and generous for a machine that is busy. */
const DEADLINE_MS = 20_000;
const WRITES = 100;
const SLOW_MS = 2_500;
const SLOW_WRITES = 2;

function withFaultyDisks(body: (cluster: ProcessCluster) => Promise<void>): Promise<void> {
  return withCluster({ program: faultyProgramLine, stdin: "piped" }, body);
}

function slowDown(cluster: ProcessCluster, id: number, syncDelayMs: number): void {
  writeDiskControl(cluster.node(id).directory, { ...HEALTHY_DISK, syncDelayMs });
}

async function put(cluster: ProcessCluster, id: number, key: string): Promise<boolean> {
  const url = `http://127.0.0.1:${cluster.node(id).httpPort}/v1/kv/${key}`;
  const response = await fetch(url, { method: "PUT", body: "value" });
  await response.body?.cancel();
  return response.ok;
}

/** The leader, once the first terms and the cluster's id are durable everywhere: these are not to wait for a slow disk. */
async function begin(cluster: ProcessCluster): Promise<number> {
  const leader = await cluster.waitForLeader();
  await waitFor(async () => await put(cluster, leader, "before") || undefined, { what: "the first write" });
  await cluster.waitUntilEqual();
  return await cluster.waitForLeader();
}

async function page(cluster: ProcessCluster, id: number, path: string): Promise<readonly [number, string]> {
  const response = await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}${path}`);
  return [response.status, await response.text()];
}

Deno.test("fdatasync of the leader hangs: another one leads, writes go on, and the node says why it is not ready", () =>
  withFaultyDisks(async (cluster) => {
    const leader = await begin(cluster);
    const [other = 0] = cluster.others(leader);
    slowDown(cluster, leader, HANG_MS);
    const begun = performance.now();
    // The first is committed by the others' disks, and what comes behind it waits for the hand-over.
    await waitFor(async () => await put(cluster, other, "first") || undefined, {
      what: "a write",
      timeoutMs: DEADLINE_MS,
    });
    const successor = await cluster.waitForLeader({ among: cluster.others(leader) });
    assert(await put(cluster, other, "second"));
    assertLess(performance.now() - begun, DEADLINE_MS);
    for (let n = 0; n < WRITES; n++) assert(await put(cluster, other, `after-${n}`));
    assertEquals((await page(cluster, other, "/readyz"))[0], 200);
    const [status, reason] = await page(cluster, leader, "/readyz");
    assertEquals(status, 503);
    assertMatch(reason, /\[-\]disk failed: the disk hangs, a sync has been under way for \d+ s/);
    assertEquals((await page(cluster, leader, "/livez"))[0], 200);
    const [, metrics] = await page(cluster, leader, "/metrics");
    assertGreater(Number(/^kvstore_disk_sync_wait_seconds (\S+)$/m.exec(metrics)?.[1]), 1);
    const { process } = cluster.node(leader);
    assertStringIncludes(process?.lines.join("\n") ?? "", "does not complete a sync");
    assertEquals(await cluster.leader(cluster.others(leader)), successor);
    const { code } = await cluster.kill(leader, "SIGTERM");
    assertEquals(code, 0);
    assertLess(performance.now() - begun, HANG_MS, "it waited for the disk");
  }));

Deno.test("all disks are slow: the leader stays, and what it acknowledges is there", () =>
  withFaultyDisks(async (cluster) => {
    const leader = await begin(cluster);
    const term = numberOf(await cluster.status(leader), "Term");
    for (const id of cluster.others()) slowDown(cluster, id, SLOW_MS);
    for (let n = 0; n < SLOW_WRITES; n++) {
      await waitFor(async () => await put(cluster, leader, `slow-${n}`) || undefined, {
        what: "a write to slow disks",
        timeoutMs: DEADLINE_MS,
      });
    }
    const status = await cluster.status(leader);
    assertEquals([status.get("Role"), numberOf(status, "Term")], ["Leader", term]);
    for (const id of cluster.others()) slowDown(cluster, id, 0);
    for (let n = 0; n < SLOW_WRITES; n++) {
      assertEquals(await cluster.ask(leader, `GET slow-${n}`), `value of slow-${n}: value`);
    }
  }));
