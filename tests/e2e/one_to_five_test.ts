/** A cluster that grows from one node to five and shrinks to one again, while clients that repeat see no failed request. */

import { assertEquals } from "@std/assert";
import { membersOf, Newcomer } from "../support/newcomer.ts";
import { withCluster } from "../support/process_cluster.ts";
import { RepeatingClients } from "../support/repeating_clients.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("one node becomes three and five, the first ones go until one is left, and no request of a client fails", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    await using first = new Newcomer(cluster, { seed: 0 });
    await using second = new Newcomer(cluster, { seed: 0 });
    await using third = new Newcomer(cluster, { seed: 0 });
    await using fourth = new Newcomer(cluster, { seed: 0 });
    const ports = [cluster.node(0).clientPort, ...[first, second, third, fourth].map((node) => node.clientPort)];
    const clients = new RepeatingClients(ports.map((port) => `127.0.0.1:${port}`), 6);
    try {
      for (const pair of [[first, second], [third, fourth]]) {
        for (const node of pair) node.start();
        for (const node of pair) await node.isMember();
      }
      const left = await fourth.isMember();
      assertEquals((await membersOf(cluster)).map(({ voter }) => voter), [true, true, true, true, true]);
      // By way of the one that stays, since the node that is asked may be the one that goes.
      for (const id of [0, 1, 2, 3, 4].filter((other) => other !== left)) {
        await waitFor(async () => {
          const url = `http://127.0.0.1:${fourth.httpPort}/v1/cluster/members/${id}`;
          const reply = await fetch(url, { method: "DELETE" });
          await reply.body?.cancel();
          return reply.status === 200 ? true : undefined;
        }, { what: `node ${id} is removed` });
      }
      const reply = await fetch(`http://127.0.0.1:${fourth.httpPort}/v1/cluster/members`);
      const { members }: { readonly members: readonly { readonly id: number }[] } = await reply.json();
      assertEquals(members.map(({ id }) => id), [left]);
    } finally {
      await clients.stop();
    }
    await clients.assertKept([`127.0.0.1:${fourth.clientPort}`]);
  }));
