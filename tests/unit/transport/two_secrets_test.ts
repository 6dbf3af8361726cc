/** A cluster on its way from one secret to another: nodes with both are peers of those with either, and of nobody else. */

import { assert, assertEquals } from "@std/assert";
import { until } from "../../support/wait.ts";
import { type NodeOptions, numbered, TEST_SECRET, type TestNode, withNodes } from "./support.ts";
import { withCertificates } from "./tls_support.ts";

const NEW = "the secret that comes after it";
const DIFFER = "the cluster secrets of the two nodes differ";

/** Links two nodes, has each send the other a message, and returns whether both came; else that both were refused for their secrets. */
async function areLinked(one: NodeOptions, other: NodeOptions): Promise<boolean> {
  let linked = false;
  await withNodes([one, other], async (zero, first) => {
    assert(zero !== undefined && first !== undefined);
    zero.follow(first);
    first.follow(zero);
    const isRefused = (node: TestNode, id: number) => node.peer(id).problem === DIFFER;
    await until(
      () => zero.peer(1).reachable && first.peer(0).reachable || isRefused(zero, 1) && isRefused(first, 0),
      "the nodes have judged each other",
    );
    linked = zero.peer(1).reachable;
    if (!linked) return;
    zero.post(numbered(1));
    first.post(numbered(2, { from: 1, to: 0 }));
    await until(
      () => zero.recorder.messages.length === 1 && first.recorder.messages.length === 1,
      "what is sealed by the one is opened by the other",
    );
  });
  return linked;
}

const OLD: NodeOptions = { secret: TEST_SECRET };
const BOTH: NodeOptions = { secret: NEW, previousSecret: TEST_SECRET };
const ONLY_NEW: NodeOptions = { secret: NEW };

Deno.test("a node with two secrets is a peer of nodes with the one, with the other, and with both in either order, whoever dials", async () => {
  const turned = { secret: TEST_SECRET, previousSecret: NEW };
  for (const other of [OLD, ONLY_NEW, BOTH, turned]) {
    assertEquals(await areLinked(BOTH, other), true);
    assertEquals(await areLinked(other, BOTH), true);
  }
});

Deno.test("who has neither of the two is no peer, and nor are nodes with the old one and the new one to each other", async () => {
  assertEquals(await areLinked(BOTH, { secret: "a guess at one of them" }), false);
  assertEquals(await areLinked(BOTH, { secret: "a guess at one of them", previousSecret: "and at the other" }), false);
  assertEquals(await areLinked(OLD, ONLY_NEW), false);
});

Deno.test("with certificates a secret is introduced from none, and counts beside them", async () => {
  await withCertificates(async ({ security }) => {
    const at = (id: number, options: NodeOptions): NodeOptions => ({ security: security(id), ...options });
    const [none, both, one] = [{ secret: "" }, { secret: NEW, previousSecret: "" }, { secret: NEW }];
    assertEquals(await areLinked(at(0, none), at(1, both)), true);
    assertEquals(await areLinked(at(0, both), at(1, one)), true);
    assertEquals(await areLinked(at(0, none), at(1, one)), false);
  });
});

Deno.test("on the way to TLS both secrets count for nodes without it, too", async () => {
  await withCertificates(async ({ security }) => {
    const allow = { security: security(0), secret: NEW, previousSecret: "", plainSecret: NEW };
    assertEquals(await areLinked({ ...allow, previousPlainSecret: TEST_SECRET }, OLD), true);
    assertEquals(await areLinked(allow, OLD), false);
  });
});
