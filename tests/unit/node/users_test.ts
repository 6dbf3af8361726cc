/** Users in a cluster: they wait for the last program of before, end what is under way, and are known from the log before they are applied. */

import { assert, assertEquals } from "@std/assert";
import { type Command, type CommandOrigin, encodeCommand } from "../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { UnappliedUsers } from "../../../lib/node/users/unapplied_users.ts";
import { encodeCommands, Run } from "../../../lib/raft/run.ts";
import { type NodeId, toIndex, toTerm, ZERO_ENTRY_ID } from "../../../lib/raft/types.ts";
import { SPOKEN_VERSIONS } from "../../../lib/transport/versions.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { removeUser, setUser } from "../../support/users.ts";

const BEFORE = { oldest: 6, newest: 6 };
const NEXT = { oldest: 6, newest: 7 };
const LIMIT_MS = 20_000;
const PUT: Command = { type: "Put", key: "k", value: "v" };

class UserCluster extends MemoryCluster {
  /** Submits on one node and waits for the outcome: the reason of a refusal, else its type. */
  async do(id: NodeId, command: Command, origin: CommandOrigin = {}): Promise<string> {
    let outcome: WriteOutcome | undefined;
    this.node(id).submit(command, (known) => outcome = known, origin);
    await this.clock.until(() => outcome !== undefined, LIMIT_MS, `the outcome of ${command.type} on node ${id}`);
    return shown(outcome);
  }

  loginOf(name: string, id: NodeId = 0): number {
    return this.node(id).users.find(name)?.login ?? -1;
  }

  async atLevel(level: number): Promise<void> {
    const isThere = () => [...this.nodes.values()].every((node) => node.status().level === level);
    await this.clock.until(isThere, LIMIT_MS, `level ${level}`);
    await this.converged();
  }
}

function shown(outcome: WriteOutcome | undefined): string {
  if (outcome?.type === "NotDone") return outcome.reason;
  if (outcome?.type !== "Done") return "Unknown";
  return outcome.result.type === "Refused" ? outcome.result.reason : outcome.result.type;
}

Deno.test("no node takes a user before the last one can read it, and then each does", async () => {
  const cluster = new UserCluster(3, 71);
  for (const { id } of cluster.servers) cluster.server(id).versions = id === 2 ? BEFORE : NEXT;
  await cluster.start();
  await cluster.leader();
  await cluster.clock.advance(5_000);
  for (const id of [0, 1]) assertEquals(await cluster.do(id, setUser("root")), "TooOld", `node ${id}`);
  assertEquals(await cluster.do(0, PUT), "Put");
  const server = cluster.server(2);
  server.stop();
  await cluster.clock.until(() => server.state === "Down", LIMIT_MS, "node 2 stops");
  server.versions = NEXT;
  await cluster.start([2]);
  await cluster.leader();
  await cluster.atLevel(7);
  assertEquals(await cluster.do(1, setUser("root")), "Reply");
  await cluster.converged();
  for (const id of cluster.ids) {
    assertEquals(cluster.node(id).users.list().map(({ name }) => name), ["root"]);
    assertEquals(await cluster.do(id, PUT), "NotLoggedIn");
    assertEquals(await cluster.do(id, PUT, { login: cluster.loginOf("root") }), "Put");
  }
  await cluster.converged();
  assertEquals(new Set([...cluster.nodes.values()].map((node) => node.status().digest)).size, 1);
  await cluster.stop();
});

Deno.test("a leader without the level proposes no user", async () => {
  const cluster = new UserCluster(1, 72);
  cluster.server(0).versions = BEFORE;
  await cluster.start();
  await cluster.leader();
  let outcome: WriteOutcome | undefined;
  cluster.node(0).write(setUser("root"), (known) => outcome = known);
  await cluster.clock.until(() => outcome !== undefined, LIMIT_MS, "the outcome");
  assertEquals(shown(outcome), "TooOld");
  await cluster.stop();
});

Deno.test("every node hears of a change in the step in which it applies it, from the log and from a snapshot", async () => {
  const cluster = new UserCluster(3, 73);
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.atLevel(SPOKEN_VERSIONS.newest);
  const [first = -1, last = -1] = cluster.ids.filter((id) => id !== leader.id);
  assertEquals(await cluster.do(first, setUser("root")), "Reply");
  const login = cluster.loginOf("root", leader.id);
  assertEquals(await cluster.do(leader.id, setUser("alice"), { login }), "Reply");
  await cluster.converged();
  const alice = cluster.loginOf("alice", leader.id);
  const seen: string[] = [];
  for (const id of cluster.ids) {
    const node = cluster.node(id);
    node.watchUsers(() => seen.push(`${id} ${node.users.allows(alice)}`));
  }
  assertEquals(await cluster.do(first, removeUser("alice"), { login }), "Reply");
  assert(seen.includes(`${leader.id} false`), "before it is acknowledged");
  await cluster.converged();
  assertEquals(seen.toSorted(), cluster.ids.map((id) => `${id} false`));
  assertEquals(await cluster.do(last, PUT, { login: alice }), "NotLoggedIn");
  cluster.server(last).stop();
  await cluster.clock.until(() => cluster.server(last).state === "Down", LIMIT_MS, "it stops");
  assertEquals(await cluster.do(first, setUser("bob"), { login }), "Reply");
  assertEquals((await cluster.node(first).takeSnapshot()).type, "Created");
  await cluster.start([last]);
  await cluster.leader();
  await cluster.converged();
  assertEquals(cluster.node(last).users.list().map(({ name }) => name), ["bob", "root"]);
  await cluster.stop();
});

Deno.test("a snapshot of the leader that leaves a user out is told of, also where the newest of the others was known", async () => {
  const cluster = new UserCluster(3, 75, { snapshotEntries: 20 });
  await cluster.start();
  const leader = await cluster.leader();
  await cluster.atLevel(SPOKEN_VERSIONS.newest);
  assertEquals(await cluster.do(leader.id, setUser("root")), "Reply");
  const login = cluster.loginOf("root", leader.id);
  for (const name of ["alice", "bob"]) assertEquals(await cluster.do(leader.id, setUser(name), { login }), "Reply");
  await cluster.converged();
  const alice = cluster.loginOf("alice", leader.id);
  const [late = -1] = cluster.ids.filter((id) => id !== leader.id);
  const seen: boolean[] = [];
  cluster.node(late).watchUsers(() => seen.push(cluster.node(late).users.allows(alice)));
  for (const id of cluster.ids) if (id !== late) cluster.network.cut(late, id);
  assertEquals(await cluster.do(leader.id, removeUser("alice"), { login }), "Reply");
  for (let entry = 0; entry < 100; entry++) assertEquals(await cluster.do(leader.id, PUT, { login }), "Put");
  assertEquals(seen, []);
  for (const id of cluster.ids) if (id !== late) cluster.network.heal(late, id);
  await cluster.converged();
  assert(cluster.log.some((line) => line.includes(`${late} info Installed the leader's snapshot`)), "a snapshot came");
  assertEquals(seen, [false]);
  await cluster.stop();
});

Deno.test("users of a log whose end was replaced are known, whenever it was looked at", () => {
  const put = encodeCommand(PUT);
  const runOf = (term: number, commands: readonly string[]) =>
    Run.ofCommands({ index: toIndex(1), term: toTerm(term) }, encodeCommands(commands));
  let run = runOf(1, [put, put, put]);
  const raft = { logRuns: (index: number) => [run].filter(({ lastIndex }) => lastIndex > index) };
  const unapplied = new UnappliedUsers({ raft, applied: { state: { users: { size: 0 } }, id: ZERO_ENTRY_ID } });
  assertEquals([unapplied.exist(), unapplied.exist()], [false, false]);
  run = runOf(2, [encodeCommand(setUser("root")), put, put]);
  assertEquals([unapplied.exist(), unapplied.exist()], [true, true]);
  run = runOf(3, [put]);
  assertEquals(unapplied.exist(), false);
});

Deno.test("a node that was started again knows from its log that there are users, before it has applied anything", async () => {
  const cluster = new UserCluster(3, 74);
  await cluster.start();
  await cluster.leader();
  await cluster.atLevel(SPOKEN_VERSIONS.newest);
  assertEquals(await cluster.do(0, PUT), "Put");
  for (const id of cluster.ids) assertEquals(cluster.node(id).hasUsers(), false);
  assertEquals(await cluster.do(0, setUser("root")), "Reply");
  await cluster.converged();
  for (const id of cluster.ids) cluster.crash(id);
  await cluster.start([1]);
  const node = cluster.node(1);
  assertEquals([node.users.size, node.status().lastApplied, node.hasUsers()], [0, 0, true]);
  await cluster.clock.advance(5_000);
  assertEquals([node.users.size, node.hasUsers()], [0, true]);
  await cluster.start([0, 2]);
  await cluster.leader();
  await cluster.converged();
  assertEquals([node.users.size, node.hasUsers()], [1, true]);
  await cluster.stop();
});
