/** What a leader does for nodes in quarantine where it has no room for a snapshot. */

import { assert, assertEquals } from "@std/assert";
import { METRIC } from "../../../../lib/observe/names.ts";
import { damagedCluster } from "./support.ts";

Deno.test("a leader without room for the snapshot of a node in quarantine tries ever less often, says when, and repairs it when there is room", async () => {
  const { cluster, wrong: [wrong = -1] } = await damagedCluster(31, (leader, ids) => {
    return ids.filter((id) => id !== leader).slice(0, 1);
  });
  const isOn = () => cluster.nodes.get(wrong)?.metrics.gauges.get(METRIC.quarantined)?.read() === 1;
  const full = new Map(cluster.servers.map(({ disk }) => [disk, disk.capacityBytes]));
  // Enough for an entry now and then, for no snapshot.
  for (const disk of full.keys()) {
    disk.capacityBytes = [...disk.files().values()].reduce((sum, { length }) => sum + length, 0);
  }
  await cluster.clock.until(isOn, 60_000, `node ${wrong} goes into quarantine`);
  await cluster.clock.advance(40_000);
  const said = cluster.log.flatMap((line) =>
    / for node \d+: .*; the next attempt is in (\d+) s$/.exec(line)?.[1] ?? []
  );
  assertEquals(said.map(Number), [1, 2, 4, 8, 16, 32, 60].slice(0, said.length));
  assert(said.length >= 5, said.join());
  for (const [disk, capacity] of full) disk.capacityBytes = capacity;
  await cluster.clock.until(() => !isOn(), 120_000, `node ${wrong} is repaired`);
  assertEquals(await cluster.get((await cluster.leader()).id, "a"), { value: "w" });
  await cluster.stop();
});
