/** Nodes that ask who is there, what they are told, and what a removed node learns: over real sockets. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Clock } from "../../../lib/base/clock.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import { encodeChallenge, encodeWelcome, sayIntroduction } from "../../../lib/transport/control.ts";
import { freshNonce } from "../../../lib/transport/credentials.ts";
import { LargeTurns } from "../../../lib/transport/large_turns.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../../lib/transport/limits.ts";
import { type Answer, askServer } from "../../../lib/transport/seeds.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import { greetingOf, TEST_SECRET, TestNode, withNodes, withRawListener } from "./support.ts";
import { until } from "../../support/wait.ts";

/** As no other timer of the transport has. */
const SEED_INTERVAL_MS = 17;

/** Asks as a directory without an id, or as node 9. */
async function ask(
  address: string,
  change: { readonly secret?: string; readonly greeting?: Greeting; readonly wantsId?: boolean } = {},
): Promise<Answer> {
  const clock = new SystemClock();
  return await askServer(address, {
    greeting: greetingOf(9, { clusterId: "", identity: "newcomer" }),
    secret: TEST_SECRET,
    wantsId: true,
    signal: new AbortController().signal,
    connection: { clock, limits: DEFAULT_TRANSPORT_LIMITS, largeTurns: new LargeTurns(clock) },
    ...change,
  });
}

Deno.test("who has the secret is told who is there, who the members are, and the id that it shall have", () =>
  withNodes([{}], async (node) => {
    node.recorder.acquaintance = { members: [{ id: 0, address: "a:1" }, { id: 7, address: "b:2" }], assignedId: 8 };
    const answer = await ask(node.address);
    assert("greeting" in answer);
    assertEquals([answer.greeting.nodeId, answer.acquaintance], [0, node.recorder.acquaintance]);
    await ask(node.address, { wantsId: false });
    assertEquals(node.recorder.events, ["asked by newcomer", "asked by 9"]);
    assertEquals(node.recorder.greetings, [], "nobody is admitted by a question");
  }));

Deno.test("who has another secret, or is of another cluster, is told nothing; a dead address is no refusal", () =>
  withNodes([{ greeting: { clusterName: "ours" } }], async (node) => {
    const guess = await ask(node.address, { secret: "a guess at the secret of all" });
    assertEquals(guess, { problem: `${node.address}: the cluster secrets of the two nodes differ`, refused: true });
    const other = await ask(node.address, { greeting: greetingOf(9, { clusterName: "theirs" }) });
    assert("problem" in other && other.refused);
    assertMatch(other.problem, /belongs to cluster "theirs"/);
    assertEquals(node.recorder.events, []);
    assertEquals(await ask("nowhere"), { problem: '"nowhere" is not of the form host:port', refused: true });
    const dead = await ask("127.0.0.1:1");
    assert("problem" in dead && !dead.refused);
    assertMatch(dead.problem, /cannot connect to 127\.0\.0\.1:1/);
  }));

/** A clock that counts how often the seeds were gone through. */
function countingClock(): { readonly clock: Clock; readonly rounds: () => number } {
  const clock = new SystemClock();
  let rounds = 0;
  const counting: Clock = {
    now: () => clock.now(),
    endOfTurn: (action) => clock.endOfTurn(action),
    after: (delayMs, action) => {
      if (delayMs === SEED_INTERVAL_MS) rounds += 1;
      return clock.after(delayMs, action);
    },
  };
  return { clock: counting, rounds: () => rounds };
}

Deno.test("a node asks its seeds while it does not reach a peer, and not once it reaches all", async () => {
  const { clock: counting, rounds } = countingClock();
  const options = { clock: counting, limits: { seedIntervalMs: SEED_INTERVAL_MS } };
  await withNodes([{}], async (known) => {
    known.recorder.acquaintance = { members: [{ id: 0, address: known.address }] };
    const asking = await new TestNode(1, { ...options, seeds: ["127.0.0.1:1", known.address] }).start();
    try {
      const heard = `0 says 0=${known.address}`;
      await until(() => asking.recorder.count(heard) >= 2, "it asks again while it knows nobody");
      asking.transport.setPeers([{ id: 0, addresses: ["127.0.0.1:1"] }]);
      const asked = asking.recorder.count(heard);
      await until(() => asking.recorder.count(heard) >= asked + 2, "it asks again while nobody is where the peer was");
      asking.follow(known);
      known.follow(asking);
      await until(() => asking.peer(0).reachable, "it reaches the peer");
      // A round may be under way still.
      const reached = rounds();
      await until(() => rounds() > reached, "that round is over");
      const before = asking.recorder.count(heard);
      await until(() => rounds() > reached + 5, "more rounds are over");
      assertEquals(asking.recorder.count(heard), before);
    } finally {
      await asking.transport.stop();
    }
  });
});

Deno.test("a node whose seed is of another cluster says so, once", () =>
  withNodes([{ greeting: { clusterId: "theirs" } }], async (stranger) => {
    const { clock, rounds } = countingClock();
    const options = { clock, limits: { seedIntervalMs: SEED_INTERVAL_MS }, greeting: { clusterId: "ours" } };
    const asking = await new TestNode(1, { ...options, seeds: ["127.0.0.1:1", stranger.address] }).start();
    try {
      await until(() => rounds() > 3, "some rounds are over");
      assertEquals(asking.log.length, 1);
      assertMatch(
        asking.log[0] ?? "",
        /^warn A seed refused this node: 127\.0\.0\.1:\d+: node 1 belongs to cluster "ours", node 0 to cluster "theirs"; see its/,
      );
    } finally {
      await asking.transport.stop();
    }
  }));

Deno.test("a node that was removed is told by a member that proves itself, and believes nobody else", async () => {
  await withNodes([{}, {}], async (removed, member) => {
    member.recorder.judge = () => "Node 0 was removed";
    member.recorder.removes = true;
    removed.follow(member);
    await until(() => removed.recorder.count("removed") > 0, "it is told");
    assertMatch(removed.peer(1).problem ?? "", /node 0 was removed from the cluster/);
    assertEquals(member.recorder.count("connected 0"), 0);
  });
  // Somebody who listens at the address of the member, and has not the secret.
  await withRawListener(async (connection) => {
    connection.append(encodeChallenge(freshNonce()));
    connection.flush();
    if (await connection.receive() === undefined) return;
    const said = sayIntroduction({
      greeting: greetingOf(1),
      nonce: "",
      to: 1,
      removed: true,
    });
    connection.append(encodeWelcome({ said, proof: "0".repeat(64) }));
    connection.flush();
  }, (address) =>
    withNodes([{}], async (node) => {
      node.follow({ id: 1, address });
      await until(() => node.peer(1).problem !== undefined, "the dialer distrusts it");
      assertEquals(node.recorder.events, []);
    }));
});
