/** Writes on any node: passed on in order, waiting for a leader, three outcomes kept apart; and what is due expires by the log. */

import { assert, assertEquals } from "@std/assert";
import type { Command } from "../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { decodeOutcome, encodeOutcome } from "../../../lib/node/writes/outcomes.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const LIMIT_MS = 20_000;

function follower(cluster: MemoryCluster, leader: Node): Node {
  const id = cluster.ids.find((candidate) => candidate !== leader.id && cluster.nodes.has(candidate));
  return cluster.node(id ?? -1);
}

function call(...words: readonly string[]): Command {
  return { type: "Call", call: words };
}

/** Submits and collects the outcomes in the order in which they come. */
class Collected {
  readonly outcomes: WriteOutcome[] = [];
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  submit(id: NodeId, command: Command): void {
    this.#cluster.node(id).submit(command, (outcome) => this.outcomes.push(outcome));
  }

  async all(count: number): Promise<readonly WriteOutcome[]> {
    await this.#cluster.clock.until(() => this.outcomes.length === count, LIMIT_MS, `${count} outcomes`);
    return this.outcomes;
  }

  get replies(): readonly unknown[] {
    return this.outcomes.map((outcome) => {
      const result = outcome.type === "Done" ? outcome.result : undefined;
      return result?.type === "Reply" ? result.reply : outcome;
    });
  }
}

Deno.test("a follower passes writes on, in order, and gets every kind of reply back", async () => {
  const cluster = new MemoryCluster(3, 31);
  await cluster.start();
  const leader = await cluster.leader();
  const { id } = follower(cluster, leader);
  const told = new Collected(cluster);
  for (let count = 0; count < 50; count++) told.submit(id, call("INCR", "n"));
  told.submit(id, call("SET", "k", "\x00\xff"));
  told.submit(id, call("INCR", "k"));
  told.submit(id, call("MGET", "k", "none"));
  await told.all(53);
  assertEquals(told.replies, [
    ...Array.from({ length: 50 }, (_, at) => at + 1),
    { status: "OK" },
    { error: "ERR value is not an integer or out of range" },
    ["\x00\xff", null],
  ]);
  assertEquals(await cluster.get(id, "n"), { value: "50" });
  await cluster.stop();
});

Deno.test("writes wait for a leader while there is none, and are done once each in their order", async () => {
  const cluster = new MemoryCluster(3, 32, { requestTimeoutMs: 10_000 });
  await cluster.start();
  const leader = await cluster.leader();
  const { id } = follower(cluster, leader);
  cluster.crash(leader.id);
  await cluster.clock.until(() => cluster.node(id).status().raft.leaderId !== leader.id, LIMIT_MS, "the loss is known");
  const told = new Collected(cluster);
  for (let count = 0; count < 20; count++) told.submit(id, call("APPEND", "k", String(count % 10)));
  const outcomes = await told.all(20);
  assertEquals(outcomes.map(({ type }) => type), new Array(20).fill("Done"));
  assertEquals(await cluster.get(id, "k"), { value: "01234567890123456789" });
  await cluster.stop();
});

Deno.test("a write that was passed on to a leader that dies is unknown; one that never left is not done", async () => {
  const cluster = new MemoryCluster(3, 33, { requestTimeoutMs: 2_000 });
  await cluster.start();
  const leader = await cluster.leader();
  const { id } = follower(cluster, leader);
  cluster.network.drop((message) => message.type === "ForwardResult");
  const told = new Collected(cluster);
  told.submit(id, call("INCR", "n"));
  await cluster.clock.until(
    () => leader.status().lastApplied > 1 && leader.state.get("n") !== undefined,
    LIMIT_MS,
    "done",
  );
  told.submit(id, call("INCR", "n"));
  cluster.crash(leader.id);
  await told.all(1);
  assertEquals(told.outcomes[0]?.type, "Unknown");
  for (const other of cluster.ids) if (other !== id && cluster.nodes.has(other)) cluster.crash(other);
  await told.all(2);
  const second = told.outcomes[1];
  assert(second?.type === "NotDone" && second.reason === "NoLeader", JSON.stringify(second));
  await cluster.stop();
});

Deno.test("a planned hand-over loses and doubles none of the writes that any node takes", async () => {
  const cluster = new MemoryCluster(3, 34, { requestTimeoutMs: 10_000 });
  await cluster.start();
  const told = new Collected(cluster);
  for (let round = 0; round < 6; round++) {
    const leader = await cluster.leader();
    leader.driver.enqueue({ type: "TransferLeadership", target: undefined });
    for (const id of cluster.ids) for (let count = 0; count < 5; count++) told.submit(id, call("INCR", "n"));
    await told.all((round + 1) * 15);
  }
  assertEquals(told.outcomes.filter(({ type }) => type !== "Done"), []);
  assertEquals(await cluster.get(0, "n"), { value: "90" });
  await cluster.stop();
});

Deno.test("a key expires within 100 ms of its time on every node without any other write, and outlives its leader till then", async () => {
  const cluster = new MemoryCluster(3, 35);
  await cluster.start();
  const leader = await cluster.leader();
  const told = new Collected(cluster);
  told.submit(leader.id, call("SET", "k", "v", "PX", "3000"));
  await told.all(1);
  const setAt = cluster.clock.now();
  cluster.crash(leader.id);
  await cluster.leader();
  await cluster.clock.advance(2_900 - (cluster.clock.now() - setAt));
  for (const node of cluster.nodes.values()) assertEquals(node.state.get("k")?.value, "v");
  await cluster.clock.advance(200);
  for (const node of cluster.nodes.values()) assertEquals([node.state.get("k"), node.state.size], [undefined, 0]);
  await cluster.stop();
});

Deno.test("an outcome survives its way, and what cannot be read is unknown", () => {
  const outcomes: readonly WriteOutcome[] = [
    { type: "Unknown" },
    { type: "NotDone", reason: "NoSpace", leaderId: undefined },
    { type: "Done", result: { type: "Put", revision: 3, created: true } },
    { type: "Done", result: { type: "Reply", revision: 3, reply: [1, 2n ** 62n, null, "\xff", { status: "OK" }, []] } },
    { type: "Done", result: { type: "Transaction", revision: 3, succeeded: false, replies: [{ error: "ERR" }] } },
    { type: "Done", result: { type: "Refused", revision: 3, reason: "NoSession" } },
  ];
  for (const outcome of outcomes) assertEquals(decodeOutcome(encodeOutcome(outcome)), outcome);
  for (const text of ["", "D", "D{}", "Nothing", "D[1]", 'D{"type":"Reply","revision":1,"reply":{"n":"1e9"}}']) {
    assertEquals(decodeOutcome(text), { type: "Unknown" }, text);
  }
});
