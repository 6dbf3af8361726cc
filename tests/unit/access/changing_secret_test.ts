/** Passes between nodes while the secret of their cluster changes. */

import { assertEquals } from "@std/assert";
import { Gate } from "../../../lib/access/gate.ts";
import { passSecrets } from "../../../lib/cluster/cluster_secret.ts";
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

Deno.test("a node that takes peers without TLS takes no pass that is keyed by what is kept of a password alone, and those of its cluster go on", async () => {
  const [node, clock] = [new StateNode(), new VirtualClock()];
  await new Promise((resolve) => node.submit(setUser("root"), resolve, { login: 0 }));
  const root = { name: "root", id: node.users.find("root")?.login ?? -1 };
  const gateWith = ([secret = "", ...otherSecrets]: readonly string[]) =>
    new Gate({ node, clock, dateMs: () => 0, log: () => {}, secret, otherSecrets, awaitsUsers: false });
  const subject = { to: node.id, method: "DELETE", path: "/v1/cluster/members/1", body: "" };
  const takes = (to: Gate, from: Gate) => to.pass(from.makePass(subject, root) ?? "", subject)?.id === root.id;
  const shared = () => "of the user of the machine";
  const plain = gateWith(passSecrets({ secret: shared() }));
  const allows = gateWith(passSecrets({ secret: "", plainSecret: shared() }));
  const tlsAlone = gateWith(passSecrets({ secret: "" }, shared));
  const holderOfBackup = gateWith([""]);
  assertEquals([takes(allows, holderOfBackup), takes(holderOfBackup, allows)], [false, false]);
  for (const [one, other] of [[plain, allows], [allows, tlsAlone]] as const) {
    assertEquals([takes(one, other), takes(other, one)], [true, true], "both rounds of restarts");
  }
  assertEquals(takes(tlsAlone, holderOfBackup), true, "what remains: no secret beside TLS");
});
