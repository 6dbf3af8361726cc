/** `/livez`, `/readyz` and `/health`: each check by itself, and the forms of the replies. */

import { assertEquals } from "@std/assert";
import type { NodeHealth, NodeStatus } from "../../../lib/node/api.ts";
import { HEALTH_ROUTES } from "../../../lib/http/routes/health.ts";
import { READY_LAG_ENTRIES_MAX } from "../../../lib/http/health_checks.ts";
import { toIndex } from "../../../lib/raft/types.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { get } from "./monitoring_support.ts";

/** A node that is `lag` entries behind what it knows to be committed. */
class LaggingNode extends FakeNode {
  lag = 0;
  drained: readonly number[] = [];

  override status(): NodeStatus {
    const { raft, ...status } = super.status();
    const configuration = { ...raft.configuration, drained: this.drained };
    return { ...status, raft: { ...raft, configuration }, lastApplied: toIndex(raft.commitIndex - this.lag) };
  }
}

const WELL: NodeHealth = { stopping: false, failed: false, hasSpace: true };

async function statusOf(node: FakeNode, path: string, query: Record<string, string> = {}): Promise<number> {
  return (await get(HEALTH_ROUTES, { node, path, query })).status;
}

Deno.test("a node that is well says ok", async () => {
  for (const path of ["/livez", "/readyz"]) {
    const { status, body, headers } = await get(HEALTH_ROUTES, { node: new FakeNode(), path });
    assertEquals([status, body], [200, "ok\n"]);
    assertEquals(new Map(headers).get("Content-Type"), "text/plain; charset=utf-8");
  }
});

Deno.test("verbose names every check", async () => {
  const query = { verbose: "" };
  const ready = await get(HEALTH_ROUTES, { node: new FakeNode(), path: "/readyz", query });
  assertEquals(
    ready.body,
    "[+]ping ok\n[+]storage ok\n[+]stopping ok\n[+]disk ok\n[+]space ok\n[+]quarantine ok\n[+]leader ok\n[+]applied ok\n[+]drained ok\nreadyz check passed\n",
  );
  const live = await get(HEALTH_ROUTES, { node: new FakeNode(), path: "/livez", query });
  assertEquals(live.body, "[+]ping ok\n[+]storage ok\nlivez check passed\n");
});

Deno.test("each thing that can be wrong, and what it means for readiness and for life", async () => {
  const cases: [name: string, alter: (node: LaggingNode) => void, ready: number, live: number][] = [
    ["failed", (node) => node.healthNow = { ...WELL, failed: true }, 503, 503],
    ["stopping", (node) => node.healthNow = { ...WELL, stopping: true }, 503, 200],
    ["hanging", (node) => node.healthNow = { ...WELL, hungMs: 3_000 }, 503, 200],
    ["full", (node) => node.healthNow = { ...WELL, hasSpace: false }, 503, 200],
    ["in quarantine", (node) => node.healthNow = { ...WELL, quarantined: true }, 503, 200],
    ["no leader", (node) => node.leaderId = undefined, 503, 200],
    ["follower", (node) => node.leaderId = 1, 200, 200],
    ["a little behind", (node) => node.lag = READY_LAG_ENTRIES_MAX, 200, 200],
    ["drained", (node) => node.drained = [0, 2], 503, 200],
    ["another one is drained", (node) => node.drained = [2], 200, 200],
    ["far behind", (node) => node.lag = READY_LAG_ENTRIES_MAX + 1, 503, 200],
  ];
  for (const [name, alter, ready, live] of cases) {
    const node = new LaggingNode();
    alter(node);
    assertEquals([await statusOf(node, "/readyz"), await statusOf(node, "/livez")], [ready, live], name);
  }
});

Deno.test("a failure is told with its reason, verbose or not", async () => {
  const node = new FakeNode();
  node.leaderId = undefined;
  node.reachable = 1;
  const { body } = await get(HEALTH_ROUTES, { node, path: "/readyz" });
  assertEquals(
    body,
    "[+]ping ok\n[+]storage ok\n[+]stopping ok\n[+]disk ok\n[+]space ok\n" +
      "[+]quarantine ok\n[-]leader failed: no leader; reachable 1 of 3 nodes, need 2; no other node answers; " +
      "start node 1 (127.0.0.1:5001), or mend the network; ?level=stale shows what this node has\n" +
      "[+]applied ok\n[+]drained ok\nreadyz check failed\n",
  );
});

Deno.test("what is excluded does not count, and a name that does not exist is told of", async () => {
  const node = new FakeNode();
  node.leaderId = undefined;
  node.healthNow = { ...WELL, hasSpace: false };
  assertEquals(await statusOf(node, "/readyz", { exclude: "leader" }), 503);
  assertEquals(await statusOf(node, "/readyz", { exclude: "leader,space" }), 200);
  const { body } = await get(HEALTH_ROUTES, {
    node: new FakeNode(),
    path: "/livez",
    query: { exclude: "ping,leader", verbose: "" },
  });
  assertEquals(
    body,
    "[+]ping excluded: ok\n[+]storage ok\nwarn: some of the checks to exclude do not exist\nlivez check passed\n",
  );
});

Deno.test("/health is true when a read is confirmed, and false with the reason when it is not", async () => {
  const node = new FakeNode();
  const well = await get(HEALTH_ROUTES, { node, path: "/health" });
  assertEquals([well.status, JSON.parse(well.body)], [200, { health: "true", reason: "" }]);
  assertEquals(node.seen, ["READ"]);
  node.refusal = "Timeout";
  const ill = await get(HEALTH_ROUTES, { node, path: "/health" });
  const reason = "the read was not confirmed: Timeout";
  assertEquals([ill.status, JSON.parse(ill.body)], [503, { health: "false", reason }]);
});
