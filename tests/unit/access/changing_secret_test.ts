/** Passes between nodes while the secret of their cluster changes. */

import { assertEquals } from "@std/assert";
import { Gate } from "../../../lib/access/gate.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { StateNode } from "../../support/state_node.ts";
import { setUser } from "../../support/users.ts";

Deno.test("nodes with both secrets take passes of those with either, and make passes for them; nobody else does", async () => {
  const [node, clock] = [new StateNode(), new VirtualClock()];
  await new Promise((resolve) => node.submit(setUser("root"), resolve, { login: 0 }));
  const root = { name: "root", id: node.users.find("root")?.login ?? -1 };
  const gateWith = (secret: string, ...otherSecrets: readonly string[]) =>
    new Gate({ node, clock, dateMs: () => 0, log: () => {}, secret, otherSecrets, awaitsUsers: false });
  const subject = { to: node.id, method: "DELETE", path: "/v1/cluster/members/1", body: "" };
  const takes = (to: Gate, from: Gate) => to.pass(from.makePass(subject, root) ?? "", subject)?.id === root.id;
  const [before, both, after] = [gateWith("before"), gateWith("after", "before", "", "plain"), gateWith("after")];
  for (const end of [before, after]) assertEquals([takes(end, both), takes(both, end)], [true, true]);
  assertEquals([takes(before, after), takes(after, before)], [false, false]);
  assertEquals([takes(both, gateWith("guess")), takes(gateWith("guess"), both)], [false, false]);
});
