/** Changes of the membership over HTTP, under load, on real processes. */

import { assertEquals, assertGreater } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

interface Answer {
  readonly status: number;
  readonly json: { readonly id?: number; readonly code?: string; readonly detail?: string; readonly passing?: boolean };
}

/** Sends `METHOD /path` to a node, again while it is told that the refusal may pass. */
async function ask(cluster: ProcessCluster, node: number, line: string): Promise<Answer> {
  const [method = "", path = ""] = line.split(" ");
  return await waitFor(async () => {
    const reply = await fetch(`http://127.0.0.1:${cluster.node(node).httpPort}${path}`, { method });
    const answer = { status: reply.status, json: await reply.json() };
    return answer.json.passing === true ? undefined : answer;
  }, { what: `${line} at node ${node}` });
}

/** Waits until writes that began after now are acknowledged. */
async function writesGoOn(ledger: Ledger): Promise<void> {
  const now = performance.now();
  await waitFor(() => ledger.firstAfter(now), { what: "writes go on" });
}

Deno.test("five servers become one under load, the leader among those that go, and no write is lost", () =>
  withCluster({ nodes: 5 }, async (cluster) => {
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 10, pauseMs: 5 });
    let left = cluster.others();
    try {
      while (left.length > 1) {
        await writesGoOn(ledger);
        const leader = await cluster.waitForLeader({ among: left });
        const [follower = leader] = left.filter((id) => id !== leader);
        // In turns the leader, asked itself, and a follower, asked itself: neither is there any more when it has answered.
        const leaves = left.length % 2 === 1 ? leader : follower;
        const { status, json } = await ask(cluster, leaves, `DELETE /v1/cluster/members/${leaves}`);
        assertEquals([status, json.id], [200, leaves], JSON.stringify(json));
        await cluster.kill(leaves);
        left = left.filter((id) => id !== leaves);
      }
      await writesGoOn(ledger);
      const [last = -1] = left;
      const refused = await ask(cluster, last, `DELETE /v1/cluster/members/${last}`);
      assertEquals([refused.status, refused.json.code], [409, "unsafe_membership_change"]);
      assertEquals(
        refused.json.detail,
        "Nothing was begun: it is the last voter: add another and promote it first",
      );
    } finally {
      await writers.stop();
    }
    for (const id of left) assertEquals(await ledger.check(cluster.node(id).clientPort), [], "broken promises");
    assertGreater(ledger.acknowledged.size, 100);
  }));
