import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/cli/failures.ts";
import {
  type Connection,
  Connections,
  ForeignServerFailure,
  readConnectList,
} from "../../../lib/cli/shell/connections.ts";
import { findClientAddress, Session } from "../../../lib/cli/shell/session.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { ConnectionLostError, type Sent } from "../../../lib/cluster/text_connection.ts";

const UNKNOWN = "Error: Outcome unknown. The write may or may not take effect.";
const NO_LEADER = "Error: No leader. Reachable 1 of 3 nodes, need 2.";

/** What a fake node says to a line: a reply, or how the connection is lost. */
type Behaviour = (line: string) => string | Sent;

/** Nodes by port; a port that is missing refuses connections. Time passes only in sleeps. */
class World {
  readonly nodes = new Map<number, Behaviour>();
  readonly asked: string[] = [];
  /** Ports at which something else than a node answers. */
  readonly foreign = new Set<number>();
  readonly session: Session;
  now = 0;
  onSleep = () => {};
  /** Ports that were connected to, and nodes answered there. */
  readonly connected: number[] = [];
  idOf = (port: number) => port - 5000;

  constructor(list: string, timeoutMs = 1_000) {
    this.session = new Session({
      connections: new Connections(readConnectList(list), (endpoint) => this.#connect(endpoint)),
      timeoutMs,
      now: () => this.now,
      sleep: (delayMs) => {
        this.now += delayMs;
        this.onSleep();
        return Promise.resolve();
      },
    });
  }

  #connect({ hostname, port }: { hostname: string; port: number }): Promise<Connection> {
    const address = `${hostname}:${port}`;
    if (this.foreign.has(port)) return Promise.reject(new ForeignServerFailure(`${address} is not KVStore`));
    if (!this.nodes.has(port)) {
      return Promise.reject(new ConnectionLostError(`Cannot connect to ${address}`, "NotSent"));
    }
    this.connected.push(port);
    let closed = false;
    return Promise.resolve({
      address,
      close: () => closed = true,
      request: ({ line }) => {
        const behaviour = this.nodes.get(port);
        if (closed || behaviour === undefined) return Promise.reject(new ConnectionLostError("gone", "NotSent"));
        if (line !== "STATUS") this.asked.push(`${port} ${line}`);
        const said = line === "STATUS" ? `Node status\nNode ID: ${this.idOf(port)}\nRole: Follower` : behaviour(line);
        if (said !== "NotSent" && said !== "MaybeSent") return Promise.resolve(said);
        closed = true;
        return Promise.reject(new ConnectionLostError("lost", said));
      },
    });
  }
}

const CLUSTER = [
  "Cluster",
  "Node 0: 127.0.0.1:5000, Peer Address: 127.0.0.1:15000, Role: Follower, Term: 3, Match Index: 10, Lag: 0, Reachable: yes",
  "Node 1: unknown, Peer Address: 127.0.0.1:15001, Role: unknown, Term: unknown, Match Index: unknown, Reachable: no",
  "Node 2: 127.0.0.1:5002, Peer Address: 127.0.0.1:15002, Role: Leader, Term: 3, Match Index: 10, Lag: 0, Reachable: yes",
].join("\n");

function follower(line: string): string {
  return line === "CLUSTER" ? CLUSTER : "Error: Not leader. Current leader is Node 2";
}

Deno.test("a write follows the notice of who leads, and the connection stays where it was", async () => {
  const world = new World("5000,5001");
  world.nodes.set(
    5000,
    (line) => line.startsWith("PUT") ? follower(line) : line === "CLUSTER" ? CLUSTER : "value of k: v",
  );
  world.nodes.set(5002, () => "k added successfully.");
  for (let time = 0; time < 2; time++) {
    const answer = await world.session.run("PUT k v");
    assertEquals(answer, { kind: "Done", reply: "k added successfully.", via: "127.0.0.1:5002" });
  }
  assertEquals((await world.session.run("GET k")).via, undefined);
  assertEquals(world.asked, [
    "5000 PUT k v",
    "5000 CLUSTER",
    "5002 PUT k v",
    "5000 PUT k v",
    "5000 CLUSTER",
    "5002 PUT k v",
    "5000 GET k",
  ]);
});

Deno.test("a refusal that is certain is repeated until a leader is there", async () => {
  const world = new World("5000,5001");
  let reply = NO_LEADER;
  world.nodes.set(5000, () => reply);
  world.nodes.set(5001, () => reply);
  world.onSleep = () => reply = world.now >= 500 ? "k added successfully." : NO_LEADER;
  assertEquals((await world.session.run("PUT k v")).kind, "Done");
  assertEquals(new Set(world.asked), new Set(["5000 PUT k v", "5001 PUT k v"]), "another node may see a leader");
  assertEquals(world.now, 500);
});

Deno.test("without a leader in time the refusal is the answer", async () => {
  const world = new World("5000");
  world.nodes.set(5000, () => NO_LEADER);
  assertEquals(await world.session.run("PUT k v"), { kind: "NoLeader", reply: NO_LEADER, via: undefined });
  assertEquals((await world.session.run("GET k")).kind, "NoLeader");
  assertEquals(world.now < 2_000, true);
});

Deno.test("nodes that name each other for ever end with a refusal", async () => {
  const world = new World("5000");
  world.nodes.set(5000, follower);
  world.nodes.set(5002, follower);
  assertEquals((await world.session.run("PUT k v")).kind, "NotLeader");
});

Deno.test("a write that may have been done is never repeated", async () => {
  const cases: [first: Behaviour, list: string][] = [
    [() => "MaybeSent", "5000,5001"],
    [() => UNKNOWN, "5000,5001"],
  ];
  for (const [first, list] of cases) {
    const world = new World(list);
    world.nodes.set(5000, first);
    world.nodes.set(5001, () => "k added successfully.");
    const answer = await world.session.run("PUT k v");
    assertEquals([answer.kind, answer.reply], ["Unknown", UNKNOWN]);
    assertEquals(world.asked, ["5000 PUT k v"]);
  }
  const redirected = new World("5000");
  redirected.nodes.set(5000, follower);
  redirected.nodes.set(5002, () => "MaybeSent");
  assertEquals((await redirected.session.run("DELETE k")).kind, "Unknown");
});

Deno.test("a read goes on to the next node when one is lost", async () => {
  const world = new World("5000,5001");
  world.nodes.set(5000, () => "MaybeSent");
  world.nodes.set(5001, () => "value of k: v");
  assertEquals((await world.session.run("GET k")).reply, "value of k: v");
});

Deno.test("a node that does not answer is passed over, and none at all is a failure", async () => {
  const world = new World("5000,5001");
  world.nodes.set(5001, () => "k added successfully.");
  assertEquals((await world.session.run("PUT k v")).kind, "Done");
  world.nodes.delete(5001);
  const error = await assertRejects(() => world.session.run("PUT k v"), Failure, "Cannot connect to any node of");
  assertEquals(error.exitCode, 1);
  assertEquals(await world.session.describe(), undefined);
  world.nodes.set(5000, () => "");
  assertEquals(await world.session.describe(), { nodeId: 0, role: "Follower", leaderId: undefined });
});

Deno.test("what is no node is passed over as long as a node answers, and named when none does", async () => {
  const world = new World("5000,5001");
  world.foreign.add(5000);
  await assertRejects(() => world.session.run("GET k"), ForeignServerFailure, "127.0.0.1:5000 is not KVStore");
  await assertRejects(() => world.session.describe(), ForeignServerFailure);
  world.nodes.set(5001, () => "value of k: v");
  assertEquals((await world.session.run("GET k")).reply, "value of k: v");
  // The port of a leader that died was taken by something else: the node in use is asked until another one leads.
  world.foreign.add(5002);
  world.nodes.set(5001, follower);
  assertEquals((await world.session.run("PUT k v")).kind, "NotLeader");
});

Deno.test("an idle connection that died costs no write", async () => {
  const world = new World("5000,5001");
  world.nodes.set(5000, () => "k added successfully.");
  assertEquals((await world.session.run("PUT k v")).kind, "Done");
  world.nodes.delete(5000);
  world.nodes.set(5001, () => "k added successfully.");
  assertEquals((await world.session.run("PUT k v")).kind, "Done");
});

Deno.test("what concerns one node is not asked of another", async () => {
  const world = new World("5000,5001");
  world.nodes.set(5000, () => "MaybeSent");
  world.nodes.set(5001, () => "Snapshot created at index 42 (term 3).");
  await assertRejects(() => world.session.run("SNAPSHOT"), Failure, "lost");
});

Deno.test("a leader that is not spoken to at the address that others tell is found among those that are given", async () => {
  const world = new World("6000,6002");
  world.foreign.add(5002);
  world.nodes.set(6000, follower);
  world.nodes.set(6002, (line) => `${line} is done`);
  world.idOf = (port) => port - 6000;
  assertEquals(await world.session.run("PUT k v"), { kind: "Done", reply: "PUT k v is done", via: "127.0.0.1:6002" });
  await world.session.run("PUT k w");
  assertEquals(world.connected, [6000, 6000, 6002], "and its connection is kept");
});

Deno.test("a client address is found in CLUSTER, strictly by id", () => {
  assertEquals(findClientAddress(CLUSTER, 2), { hostname: "127.0.0.1", port: 5002 });
  assertEquals(findClientAddress(CLUSTER, 1), undefined, "a peer address is none for clients");
  assertEquals(findClientAddress(CLUSTER, 3), undefined);
  assertEquals(findClientAddress("nonsense", 0), undefined);
});

Deno.test("--connect takes addresses and ports", () => {
  assertEquals(readConnectList("5000, localhost:5001,[::1]:5002"), [
    { hostname: "127.0.0.1", port: 5000 },
    { hostname: "127.0.0.1", port: 5001 },
    { hostname: "::1", port: 5002 },
  ]);
  for (const list of ["", ",", "host", "5000,host:0", "host:99999"]) {
    assertThrows(() => readConnectList(list), UsageError, "--connect", list);
  }
});
