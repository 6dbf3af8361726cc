/** Keys of real nodes are gone at their deadline for every protocol on every node, and stay so when all nodes are killed. */

import { assert, assertEquals } from "@std/assert";
import { Connection } from "../support/resp/connection.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

const TTL_MS = 300;
/** More than a leader whose time is corrected, by a tenth at most, may be late in that time. */
const LEEWAY_MS = 40;

async function respOf(cluster: ProcessCluster, id: number): Promise<Connection> {
  return await Connection.open(`127.0.0.1:${cluster.node(id).clientPort}`);
}

/** Stores a key through one node, and waits until its deadline has passed by the clock of this process. */
async function outlive(cluster: ProcessCluster, { key, through }: { readonly key: string; readonly through: number }) {
  using connection = await respOf(cluster, through);
  const replies = await connection.exchange([["SET", key, "v", "PX", String(TTL_MS)]]);
  assertEquals(replies, [{ type: "Status", text: "OK" }]);
  const due = performance.now() + TTL_MS + LEEWAY_MS;
  await waitFor(() => Promise.resolve(performance.now() >= due ? true : undefined), { what: "the deadline passes" });
}

Deno.test("a key is gone at its deadline over RESP, text and HTTP, on every node, and does not come back when all are killed", () =>
  withCluster({}, async (cluster) => {
    await cluster.waitForLeader();
    for (const { id, httpPort } of cluster.nodes) {
      await outlive(cluster, { key: `resp${id}`, through: (id + 1) % 3 });
      using connection = await respOf(cluster, id);
      const [value, left, exists] = await connection.exchange([
        ["GET", `resp${id}`],
        ["PTTL", `resp${id}`],
        ["EXISTS", `resp${id}`],
      ]);
      assertEquals([value, left, exists], [
        { type: "Null", form: "Bulk" },
        { type: "Integer", value: -2n },
        { type: "Integer", value: 0n },
      ]);
      await outlive(cluster, { key: `text${id}`, through: id });
      assertEquals(await cluster.ask(id, `GET text${id}`), `Error: text${id} does not exist.`);
      await outlive(cluster, { key: `http${id}`, through: (id + 2) % 3 });
      const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/http${id}`);
      assertEquals(reply.status, 404, await reply.text());
    }
    await outlive(cluster, { key: "last", through: 0 });
    {
      using connection = await respOf(cluster, 1);
      assertEquals(await connection.exchange([["GET", "last"]]), [{ type: "Null", form: "Bulk" }]);
    }
    for (const { id } of cluster.nodes) await cluster.kill(id);
    for (const { id } of cluster.nodes) await cluster.restart(id);
    const leader = await cluster.waitForLeader();
    using connection = await respOf(cluster, leader);
    assertEquals(await connection.exchange([["PERSIST", "last"]]), [{ type: "Integer", value: 0n }]);
    const clock = (await cluster.status(leader)).get("Clock Offset");
    assert(clock !== undefined && Math.abs(Number.parseFloat(clock)) < 1, clock);
  }));
