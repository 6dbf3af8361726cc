/** The order of a rolling restart and what it waits for, on a cluster of which the test decides everything; time passes at once. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ClusterView } from "../../../lib/cli/cluster_view.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { type RestartTools, rollingRestart } from "../../../lib/cli/rolling_restart.ts";
import type { LaunchedNode } from "../../../lib/http/launcher_port.ts";

const NODE_TIMEOUT_MS = 20_000;
/** How long a node of the test takes to stop and start, and then to catch up. */
const [DOWN_MS, BEHIND_MS] = [1_000, 2_000];

interface FakeNode {
  readonly id: number;
  state: LaunchedNode["state"];
  partitioned: boolean;
  drained: boolean;
  removed: boolean;
  pending: boolean;
  pid: number | undefined;
  /** When it serves, and when it has everything. */
  servesAtMs: number;
  hasAllAtMs: number;
}

/** A local cluster, and everything that happened to it. Committed are 100 entries and one more with each look. */
class FakeCluster implements RestartTools {
  readonly happened: string[] = [];
  readonly nodeList: FakeNode[];
  leader: number | undefined = 0;
  /** What a restart does; by default the node is down for a while, then behind for a while. */
  onRestart: (node: FakeNode) => void = (node) => this.renew(node);
  onHandOver: () => string | undefined = () => {
    this.leader = (this.leader === 0 ? 1 : 0) % this.nodeList.length;
    return undefined;
  };
  /** What happens with time. */
  onPause: () => void = () => {};
  reachable: number | undefined;
  silent = false;
  #nowMs = 0;
  #commitIndex = 100;

  constructor(count: number) {
    this.nodeList = Array.from({ length: count }, (_, id) => {
      return {
        id,
        state: "Running",
        partitioned: false,
        drained: false,
        removed: false,
        pending: true,
        pid: 10 + id,
        servesAtMs: 0,
        hasAllAtMs: 0,
      };
    });
  }

  renew(node: FakeNode): void {
    node.pid = (node.pid ?? 0) + 100;
    [node.state, node.partitioned, node.pending] = ["Running", false, false];
    node.servesAtMs = this.#nowMs + DOWN_MS;
    node.hasAllAtMs = node.servesAtMs + BEHIND_MS;
    if (this.leader === node.id && this.nodeList.length > 1) this.leader = undefined;
  }

  node(id: number): FakeNode {
    const node = this.nodeList[id];
    assert(node !== undefined);
    return node;
  }

  nodes(): Promise<readonly LaunchedNode[] | undefined> {
    const nodes = this.nodeList.map(({ id, pid, state, partitioned, pending }) => {
      return { id, pid, state, partitioned, restartPending: pending };
    });
    return Promise.resolve(this.silent ? undefined : nodes);
  }

  restart(id: number): Promise<void> {
    const others = this.nodeList.filter((node) => node.id !== id && node.state === "Running" && !node.partitioned);
    const ready = others.filter((node) => this.#serves(node) && this.#hasAll(node)).length;
    this.happened.push(`restart ${id}${id === this.leader ? ", the leader" : ""}; ready ${ready}`);
    this.onRestart(this.node(id));
    return Promise.resolve();
  }

  leaderView(): Promise<ClusterView | undefined> {
    if (this.leader === undefined || !this.#serves(this.node(this.leader))) return Promise.resolve(undefined);
    this.#commitIndex += 1;
    return this.viewOf(this.leader);
  }

  viewOf(id: number): Promise<ClusterView | undefined> {
    if (!this.#serves(this.node(id))) return Promise.resolve(undefined);
    const members = this.nodeList.filter(({ removed }) => !removed).map((node) => ({
      id: node.id,
      clientAddress: "",
      httpAddress: "",
      voter: true,
      drained: node.drained,
      reachable: this.#serves(node),
      // Under load no follower has what was committed just now.
      matchIndex: this.#hasAll(node) ? this.#commitIndex - (node.id === this.leader ? 0 : 1) : 90,
      lag: undefined,
    }));
    const total = members.length;
    const quorum = { reachable: this.reachable ?? total, total, needed: Math.floor(total / 2) + 1 };
    const appliedIndex = this.#hasAll(this.node(id)) ? this.#commitIndex - (id === this.leader ? 0 : 1) : 90;
    const view = {
      node: id,
      leader: this.leader,
      term: 1,
      level: 7,
      commitIndex: this.#commitIndex,
      appliedIndex,
      quorum,
      members,
    };
    return Promise.resolve(view);
  }

  handOver(): Promise<string | undefined> {
    this.happened.push(`${this.leader} hands over`);
    return Promise.resolve(this.onHandOver());
  }

  now(): number {
    return this.#nowMs;
  }

  pause(delayMs: number): Promise<void> {
    this.#nowMs += delayMs;
    this.onPause();
    return Promise.resolve();
  }

  report(): void {}

  #serves(node: FakeNode): boolean {
    return node.state === "Running" && !node.partitioned && this.#nowMs >= node.servesAtMs;
  }

  #hasAll(node: FakeNode): boolean {
    return this.#nowMs >= node.hasAllAtMs;
  }
}

function restart(cluster: FakeCluster) {
  return rollingRestart(cluster, { nodeTimeoutMs: NODE_TIMEOUT_MS });
}

async function failure(cluster: FakeCluster): Promise<string> {
  const error = await assertRejects(() => restart(cluster), Failure);
  assertEquals(error.exitCode, 1);
  return error.message;
}

Deno.test("followers first, the leader last when it has handed over, each when all others are ready", async () => {
  const cluster = new FakeCluster(5);
  cluster.leader = 2;
  const restarted = await restart(cluster);
  assertEquals(cluster.happened, [
    ...[0, 1, 3, 4].map((id) => `restart ${id}; ready 4`),
    "2 hands over",
    "restart 2; ready 4",
  ]);
  assertEquals(restarted.map(({ id, oldPid, newPid }) => [id, oldPid, newPid]), [
    ...[[0, 10, 110], [1, 11, 111], [3, 13, 113], [4, 14, 114]],
    [2, 12, 112],
  ]);
  for (const { tookMs } of restarted) assert(tookMs >= DOWN_MS + BEHIND_MS, `caught up after ${tookMs} ms`);
});

Deno.test("a cluster of one is restarted without a hand-over", async () => {
  const cluster = new FakeCluster(1);
  assertEquals((await restart(cluster)).map(({ id }) => id), [0]);
  assertEquals(cluster.happened, ["restart 0, the leader; ready 0"]);
});

Deno.test("a node that was removed from the cluster is left alone", async () => {
  const cluster = new FakeCluster(4);
  const removed = cluster.node(2);
  [removed.removed, removed.state, removed.pid] = [true, "Ended", undefined];
  assertEquals((await restart(cluster)).map(({ id }) => id), [1, 3, 0]);
});

Deno.test("where all others are drained, nobody is asked to hand over to them", async () => {
  const cluster = new FakeCluster(3);
  cluster.onRestart = (node) => {
    cluster.renew(node);
    cluster.leader ??= 1;
  };
  for (const id of [1, 2]) cluster.node(id).drained = true;
  await restart(cluster);
  assertEquals(cluster.happened, ["restart 1; ready 2", "restart 2; ready 2", "restart 0, the leader; ready 2"]);
});

Deno.test("nodes that take no part come first, whether their restart is pending or not", async () => {
  const cluster = new FakeCluster(5);
  [cluster.node(4).state, cluster.node(4).pid, cluster.node(4).pending] = ["Ended", undefined, false];
  cluster.node(3).partitioned = true;
  await restart(cluster);
  assertEquals(cluster.happened.map((line) => line.split(";")[0]), [
    ...["restart 3", "restart 4", "restart 1", "restart 2"],
    ...["0 hands over", "restart 0"],
  ]);
});

Deno.test("run again, it continues with the nodes whose restart is pending", async () => {
  const cluster = new FakeCluster(3);
  cluster.node(1).pending = false;
  assertEquals((await restart(cluster)).map(({ id }) => id), [2, 0]);
  assertEquals(await restart(cluster), []);
});

Deno.test("who leads is looked at before each restart", async () => {
  const cluster = new FakeCluster(3);
  cluster.onRestart = (node) => {
    cluster.renew(node);
    cluster.leader = node.id === 1 ? 2 : cluster.leader;
  };
  await restart(cluster);
  assertEquals(cluster.happened.map((line) => line.split(";")[0]), [
    "restart 1",
    "restart 0",
    "2 hands over",
    "restart 2",
  ]);
});

Deno.test("a hand-over that fails is tried again, and in the end said", async () => {
  const cluster = new FakeCluster(3);
  const done = cluster.onHandOver;
  let refusals = 3;
  cluster.onHandOver = () => refusals-- > 0 ? "not in time" : done();
  await restart(cluster);
  assertEquals(cluster.happened.filter((line) => line.endsWith("hands over")).length, 4);
  const stubborn = new FakeCluster(3);
  stubborn.onHandOver = () => "not in time";
  assert((await failure(stubborn)).startsWith("Stopped after 20 s: not in time. "));
  assert(!stubborn.happened.some((line) => line.includes("the leader")), stubborn.happened.join());
});

Deno.test("a node that does not come back stops it: one line, and no other node is touched", async () => {
  const cluster = new FakeCluster(3);
  cluster.onRestart = (node) => {
    cluster.renew(node);
    if (node.id === 1) node.servesAtMs = Infinity;
  };
  assertEquals(
    await failure(cluster),
    "Stopped after 20 s: node 1 does not serve. " +
      "Mend that and run kvstore rolling-restart again: it continues with the nodes that are left",
  );
  const behind = new FakeCluster(3);
  behind.onRestart = (node) => {
    behind.renew(node);
    if (node.id === 1) node.hasAllAtMs = Infinity;
  };
  const line = await failure(behind);
  assert(/^Stopped after 20 s: node 1 has 90 of 1\d\d entries\. Mend that/.test(line), line);
  for (const { happened } of [cluster, behind]) assertEquals(happened, ["restart 1; ready 2"]);
});

Deno.test("a node that ends for good is said at once", async () => {
  const cluster = new FakeCluster(3);
  cluster.onRestart = (node) => [node.state, node.pid, node.pending] = ["Ended", undefined, false];
  const line = await failure(cluster);
  assert(line.startsWith("Node 1 ended and is not started again; the launcher's lines say why. Mend that"), line);
  assert(cluster.now() < NODE_TIMEOUT_MS);
});

Deno.test("a node is not restarted while another is away, or has not caught up", async () => {
  const cluster = new FakeCluster(3);
  cluster.node(2).servesAtMs = 5_000;
  cluster.node(2).hasAllAtMs = 9_000;
  const began: number[] = [];
  cluster.onRestart = (node) => {
    began.push(cluster.now());
    cluster.renew(node);
  };
  await restart(cluster);
  assert((began[0] ?? 0) >= 9_000, began.join());
  const short = new FakeCluster(5);
  short.reachable = 3;
  assert((await failure(short)).includes("the leader reaches 3 of 5 nodes and needs 3, so none can be spared"));
  assertEquals(short.happened, []);
});

Deno.test("a request that was lost is repeated while the old process runs, and not before it had time to stop", async () => {
  const cluster = new FakeCluster(3);
  let lost = true;
  cluster.onRestart = (node) => {
    if (!lost) cluster.renew(node);
    lost = false;
  };
  const [first] = await restart(cluster);
  assertEquals(cluster.happened.slice(0, 3).map((line) => line.split(";")[0]), ["restart 1", "restart 1", "restart 2"]);
  assert((first?.tookMs ?? 0) >= 7_000);
});

Deno.test("while no node answers it waits, and says so in the end", async () => {
  const cluster = new FakeCluster(3);
  cluster.silent = true;
  cluster.onPause = () => cluster.silent = cluster.now() < 3_000;
  assertEquals((await restart(cluster)).length, 3);
  const gone = new FakeCluster(3);
  gone.silent = true;
  assert((await failure(gone)).startsWith("Stopped after 20 s: no node answers. "));
  const leaderless = new FakeCluster(3);
  leaderless.leader = undefined;
  assert((await failure(leaderless)).startsWith("Stopped after 20 s: no node leads. "));
});
