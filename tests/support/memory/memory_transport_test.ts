import { assert, assertEquals } from "@std/assert";
import { MemoryNetwork } from "./memory_transport.ts";
import { VirtualClock } from "./virtual_clock.ts";
import type { Transport } from "../../../lib/transport/transport.ts";
import { appendEntries, numbered, Recorder, statusOf } from "../../unit/transport/support.ts";

interface MemoryNode {
  readonly transport: Transport;
  readonly recorder: Recorder;
}

class Cluster {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly nodes: MemoryNode[] = [];

  constructor(latencyMs: (from: number, to: number) => number = () => 1) {
    this.network = new MemoryNetwork({ clock: this.clock, latencyMs });
  }

  add(id: number): MemoryNode {
    const node = { transport: this.network.connect(id), recorder: new Recorder(id) };
    void node.transport.start(node.recorder);
    node.transport.setPeers([0, 1, 2].map((peer) => ({ id: peer, addresses: [`node${peer}:1`] })));
    this.nodes[id] = node;
    return node;
  }

  async pair(): Promise<readonly [MemoryNode, MemoryNode]> {
    const pair = [this.add(0), this.add(1)] as const;
    await this.clock.advance(10);
    return pair;
  }
}

function post(node: MemoryNode, ...tokens: number[]): void {
  const [from, to] = node.transport.peers().some(({ id }) => id === 0) ? [1, 0] : [0, 1];
  for (const token of tokens) node.transport.send(numbered(token, { from, to }));
  node.transport.flush();
}

function received({ recorder }: MemoryNode): number[] {
  return recorder.messages.flatMap((message) => message.type === "ReadIndex" ? [message.token] : []);
}

Deno.test("nodes in memory connect and exchange messages that share nothing", async () => {
  const cluster = new Cluster();
  const [zero, one] = await cluster.pair();
  assertEquals([zero.recorder.events, one.recorder.events], [["connected 1"], ["connected 0"]]);
  const message = appendEntries(["a", "b"]);
  zero.transport.send(message);
  await cluster.clock.advance(5);
  assertEquals(one.recorder.messages, []);
  zero.transport.flush();
  assertEquals(one.recorder.messages, []);
  await cluster.clock.advance(1);
  assertEquals(one.recorder.messages, [message]);
  const copy = one.recorder.messages[0];
  assert(
    copy?.type === "AppendEntries" && copy.entries !== message.entries && copy.entries?.body !== message.entries?.body,
  );
  const info = zero.transport.peers().find(({ id }) => id === 1);
  assertEquals([info?.reachable, info?.status], [true, statusOf(1)]);
  assertEquals(one.transport.counts().received.get("AppendEntries"), 1);
});

Deno.test("messages in memory never overtake each other, whatever the latency", async () => {
  const latencies = [50, 1, 30, 2, 2, 9];
  const cluster = new Cluster((_from, _to) => latencies[latencies.push(latencies.shift() ?? 1) - 1] ?? 1);
  const zero = cluster.add(0);
  const one = cluster.add(1);
  await cluster.clock.advance(100);
  for (let token = 0; token < 20; token++) {
    post(zero, token);
    await cluster.clock.advance(0.3);
  }
  await cluster.clock.advance(200);
  assertEquals(received(one), Array.from({ length: 20 }, (_, token) => token));
});

Deno.test("a cut loses what is in flight, tells both ends, and heals", async () => {
  const cluster = new Cluster();
  const [zero, one] = await cluster.pair();
  post(zero, 1);
  cluster.network.cut(0, 1);
  assertEquals(zero.recorder.events, ["connected 1"]);
  await cluster.clock.advance(1);
  assertEquals([zero.recorder.events.at(-1), one.recorder.events.at(-1)], ["disconnected 1", "disconnected 0"]);
  post(zero, 2);
  assertEquals(zero.transport.peers().find(({ id }) => id === 1)?.framesDropped, 1);
  cluster.network.heal(0, 1);
  await cluster.clock.advance(5);
  post(zero, 3);
  await cluster.clock.advance(1);
  assertEquals(received(one), [3]);
});

Deno.test("a cut that heals at once is still told as a loss before the connection", async () => {
  const cluster = new Cluster();
  const [zero] = await cluster.pair();
  cluster.network.cut(0, 1);
  cluster.network.heal(0, 1);
  await cluster.clock.advance(50);
  assertEquals(zero.recorder.events, ["connected 1", "disconnected 1", "connected 1"]);
});

Deno.test("dropped messages vanish without a word", async () => {
  const cluster = new Cluster();
  const [zero, one] = await cluster.pair();
  cluster.network.drop((message) => message.type === "ReadIndex" && message.token % 2 === 0);
  post(zero, 1, 2, 3, 4);
  await cluster.clock.advance(1);
  cluster.network.drop(undefined);
  post(zero, 6);
  await cluster.clock.advance(1);
  assertEquals(received(one), [1, 3, 6]);
  assertEquals(zero.recorder.events, ["connected 1"]);
});

Deno.test("a node that stops is lost to its peers and may be made again", async () => {
  const cluster = new Cluster();
  const [zero, one] = await cluster.pair();
  void one.transport.stop();
  await cluster.clock.advance(5);
  assertEquals(zero.recorder.events, ["connected 1", "disconnected 1"]);
  assertEquals(one.recorder.events, ["connected 0"]);
  const again = cluster.add(1);
  await cluster.clock.advance(5);
  post(zero, 1);
  await cluster.clock.advance(1);
  assertEquals([received(again), received(one)], [[1], []]);
});

Deno.test("who is refused stays out until it is admitted, at once after a reset", async () => {
  const cluster = new Cluster();
  const zero = cluster.add(0);
  zero.recorder.judge = () => "no";
  cluster.add(1);
  await cluster.clock.advance(2_500);
  assertEquals([zero.recorder.events, zero.recorder.greetings.length], [[], 3]);
  assertEquals(zero.transport.peers().find(({ id }) => id === 1)?.problem, "no");
  zero.recorder.judge = () => undefined;
  zero.transport.reset(1);
  assertEquals(zero.recorder.events, []);
  await cluster.clock.advance(1);
  assertEquals(zero.recorder.events, ["connected 1"]);
  zero.transport.reset(1);
  await cluster.clock.advance(5);
  assertEquals(zero.recorder.events, ["connected 1", "connected 1"]);
});

Deno.test("who stands where another one is dialed is not taken for it; the next address is tried, and a connection that works stays", async () => {
  const cluster = new Cluster();
  const [zero, one, two] = [cluster.add(0), cluster.add(1), cluster.add(2)];
  await cluster.clock.advance(10);
  assertEquals(zero.recorder.events, ["connected 1", "connected 2"]);
  zero.transport.setPeers([{ id: 1, addresses: ["node9:1", "node1:1"] }, { id: 2, addresses: ["node1:1"] }]);
  await cluster.clock.advance(5);
  const addressOf = (peer: number) => zero.transport.peers().find(({ id }) => id === peer)?.address;
  assertEquals([addressOf(1), addressOf(2)], ["node1:1", "node1:1"]);
  // It ended the connection itself: only the other end is told.
  assertEquals([two.recorder.events.includes("disconnected 0"), zero.recorder.events.length], [true, 2]);
  const problem = zero.transport.peers().find(({ id }) => id === 2)?.problem;
  assertEquals(problem, "node 0 expects node 2 at this address, but this is node 1");
  await cluster.clock.advance(5_000);
  assertEquals([zero.recorder.events.length, one.recorder.events.includes("disconnected 0")], [2, false]);
  zero.transport.setPeers([{ id: 2, addresses: ["node1:1", "node9:1", "node2:1"] }]);
  await cluster.clock.advance(3_000);
  assertEquals(zero.recorder.events.at(-1), "connected 2");
  assertEquals(addressOf(2), "node2:1");
});

Deno.test("a node in memory that lacks a peer asks its seeds, one that stands still or stopped gives no answer", async () => {
  const cluster = new Cluster();
  const [zero] = [cluster.add(0), cluster.add(1)];
  let isAwake = false;
  const seeds = ["node9:1", "node5:1", "node0:1", "node7:1"];
  const recorders = [5, 7].map((id) => {
    const recorder = new Recorder(id);
    const transport = cluster.network.connect(id, {}, { seeds, isAwake: () => isAwake || id === 5 });
    void transport.start(recorder);
    return recorder;
  });
  zero.recorder.acquaintance = { members: [{ id: 1, address: "node1:1" }] };
  await cluster.clock.advance(500);
  assertEquals(recorders[0]?.events, ["0 says 1=node1:1"]);
  assertEquals(zero.recorder.events.filter((event) => event.startsWith("asked")), ["asked by 5"]);
  isAwake = true;
  await cluster.clock.advance(1_000);
  assertEquals(recorders[0]?.events.slice(1), ["asked by 7", "0 says 1=node1:1", "7 says "]);
  void zero.transport.stop();
  await cluster.clock.advance(1_000);
  assertEquals(recorders[0]?.events.slice(4), ["asked by 7", "7 says "]);
});

Deno.test("what is under way to a server, or from it, is lost when another machine takes its place, however it travels", async () => {
  for (const replaced of [0, 1]) {
    const clock = new VirtualClock();
    const network = new MemoryNetwork({ clock, fates: () => [5] });
    const nodes = [0, 1].map((id): MemoryNode => {
      const node = { transport: network.connect(id), recorder: new Recorder(id) };
      void node.transport.start(node.recorder);
      node.transport.setPeers([0, 1].map((peer) => ({ id: peer, addresses: [`node${peer}:1`] })));
      return node;
    });
    await clock.advance(10);
    const [zero, one] = nodes;
    assert(zero !== undefined && one !== undefined);
    post(zero, 1);
    network.replace(replaced);
    post(zero, 2);
    await clock.advance(10);
    assertEquals(received(one), [2]);
  }
});
