/** The members do not change while those that are left could decide nothing without a node in quarantine: neither would ever end. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { MemberChangeOutcome } from "../../../../lib/node/api.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import { damagedCluster } from "./support.ts";

Deno.test("while a node is in quarantine no other one is removed that the rest needs; afterwards it is", async () => {
  const { cluster, wrong: [wrong = -1], leaderId } = await damagedCluster(41, (leader, ids) => {
    return ids.filter((id) => id !== leader).slice(0, 1);
  });
  const isOn = () => cluster.nodes.get(wrong)?.metrics.gauges.get(METRIC.quarantined)?.read() === 1;
  await cluster.clock.until(isOn, 60_000, `node ${wrong} goes into quarantine`);
  const leader = cluster.node(leaderId);
  const isTold = () => leader.members().some(({ id, quarantined }) => id === wrong && quarantined);
  await cluster.clock.until(isTold, 10_000, `the leader hears of it`);
  const [other = -1] = cluster.ids.filter((id) => id !== wrong && id !== leaderId);
  let refused: MemberChangeOutcome | undefined;
  leader.changeMember({ type: "Remove", id: other }).then((outcome) => refused = outcome);
  await cluster.clock.advance(100);
  assert(refused !== undefined, "it is begun");
  assert(refused.type === "Unsafe", refused.type);
  assertStringIncludes(refused.reason, `server ${wrong} is in quarantine`);
  assertEquals(refused.passing, true);
  await cluster.clock.until(() => !isOn(), 60_000, `node ${wrong} is repaired`);
  let done: MemberChangeOutcome | undefined;
  leader.changeMember({ type: "Remove", id: other }).then((outcome) => done = outcome);
  await cluster.clock.until(() => done !== undefined, 60_000, `node ${other} is removed`);
  assertEquals(done, { type: "Done", id: other });
  assertEquals((await cluster.put(leaderId, "c", "x")).type, "Done");
  await cluster.stop();
});
