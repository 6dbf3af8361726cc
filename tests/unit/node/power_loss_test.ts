/** All nodes lose power at once, on disks whose syncs take time. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { toIndex } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

Deno.test("what was acknowledged outlives the power loss of all nodes at once, whichever majority comes back", async () => {
  const random = new Random(4);
  const cluster = new MemoryCluster(3, 4, { syncMs: () => random.between(1, 60) });
  const acknowledged = new Map<string, string>();
  let written = 0;
  await cluster.start();
  for (let round = 0; round < 24; round++) {
    const leader = await cluster.leader();
    const enough = acknowledged.size + random.between(5, 25);
    // The power goes in the very moment in which something is acknowledged.
    while (acknowledged.size < enough) {
      written += 1;
      const [key, value] = [`key${written}`, `value${written}`];
      leader.write({ type: "Put", key, value }, ({ type }) => {
        if (type === "Done") acknowledged.set(key, value);
      });
      await cluster.clock.advance(1);
    }
    const durable = cluster.ids.map((id) => cluster.node(id).status().raft.lastDurable.index);
    for (const id of cluster.ids) cluster.crash(id);
    // The one stays away that has most: what only it had durably is missing then.
    const absent = durable.indexOf(toIndex(Math.max(...durable)));
    const back = cluster.ids.filter((id) => id !== absent);
    await cluster.start(back);
    await cluster.leader(back);
    for (const id of back) {
      assertEquals(await cluster.get(id, "none"), { value: undefined });
      for (const [key, value] of acknowledged) assertEquals(cluster.node(id).state.get(key)?.value, value, key);
    }
    await cluster.start([absent]);
  }
  assert(acknowledged.size > 200, `${acknowledged.size} acknowledged`);
  await cluster.stop();
});
