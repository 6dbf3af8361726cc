/** What errors say of whom a node reaches, and of what to do. */

import { assertEquals } from "@std/assert";
import type { MemberView, NodeStatus } from "../../../lib/node/api.ts";
import { describeReach } from "../../../lib/node/views/reach.ts";
import { FakeNode } from "../../support/fake_node.ts";

interface Scene {
  /** The other voters, and whether each answers. */
  readonly others: readonly (readonly [id: number, answers: boolean])[];
  readonly learners?: readonly number[];
  readonly addresses?: "unknown";
  readonly leaderId?: number;
  readonly foundingHeldBy?: number;
}

/** Node 0 says it, and is a voter where there are others. */
function clausesOf({ others, learners = [], addresses, leaderId, foundingHeldBy }: Scene): readonly string[] {
  const base = new FakeNode();
  const status = base.status();
  const [self] = base.members();
  if (self === undefined) throw new Error("a node without itself");
  const memberOf = (id: number, facts: Partial<MemberView>): MemberView => {
    return { ...self, id, clientAddress: addresses === undefined ? `127.0.0.1:500${id}` : "", ...facts };
  };
  const total = others.length === 0 ? 0 : others.length + 1;
  const reachable = total === 0 ? 0 : 1 + others.filter(([, answers]) => answers).length;
  const shown: NodeStatus = {
    ...status,
    raft: { ...status.raft, leaderId, foundingHeldBy },
    quorum: { reachable, total, needed: Math.floor(total / 2) + 1 },
  };
  const members = [
    self,
    ...others.map(([id, answers]) => memberOf(id, { reachable: answers })),
    ...learners.map((id) => memberOf(id, { voter: false, reachable: false })),
  ];
  return describeReach({ id: 0, status: () => shown, members: () => members }, "READ");
}

const NOBODY = "no other node answers";
const STALE = "READ shows what this node has";

const SCENES: readonly (readonly [what: string, scene: Scene, clauses: readonly string[]])[] = [
  ["two of three are away", { others: [[1, false], [2, false]] }, [
    "reachable 1 of 3 nodes, need 2",
    NOBODY,
    "start node 1 (127.0.0.1:5001) or 2 (127.0.0.1:5002), or mend the network",
    STALE,
  ]],
  ["the leader is remembered, and no majority is reached", { others: [[1, false], [2, false]], leaderId: 0 }, [
    "reachable 1 of 3 nodes, need 2",
    NOBODY,
    "start node 1 (127.0.0.1:5001) or 2 (127.0.0.1:5002), or mend the network",
    STALE,
  ]],
  ["three of five are away", { others: [[1, false], [2, true], [3, false], [4, false]] }, [
    "reachable 2 of 5 nodes, need 3",
    "node 2 answers",
    "start node 1 (127.0.0.1:5001), 3 (127.0.0.1:5003) or 4 (127.0.0.1:5004), or mend the network",
    STALE,
  ]],
  ["all of five are away", { others: [[1, false], [2, false], [3, false], [4, false]] }, [
    "reachable 1 of 5 nodes, need 3",
    NOBODY,
    "start 2 of nodes 1 (127.0.0.1:5001), 2 (127.0.0.1:5002), 3 (127.0.0.1:5003) and 4 (127.0.0.1:5004), or mend the network",
    STALE,
  ]],
  ["both nodes are needed, and a learner is not", { others: [[1, false]], learners: [2] }, [
    "reachable 1 of 2 nodes, need 2",
    NOBODY,
    "start node 1 (127.0.0.1:5001), or mend the network",
    STALE,
  ]],
  ["an address is not known", { others: [[1, false], [2, false]], addresses: "unknown" }, [
    "reachable 1 of 3 nodes, need 2",
    NOBODY,
    "start node 1 or 2, or mend the network",
    STALE,
  ]],
  ["no configuration is known", { others: [] }, [
    "reachable 0 of 0 nodes, need 1",
    NOBODY,
    "start the other nodes, or mend the network",
    STALE,
  ]],
  ["a majority is there without a leader", { others: [[1, true], [2, false]] }, [
    "reachable 2 of 3 nodes, need 2",
    "an election is under way: try again in a moment",
  ]],
  ["a majority is there with a leader", { others: [[1, true], [2, true]], leaderId: 1 }, [
    "reachable 3 of 3 nodes, need 2",
    "try again in a moment",
  ]],
  ["an empty directory waits beside data", { others: [[1, true], [2, true]], foundingHeldBy: 1 }, [
    "reachable 3 of 3 nodes, need 2",
    "the data directory is empty, but node 1 has data: if the data of this node is lost, stop it and start it once with " +
    "--new-identity",
  ]],
];

for (const [what, scene, clauses] of SCENES) {
  Deno.test(`reach: ${what}`, () => assertEquals(clausesOf(scene), clauses));
}
