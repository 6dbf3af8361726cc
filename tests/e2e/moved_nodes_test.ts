/** Nodes whose ports change: ids and directories decide who is a member, addresses are what each node announces. */

import { assert, assertEquals } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

/** Each member as `id client-address peer-address reachable`. */
async function membersSeenBy(cluster: ProcessCluster, id: number): Promise<readonly string[]> {
  const reply = await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}/v1/cluster/members`);
  const body: { readonly members: readonly Readonly<Record<string, unknown>>[] } = await reply.json();
  return body.members.map((one) =>
    ["id", "client_address", "peer_address", "reachable"].map((name) => one[name]).join(" ")
  );
}

/** Waits until the node shows every member where it is now. */
async function waitUntilShown(cluster: ProcessCluster, id: number): Promise<void> {
  const wanted = cluster.nodes.map((node) => `${node.id} 127.0.0.1:${node.clientPort} 127.0.0.1:${node.peerPort} true`);
  await waitFor(async () => {
    const seen = await membersSeenBy(cluster, id);
    return seen.join() === wanted.join() ? true : undefined;
  }, { what: `node ${id} shows ${wanted.join("; ")}` });
}

async function writeAndReadEverywhere(cluster: ProcessCluster, key: string): Promise<void> {
  const leader = await cluster.waitForLeader();
  assertEquals(await cluster.ask(leader, `PUT ${key} here`), `${key} added successfully.`);
  for (const { id } of cluster.nodes) assertEquals(await cluster.ask(id, `GET ${key}`), `value of ${key}: here`);
}

Deno.test("a node that comes back on other ports is found, though the others were told the old ones", () =>
  withCluster({}, async (cluster) => {
    await writeAndReadEverywhere(cluster, "before");
    await cluster.kill(2, "SIGTERM");
    cluster.move(2);
    cluster.launch(2);
    await cluster.waitUntilAnswers(2);
    await writeAndReadEverywhere(cluster, "after");
    for (const { id } of cluster.nodes) await waitUntilShown(cluster, id);
    const shown = await cluster.block(0, "CLUSTER");
    const { clientPort, peerPort } = cluster.node(2);
    assert(shown.some((line) => line.includes(`:${clientPort}`) && line.includes(`:${peerPort}`)), shown.join("\n"));
  }));

Deno.test("a cluster that was stopped and started with all ports changed finds itself and shows the new ones", () =>
  withCluster({}, async (cluster) => {
    await writeAndReadEverywhere(cluster, "before");
    for (const { id } of cluster.nodes) await cluster.kill(id, "SIGTERM");
    for (const { id } of cluster.nodes) cluster.move(id);
    for (const { id } of cluster.nodes) cluster.launch(id);
    for (const { id } of cluster.nodes) await cluster.waitUntilAnswers(id);
    await writeAndReadEverywhere(cluster, "after");
    for (const { id } of cluster.nodes) {
      await waitUntilShown(cluster, id);
      assertEquals(await cluster.ask(id, "GET before"), "value of before: here");
    }
  }));
