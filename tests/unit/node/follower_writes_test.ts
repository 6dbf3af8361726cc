/** How long many clients of a follower far from its leader wait for their writes, in simulated time. */

import { assertLess } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { MemoryNetwork } from "../../support/memory/memory_transport.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

const ROUND_TRIP_MS = 10;
const CLIENTS = 50;
const WRITES = 20;
const THINK_MS_MAX = 30;

Deno.test("half the writes of 50 clients on a follower take at most two round trips and a half: to the leader, and to a majority", async () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, latencyMs: () => ROUND_TRIP_MS / 2 });
  const cluster = new MemoryCluster(3, 73, { clock, network, syncMs: () => 0.1 });
  await cluster.start();
  const leader = await cluster.leader();
  const follower = cluster.node(cluster.ids.find((id) => id !== leader.id) ?? -1);
  const random = new Random(73);
  const tookMs: number[] = [];
  const write = (client: number, left: number) => {
    const began = clock.now();
    follower.submit({ type: "Put", key: `${client}`, value: "v" }, () => {
      tookMs.push(clock.now() - began);
      // They do not all think for equally long, so that their writes do not come in step.
      if (left > 1) clock.after(random.fraction() * THINK_MS_MAX, () => write(client, left - 1));
    });
  };
  for (let client = 0; client < CLIENTS; client++) {
    write(client, WRITES);
    await clock.advance(1);
  }
  await clock.until(() => tookMs.length === CLIENTS * WRITES, 60_000, "every write has its outcome");
  tookMs.sort((left, right) => left - right);
  assertLess(tookMs[tookMs.length >> 1] ?? Infinity, 2.5 * ROUND_TRIP_MS);
  await cluster.stop();
});
