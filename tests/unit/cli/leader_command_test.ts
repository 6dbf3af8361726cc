/** `kvstore leader`, and the way of administrators to a cluster, on ports that answer as a test says. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { AdminConnection } from "../../../lib/cli/admin_connection.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { runProgram } from "../../../lib/cli/run.ts";
import { RUNNERS } from "../../../lib/cli/commands.ts";
import { type AnswerOver, clusterJson, FakeNodePorts } from "./fake_node_ports.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const TIMEOUT = ["--timeout-ms", "150"];

async function kvstore(args: readonly string[]): Promise<readonly [code: number, out: string, err: string]> {
  const surroundings = fakeSurroundings();
  const code = await runProgram(args, { surroundings, runners: RUNNERS });
  return [code, surroundings.output(), surroundings.errors()];
}

/** A cluster that node 0 leads, with that answer to a transfer. */
function answering(status: number, json: unknown): AnswerOver {
  return ({ line }) => line.startsWith("GET /v1/cluster") ? { status: 200, json: clusterJson() } : { status, json };
}

/** An address at which nobody listens. */
function deadAddress(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return `127.0.0.1:${listener.addr.port}`;
}

Deno.test("leader: who leads, for people and for programs", async () => {
  await using node = new FakeNodePorts(answering(500, {}));
  const connect = ["--connect", node.clientAddress];
  assertEquals(await kvstore(["leader", ...connect]), [0, "Node 0 (127.0.0.1:5000) leads, in term 4.\n", ""]);
  const [code, out] = await kvstore(["leader", "--json", ...connect]);
  assertEquals([code, JSON.parse(out)], [0, { leader: 0, term: 4, client_address: "127.0.0.1:5000", moved: false }]);
});

Deno.test("leader transfer: moved, to a node or to the best one, and nothing done where it leads already", async () => {
  let leader = 2;
  await using node = new FakeNodePorts((request) => answering(200, { leader, term: 5 })(request));
  const connect = ["--connect", node.clientAddress];
  const moved = [0, "Node 2 (127.0.0.1:5002) leads now, in term 5.\n", ""] as const;
  assertEquals(await kvstore(["leader", "transfer", "2", ...connect]), moved);
  assertEquals(await kvstore(["leader", "transfer", ...connect]), moved);
  leader = 0;
  const kept = [0, "Node 0 (127.0.0.1:5000) leads already, so nothing was done, in term 5.\n", ""] as const;
  assertEquals(await kvstore(["leader", "transfer", "0", ...connect]), kept);
  const posts = node.asked.filter((line) => line.startsWith("POST"));
  assertEquals(posts, ['{"node":2}', "{}", '{"node":0}'].map((body) => `POST /v1/cluster/leader ${body}`));
});

Deno.test("leader transfer: a refusal is one line with its reason, and the exit code that fits", async () => {
  const cases = [
    [409, "not_a_member", 1],
    [504, "not_transferred", 1],
    [504, "outcome_unknown", 6],
    [503, "no_leader", 5],
  ] as const;
  for (const [status, code, exitCode] of cases) {
    await using node = new FakeNodePorts(answering(status, { code, detail: "The reason" }));
    const args = ["leader", "transfer", "7", "--connect", node.clientAddress, ...TIMEOUT];
    assertEquals(await kvstore(args), [exitCode, "", "kvstore: The reason\n"]);
  }
});

Deno.test("leader: without a leader exit 5, says who is reachable, and asks until the time is up", async () => {
  const json = clusterJson({ leader: null, quorum: { reachable: 1, total: 3, needed: 2 } });
  await using node = new FakeNodePorts(() => ({ status: 200, json }));
  const [code, out, err] = await kvstore(["leader", "--connect", node.clientAddress, ...TIMEOUT]);
  assertEquals([code, out], [5, ""]);
  assertEquals(err, "kvstore: No leader; node 1 reaches 1 of 3 nodes, needs 2\n");
  assert(node.asked.length > 1, node.asked.join());
});

Deno.test("leader: any node that answers will do; where none does, one line and exit 1", async () => {
  await using node = new FakeNodePorts(answering(500, {}));
  await using foreign = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("hello"));
  const others = `${deadAddress()},127.0.0.1:${foreign.addr.port}`;
  assertEquals((await kvstore(["leader", "--connect", `${others},${node.clientAddress}`]))[0], 0);
  const [code, out, err] = await kvstore(["leader", "--connect", others, ...TIMEOUT]);
  assertEquals([code, out], [1, ""]);
  assertMatch(
    err,
    /^kvstore: Cannot reach any node of [0-9.:, ]+; is the cluster running\? --connect names [a-z ]+\n$/,
  );
});

Deno.test("leader: other words are refused with the usage's exit code", async () => {
  for (const words of [["transfr"], ["transfer", "x"], ["transfer", "-1"], ["transfer", "1", "2"]]) {
    const [code, out, err] = await kvstore(["leader", ...words]);
    assertEquals([code, out], [2, ""], err);
  }
});

Deno.test("a request goes to another node when its connection breaks", async () => {
  await using broken = new FakeNodePorts(() => "Break");
  await using whole = new FakeNodePorts(answering(200, { done: true }));
  const connect = ["--connect", `${broken.clientAddress},${whole.clientAddress}`, ...TIMEOUT];
  const admin = new AdminConnection({ settings: settingsOf("leader", ...connect), surroundings: fakeSurroundings() });
  const { address, json } = await admin.ask({ method: "POST", path: "/v1/do" });
  assertEquals([address, json], [whole.httpAddress, { done: true }]);
  assertEquals([broken.asked.length, whole.asked.length], [1, 1]);
});

Deno.test("what was asked for and got no answer is unknown at the end, not a cluster that is not there", async () => {
  await using broken = new FakeNodePorts(() => "Break");
  const admin = new AdminConnection({
    settings: settingsOf("leader", "--connect", broken.clientAddress, ...TIMEOUT),
    surroundings: fakeSurroundings(),
  });
  const failure = await admin.ask({ method: "POST", path: "/v1/do" }).catch((error) => error);
  assert(failure instanceof Failure && failure.exitCode === 6, String(failure));
  const question = await admin.ask({ method: "GET", path: "/v1/see" }).catch((error) => error);
  assert(question instanceof Failure && question.exitCode === 1, String(question));
});

Deno.test("a node that the cluster has named is asked once those of --connect are gone", async () => {
  await using other = new FakeNodePorts(answering(200, {}));
  const members = [{ id: 2, client_address: "", http_address: other.httpAddress, voter: true, reachable: true }];
  const first = new FakeNodePorts(() => ({ status: 200, json: clusterJson({ members }) }));
  const admin = new AdminConnection({
    settings: settingsOf("leader", "--connect", first.clientAddress, ...TIMEOUT),
    surroundings: fakeSurroundings(),
  });
  await admin.cluster();
  await first[Symbol.asyncDispose]();
  assertEquals((await admin.cluster()).members.length, 3);
});
