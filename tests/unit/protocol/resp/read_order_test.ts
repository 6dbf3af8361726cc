/** Reads of one connection see the state in the order of their replies, in whatever order they are confirmed. */

import { assertEquals } from "@std/assert";
import { encodeCommand, stampCommand } from "../../../../lib/kv/commands.ts";
import { startTextConversation } from "../../../../lib/protocol/text/interpreter.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";
import { spanOf } from "../../../support/state.ts";
import { StateNode } from "../../../support/state_node.ts";
import { RecordingLink } from "../text/session_support.ts";
import { RespBench, RespClient, respContext } from "./session_support.ts";

/** What the entry at `index` of the log does. */
function apply(node: StateNode, index: number, ...call: readonly string[]): void {
  node.machine.apply(index, spanOf(stampCommand(encodeCommand({ type: "Call", call }), node.wallClockMs)));
}

Deno.test("of two reads the one behind sees no older state, though it is confirmed first", async () => {
  const { node, ...bench } = heldBench();
  apply(node, 1, "SET", "k", "old");
  assertEquals(await bench.client.ask("GET k", "Get k"), "");
  const [first, second] = node.waiting;
  second?.();
  apply(node, 2, "SET", "k", "new");
  first?.();
  assertEquals(await bench.client.take(), "$3\r\nnew\r\n$3\r\nnew\r\n");
});

Deno.test("a read behind one that found a key expired finds it expired, though it is confirmed first", async () => {
  const { node, ...bench } = heldBench();
  apply(node, 1, "SET", "k", "v", "PX", "50");
  assertEquals(await bench.client.ask("GET k", "EXISTS k", "PTTL k"), "");
  const [first, second, third] = node.waiting;
  third?.();
  second?.();
  node.wallClockMs += 50;
  first?.();
  assertEquals(await bench.client.take(), "$-1\r\n:0\r\n:-2\r\n");
});

Deno.test("a read is done with its confirmation when its reply is next, and is not done again", async () => {
  const { node, ...bench } = heldBench();
  apply(node, 1, "SET", "k", "old");
  assertEquals(await bench.client.ask("GET k", "PING", "GET k"), "");
  const [first, second] = node.waiting;
  first?.();
  apply(node, 2, "SET", "k", "new");
  second?.();
  assertEquals(await bench.client.take(), "$3\r\nold\r\n+PONG\r\n$3\r\nnew\r\n");
});

Deno.test("reads behind one that is not done are done, in order, and then the write behind them", async () => {
  const { node, ...bench } = heldBench();
  apply(node, 1, "SET", "k", "old");
  assertEquals(await bench.client.ask("GET k", "Get k", "GET k", "SET k newer"), "");
  const [first, second, third] = node.waiting;
  third?.();
  second?.();
  apply(node, 2, "SET", "k", "new");
  node.refusal = "Timeout";
  first?.();
  const reply = await bench.client.take();
  assertEquals(reply.slice(reply.indexOf("\r\n")), "\r\n$3\r\nnew\r\n$3\r\nnew\r\n");
  assertEquals(node.asked, ["Read", "Read", "Read", "Write"]);
});

Deno.test("what EXEC reads is of no older state than the reads before it", async () => {
  const { node, ...bench } = heldBench();
  apply(node, 1, "SET", "k", "old");
  assertEquals(await bench.client.ask("GET k", "MULTI", "GET k", "EXEC"), "");
  apply(node, 2, "SET", "k", "new");
  node.release();
  node.release();
  assertEquals(await bench.client.take(), "$3\r\nnew\r\n+OK\r\n+QUEUED\r\n*1\r\n$3\r\nnew\r\n");
});

Deno.test("a text client's reads are in order as well", () => {
  const node = new StateNode();
  node.holding = true;
  apply(node, 1, "SET", "k", "old");
  const link = new RecordingLink();
  const context = respContext({ node, clock: new RespBench().clock });
  startTextConversation(link, { ...context, httpPort: undefined }).receive("GET k\nGET k\n");
  const [first, second] = node.waiting;
  second?.();
  apply(node, 2, "SET", "k", "new");
  first?.();
  assertEquals(link.output, "value of k: new\nvalue of k: new\n");
});

Deno.test("a follower whose question is lost answers the reads behind it no sooner, and a read sees the writes before it", async () => {
  const cluster = new MemoryCluster(3, 450);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.put(leader.id, "k", "old");
  const follower = cluster.ids.find((id) => id !== leader.id) ?? -1;
  const client = new RespClient(respContext({ node: cluster.node(follower), clock: cluster.clock }));
  cluster.network.drop(({ type, from }) => type === "ReadIndex" && from === follower);
  client.session.receive(encodeRequest("GET", "k"));
  await cluster.clock.advance(1);
  cluster.network.drop(undefined);
  client.session.receive(encodeRequest("GET", "k"));
  let confirmed = false;
  cluster.node(follower).read(() => confirmed = true);
  await cluster.clock.until(() => confirmed, 5_000, "the second question is answered");
  assertEquals(client.link.output, "");
  await cluster.put(leader.id, "k", "new");
  await cluster.clock.until(() => client.link.output !== "", 5_000, "the lost question is asked again");
  assertEquals(client.link.output, "$3\r\nnew\r\n$3\r\nnew\r\n");
  client.link.output = "";
  client.session.receive(encodeRequest("SET", "k", "own") + encodeRequest("GET", "k"));
  await cluster.clock.until(() => client.link.output.includes("own"), 5_000, "the read behind the write is served");
  assertEquals(client.link.output, "+OK\r\n$3\r\nown\r\n");
  await cluster.stop();
});

function heldBench(): { readonly node: StateNode; readonly client: RespClient } {
  const bench = new RespBench();
  bench.node.holding = true;
  return { node: bench.node, client: bench.connect() };
}
