/** What a node tells of the last change of the membership, and a leader of how far its learners are behind. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { MembershipWatch } from "../../../lib/node/views/membership_watch.ts";
import { EMPTY_CONFIGURATION, type NodeId, type Role, toIndex, toTicks } from "../../../lib/raft/types.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** A leader of voters 0 and 1 with learner 2, and what the test decides about them. */
class Scene {
  role: Role = "Leader";
  voters: readonly NodeId[] = [0, 1];
  learners: readonly NodeId[] = [2];
  commitIndex = 100;
  matchIndex = 0;
  nowMs = 1_000;
  dateMs = 1_700_000_000_000;
  readonly watch: MembershipWatch;

  constructor() {
    const configuration = () => ({ ...EMPTY_CONFIGURATION, voters: this.voters, learners: this.learners });
    const base = new FakeNode().status().raft;
    const role = () => this.role;
    const status = () => {
      const commitIndex = toIndex(this.commitIndex);
      const peer = { state: "Probe", nextIndex: toIndex(this.matchIndex + 1), silentTicks: toTicks(0) } as const;
      return { ...base, commitIndex, progress: [{ ...peer, id: 2, matchIndex: toIndex(this.matchIndex) }] };
    };
    const raft = {
      get role() {
        return role();
      },
      get configuration() {
        return configuration();
      },
      status,
    };
    this.watch = new MembershipWatch({ raft, clock: { now: () => this.nowMs }, wallClockMs: () => this.dateMs });
  }

  /** What is told after a look at that moment. */
  after(ms: number, change: { readonly commitIndex?: number; readonly matchIndex?: number } = {}) {
    this.nowMs += ms;
    this.commitIndex = change.commitIndex ?? this.commitIndex;
    this.matchIndex = change.matchIndex ?? this.matchIndex;
    this.watch.look();
    return this.watch.lags();
  }
}

Deno.test("membership watch: a learner is as far behind as what it holds was committed long ago, and not farther", () => {
  const scene = new Scene();
  assertEquals(scene.after(0), [{ id: 2, entries: 100, ms: 0 }]);
  assertEquals(scene.after(500, { commitIndex: 150, matchIndex: 40 }), [{ id: 2, entries: 110, ms: 500 }]);
  // It holds what was committed at the first look, 700 ms ago.
  assertEquals(scene.after(200, { commitIndex: 200, matchIndex: 100 }), [{ id: 2, entries: 100, ms: 700 }]);
  assertEquals(scene.after(100, { commitIndex: 300, matchIndex: 199 }), [{ id: 2, entries: 101, ms: 800 }]);
  assertEquals(scene.after(100, { commitIndex: 400, matchIndex: 250 }), [{ id: 2, entries: 150, ms: 200 }]);
  assertEquals(scene.after(100, { commitIndex: 500, matchIndex: 500 }), [{ id: 2, entries: 0, ms: 0 }]);
  // Nothing was written meanwhile, so that it lacks nothing; from the next entry on it does.
  assertEquals(scene.after(60_000), [{ id: 2, entries: 0, ms: 0 }]);
  assertEquals(scene.after(200, { commitIndex: 501 }), [{ id: 2, entries: 1, ms: 200 }]);
});

Deno.test("membership watch: only a leader tells of learners, and of those that are there", () => {
  const scene = new Scene();
  scene.after(0);
  assertEquals(scene.after(1_000)[0]?.ms, 1_000);
  scene.role = "Follower";
  assertEquals(scene.after(0), []);
  scene.role = "Leader";
  assertEquals(scene.after(500)[0]?.ms, 0);
  scene.learners = [];
  assertEquals(scene.after(0), []);
});

Deno.test("membership watch: the date of the last change is that of the look that saw it", () => {
  const scene = new Scene();
  scene.after(0);
  assertEquals(scene.watch.changedMs, 0);
  scene.dateMs += 5_000;
  scene.voters = [0, 1, 2];
  scene.learners = [];
  scene.after(0);
  assertEquals(scene.watch.changedMs, 1_700_000_005_000);
  scene.dateMs += 5_000;
  scene.after(0);
  assertEquals(scene.watch.changedMs, 1_700_000_005_000);
});

Deno.test("a node that was wiped is a learner with a lag until it is a voter again, and every node saw the change", async () => {
  const cluster = new MemoryCluster(3, 9);
  await cluster.start();
  const leader = await cluster.leader();
  const isSettled = () => [...cluster.nodes.values()].every((node) => !node.status().isChangingMembership);
  await cluster.clock.until(isSettled, 20_000, "the record of the identities is committed");
  // It changed neither voters nor learners.
  for (const node of cluster.nodes.values()) {
    assertEquals([node.status().membershipChangedMs, node.status().learnerLags], [0, []]);
  }
  const wiped = cluster.ids.find((id) => id !== leader.id) ?? -1;
  cluster.crash(wiped);
  cluster.server(wiped).wipe();
  for (let at = 0; at < 500; at++) await cluster.put(leader.id, `key${at}`, "v".repeat(1_000));
  let isHeldUp = true;
  cluster.network.drop((message) => {
    return isHeldUp && message.to === wiped && message.type === "AppendEntries" && message.entries !== undefined;
  });
  const started = cluster.start([wiped], true);
  const lagOf = () => leader.status().learnerLags.find(({ id }) => id === wiped);
  await cluster.clock.until(() => (lagOf()?.ms ?? 0) >= 3_000, 30_000, "the learner to be three seconds behind");
  assertGreater(lagOf()?.entries ?? 0, 500);
  isHeldUp = false;
  const isVoter = () => leader.status().raft.configuration.voters.includes(wiped) && isSettled();
  await cluster.clock.until(isVoter, 30_000, "the wiped node is a voter again");
  await started;
  await cluster.converged();
  await cluster.clock.advance(1_000);
  assertEquals(leader.status().learnerLags, []);
  for (const node of cluster.nodes.values()) assert(node.status().membershipChangedMs > 0, `node ${node.id}`);
  await cluster.stop();
});
