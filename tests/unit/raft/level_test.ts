/** The level of a cluster in its configuration: in force as soon as it is in the log, kept by every change, never lower. */

import { assertEquals } from "./assertions.ts";
import { Run } from "../../../lib/raft/run.ts";
import { type Configuration, toIndex, toTerm } from "../../../lib/raft/types.ts";
import { RaftCluster } from "../../support/raft/cluster.ts";

let lastId = 0;

/** Asks the leader, server 1, for these voters, learners and this level. */
function change(
  cluster: RaftCluster,
  wish: { readonly voters: number[]; readonly learners?: number[]; level?: number },
) {
  const { members } = cluster.server(1).node.configuration;
  lastId += 1;
  const { voters, learners = [], level } = wish;
  const kept = members.filter(({ id }) => [...voters, ...learners].includes(id));
  const raised = level === undefined ? {} : { level };
  return cluster.step(1, { type: "ChangeMembership", id: lastId, members: kept, voters, learners, ...raised });
}

Deno.test("a level is in force with its entry, reaches every log, is kept by every later change, and does not fall", () => {
  const cluster = new RaftCluster({ voters: [1, 2, 3], seed: 1 });
  cluster.elect(1);
  cluster.run(3);
  const levels = () => [1, 2, 3].map((id) => cluster.server(id).node.configuration.level);
  assertEquals(levels(), [undefined, undefined, undefined]);
  change(cluster, { voters: [1, 2, 3], level: 7 });
  assertEquals(cluster.server(1).node.configuration.level, 7);
  cluster.run(3);
  assertEquals(levels(), [7, 7, 7]);
  // Through a joint configuration too.
  change(cluster, { voters: [1, 2], learners: [3] });
  assertEquals(cluster.server(1).node.configuration.level, 7);
  cluster.run(5);
  assertEquals([cluster.server(1).node.configuration.votersOld, levels()], [[], [7, 7, 7]]);
  const before = cluster.server(1).node.lastDurable.index;
  change(cluster, { voters: [1, 2], learners: [3], level: 6 });
  cluster.run(3);
  assertEquals([Number(cluster.server(1).node.lastDurable.index), levels()], [Number(before), [7, 7, 7]]);
});

Deno.test("a level in a log is a whole number above 0", () => {
  const member = { id: 1, address: "a:1", clientAddress: "a:2", identity: "" };
  const read = (level: unknown): Configuration | undefined => {
    const configuration = { members: [member], voters: [1], votersOld: [], learners: [], level } as Configuration;
    const { first, body } = Run.of([{ type: "Configuration", index: toIndex(1), term: toTerm(1), configuration }]);
    return Run.parse(first, body)?.configurations[0]?.configuration;
  };
  for (const level of [1, 7, 2 ** 31 - 1]) assertEquals(read(level)?.level, level);
  for (const level of [0, -1, 1.5, "7", null, 2 ** 31]) assertEquals(read(level), undefined);
});
