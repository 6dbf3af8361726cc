/** A disk without room, under a follower. */

import { assertEquals, assertMatch } from "@std/assert";

import { EFFECT_LINES, HEALTHY_DISK, writeDiskControl } from "../chaos/disk_control.ts";
import { faultyProgramLine } from "../chaos/faulty_program.ts";
import { Newcomer } from "../support/newcomer.ts";
import { withCluster } from "../support/process_cluster.ts";
import { numberOf } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

/** More than a node prepares of its log in advance. */
const WRITES = 60;
const VALUE = "v".repeat(8_192);

Deno.test("a follower whose disk is full says so in the reads that it cannot serve, and serves them again with room", () =>
  withCluster({ program: faultyProgramLine, stdin: "piped" }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [behind = 0] = cluster.others(leader);
    const { directory, httpPort } = cluster.node(behind);
    await cluster.ask(leader, `PUT k before`);
    writeDiskControl(directory, { ...HEALTHY_DISK, bytesMax: 0 });
    for (let n = 0; n < WRITES; n++) assertMatch(await cluster.ask(leader, `PUT k ${VALUE}`), /added/);
    await waitFor(async () => {
      const applied = numberOf(await cluster.status(behind), "Last Applied");
      return applied < numberOf(await cluster.status(leader), "Commit Index") || undefined;
    }, { what: "the node lags" });
    const [text, http] = await Promise.all([
      cluster.ask(behind, "GET k"),
      fetch(`http://127.0.0.1:${httpPort}/v1/kv/k`),
    ]);
    const cause = /[Tt]his node is \d+ entr(y|ies) behind: its disk is full \(.*node-\d+\)/;
    assertMatch(text, cause);
    assertEquals(http.status, 503);
    const problem: { readonly code: string; readonly detail: string } = await http.json();
    assertEquals(problem.code, "lagging");
    assertMatch(problem.detail, cause);
    writeDiskControl(directory, HEALTHY_DISK);
    await cluster.waitUntilEqual();
    assertMatch(await cluster.ask(behind, "GET k"), /^value of k: v/);
  }));

Deno.test("a node that joins and has too little room stays a learner, and becomes a voter when there is room", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (let n = 0; n < WRITES; n++) assertMatch(await cluster.ask(leader, `PUT k${n} ${VALUE}`), /added/);
    await using node = new Newcomer(cluster, { seed: leader, program: faultyProgramLine });
    // Less than the values in the log.
    writeDiskControl(node.directory, { ...HEALTHY_DISK, bytesMax: (WRITES * VALUE.length) / 2 });
    const process = node.start();
    await process.line(EFFECT_LINES["no-room"]);
    const id = await node.isMember(false);
    assertMatch(await cluster.ask(leader, "PUT k during"), /added/);
    assertEquals((await cluster.block(leader, "CLUSTER")).filter((line) => line.startsWith(`Node ${id}: `)).length, 1);
    assertEquals(await node.isMember(false), id);
    assertEquals(process.alive, true);
    writeDiskControl(node.directory, HEALTHY_DISK);
    assertEquals(await node.isMember(), id);
    await node.reads("k", "during");
  }));
