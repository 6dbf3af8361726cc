/** KV.MEMBER: what a request asks the cluster for, and what its client is told. */

import { assert, assertEquals } from "@std/assert";
import type { MemberChange, MemberChangeOutcome } from "../../../../lib/node/api.ts";
import { FakeNode } from "../../../support/fake_node.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { RespClient, respContext } from "./session_support.ts";

function clientOf(node: FakeNode): RespClient {
  return new RespClient(respContext({ node, clock: new VirtualClock() }));
}

Deno.test("KV.MEMBER: what is asked for reaches the cluster, and the reply says that it is done", async () => {
  const node = new FakeNode();
  node.changeOutcome = { type: "Done", id: 3 };
  const client = clientOf(node);
  assertEquals(
    await client.ask(
      "KV.MEMBER ADD 3=h:5000@7000",
      "kv.member promote 3",
      "KV.MEMBER DRAIN 3",
      "KV.MEMBER UNDRAIN 3",
      "KV.MEMBER REMOVE 3",
    ),
    ":3\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
  );
  const asked: readonly MemberChange[] = [
    { type: "Add", id: 3, peerAddress: "h:7000", clientAddress: "h:5000" },
    { type: "Promote", id: 3 },
    { type: "Drain", id: 3 },
    { type: "Undrain", id: 3 },
    { type: "Remove", id: 3 },
  ];
  assertEquals(node.memberChanges, asked);
});

Deno.test("KV.MEMBER LIST: id, role, whether it is reached, addresses", async () => {
  const list = await clientOf(new FakeNode()).ask("KV.MEMBER LIST");
  const first = "*5\r\n:0\r\n$6\r\nleader\r\n:1\r\n$14\r\n127.0.0.1:5000\r\n$15\r\n127.0.0.1:15000\r\n";
  const last = "*5\r\n:2\r\n$7\r\nlearner\r\n:0\r\n$0\r\n\r\n$15\r\n127.0.0.1:15002\r\n";
  assert(list.startsWith(`*3\r\n${first}`) && list.endsWith(last), list);
});

Deno.test("KV.MEMBER: a refusal begins with the word that tells what may be done", async () => {
  const cases: readonly (readonly [MemberChangeOutcome, string])[] = [
    [
      { type: "Unsafe", reason: "it is the last voter", passing: false },
      "UNSAFE Nothing was begun: it is the last voter",
    ],
    [{ type: "NotAMember" }, "NOMEMBER There is no such member"],
    [{ type: "NotLeader" }, "CLUSTERDOWN no leader; reachable 3 of 3 nodes, need 2; try again in a moment"],
    [
      { type: "Unknown" },
      "TIMEOUT outcome unknown. The change was begun, and is not known to be committed; the same request again tells, and harms nothing",
    ],
  ];
  const node = new FakeNode();
  const client = clientOf(node);
  for (const [outcome, line] of cases) {
    node.changeOutcome = outcome;
    assertEquals(await client.ask("KV.MEMBER REMOVE 1"), `-${line}\r\n`);
  }
});

Deno.test("KV.MEMBER: what does not fit is refused, and so is one in a transaction; the cluster is asked for nothing", async () => {
  const node = new FakeNode();
  const client = clientOf(node);
  for (const words of ["ADD h", "ADD h:60000", "REMOVE x", "PROMOTE 2147483648", "DROP 1", "REMOVE", "LIST 1"]) {
    const reply = await client.ask(`KV.MEMBER ${words}`);
    assert(reply.startsWith("-ERR "), `${words}: ${reply}`);
  }
  assert((await client.ask("MULTI", "KV.MEMBER REMOVE 1")).includes("-ERR"));
  assertEquals(node.memberChanges, []);
});
