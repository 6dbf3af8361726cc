/** Terms that no election leads to are dropped; elections go on up to the last term. */

import { assert, assertEquals } from "./assertions.ts";
import type { RaftNode } from "../../../lib/raft/raft_node.ts";
import { type Term, toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import { RaftCluster } from "../../support/raft/cluster.ts";

const LAST_TERM = 2 ** 52;
const LATE_TERM = LAST_TERM - 2 ** 32;

function appendEntries(term: number): Message {
  return {
    type: "AppendEntries",
    from: 1,
    to: 2,
    term: toTerm(term),
    prevLogIndex: toIndex(0),
    prevLogTerm: toTerm(0),
    entries: undefined,
    leaderCommit: toIndex(0),
    round: 0,
    confirm: false,
  };
}

/** Server 2 of three, in `term`. */
function serverIn(term: number): RaftNode {
  return new RaftCluster({ voters: [1, 2, 3], seed: 1, term }).server(2).node;
}

function termAfter(node: RaftNode, term: number): Term {
  node.step({ type: "Receive", message: appendEntries(term) });
  return node.currentTerm;
}

Deno.test("a term that is more than 2^32 ahead, or later than 2^52 - 2^32, is dropped and counted", () => {
  const node = serverIn(5);
  const strays = [5 + 2 ** 32 + 1, LATE_TERM, LATE_TERM + 1, LAST_TERM, LAST_TERM + 1, Number.MAX_SAFE_INTEGER];
  for (const term of strays) assertEquals(termAfter(node, term), toTerm(5));
  assertEquals(node.strayTerms, strays.length);
  assertEquals(termAfter(node, 5 + 2 ** 32), toTerm(5 + 2 ** 32));
  assertEquals(node.strayTerms, strays.length);
});

Deno.test("near the end of the terms they rise by small steps, and not beyond", () => {
  const node = serverIn(LATE_TERM - 10);
  assertEquals(termAfter(node, LATE_TERM), toTerm(LATE_TERM));
  assertEquals(termAfter(node, LATE_TERM + 2 ** 20 + 1), toTerm(LATE_TERM));
  assertEquals(termAfter(node, LATE_TERM + 2 ** 20), toTerm(LATE_TERM + 2 ** 20));
  const last = serverIn(LAST_TERM - 1);
  assertEquals(termAfter(last, LAST_TERM + 1), toTerm(LAST_TERM - 1));
  assertEquals(termAfter(last, LAST_TERM), toTerm(LAST_TERM));
});

Deno.test("servers whose files stand at 2^52 - 2^32 elect a leader and commit", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3], seed: 1, term: LATE_TERM });
  cluster.elect(2);
  cluster.propose(2, ["x"]);
  cluster.run(3);
  assert(cluster.server(3).node.commitIndex === 2);
  assertEquals(cluster.server(3).node.currentTerm, toTerm(LATE_TERM + 1));
});
