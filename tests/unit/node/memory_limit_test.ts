/** A cluster whose clients want more than its memory limit: what adds is refused before the log, whatever way it takes. */

import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import type { Command, SessionUse } from "../../../lib/kv/commands.ts";
import { MEMORY_RETRY_MS } from "../../../lib/node/limits.ts";
import { describeLag } from "../../../lib/node/views/lag.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const LIMIT_MS = 60_000;
const MIB = 2 ** 20;
const LIMIT_BYTES = 4 * MIB;
const VALUE = "v".repeat(8_000);
/** Keys that would take four times the limit. */
const WANTED = Math.ceil(4 * LIMIT_BYTES / VALUE.length);
/** So long a follower that stays out is looked at: many elections and heartbeats. */
const STAYS_MS = 5_000;
/** Writes under way at once. */
const AT_ONCE = 20;

function call(line: string): Command {
  return { type: "Call", call: line.split(" ") };
}

function put(key: string): Command {
  return { type: "Put", key, value: VALUE };
}

class LimitedCluster extends MemoryCluster {
  constructor(seed: number, memoryLimitBytes = LIMIT_BYTES, snapshotEntries = 1_000_000) {
    super(3, seed, { memoryLimitBytes, snapshotEntries, segmentBytes: 4 * MIB });
  }

  /** From the next start on that node may hold less than the others. */
  lower(id: NodeId, memoryLimitBytes: number): void {
    const server = this.server(id);
    const options = server.options.bind(server);
    server.options = () => ({ ...options(), memoryLimitBytes });
  }

  /** What becomes of commands that are submitted in one turn: `Done`, or why not. */
  async submit(id: NodeId, commands: readonly Command[], session?: SessionUse): Promise<readonly string[]> {
    const kinds = new Map<number, string>();
    for (const [at, command] of commands.entries()) {
      this.node(id).submit(command, (outcome) => {
        assert(!kinds.has(at), `${command.type} has two outcomes`);
        kinds.set(at, outcome.type === "NotDone" ? outcome.reason : outcome.type);
      }, { session });
    }
    await this.clock.until(() => kinds.size === commands.length, LIMIT_MS, "every command has its outcome");
    return commands.map((_, at) => kinds.get(at) ?? "");
  }

  /** Puts keys one batch after the other; the outcomes by how many there are of each. No node ever holds more than its reserve allows. */
  async fill(id: NodeId, prefix: string): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (let from = 0; from < WANTED; from += AT_ONCE) {
      const commands = Array.from({ length: AT_ONCE }, (_, at) => put(`${prefix}${from + at}`));
      for (const kind of await this.submit(id, commands)) counts[kind] = (counts[kind] ?? 0) + 1;
      for (const [, node] of this.nodes) {
        const { usedBytes, limitBytes } = node.status().memory;
        assertLess(usedBytes, limitBytes + limitBytes / 4, `node ${node.id}`);
      }
    }
    return counts;
  }

  async followers(): Promise<readonly NodeId[]> {
    const { id: leader } = await this.leader();
    return this.ids.filter((id) => id !== leader);
  }
}

/** Fills a cluster by way of that node, empties half of it, and starts it again. */
async function fillAndRestart(place: "leader" | "follower"): Promise<void> {
  const cluster = new LimitedCluster(71);
  await cluster.start();
  const leader = await cluster.leader();
  const [follower = 0, other = 0] = await cluster.followers();
  const id = place === "leader" ? leader.id : follower;
  const { Done: done = 0, OutOfMemory: refused = 0, ...rest } = await cluster.fill(id, "key");
  assertEquals(rest, {});
  // State, log and history share the limit.
  assertGreater(done * VALUE.length, LIMIT_BYTES / 2);
  assertGreater(refused, WANTED / 2);
  await cluster.converged();
  for (const [, node] of cluster.nodes) assertEquals(node.state.size, done);
  // What adds is refused by every way, what does not goes on.
  for (const from of [leader.id, follower, other]) {
    const adds = [
      put("more"),
      call(`SET more ${VALUE} EX 99`),
      call("COPY key0 more"),
      call("SETRANGE more 4000000 x"),
    ];
    assertEquals(await cluster.submit(from, adds), adds.map(() => "OutOfMemory"));
    const both: Command = {
      type: "Transaction",
      compares: [],
      then: [["DEL", "key0"], ["SET", "a", VALUE]],
      otherwise: [],
    };
    assertEquals(await cluster.submit(from, [both]), ["OutOfMemory"]);
    assertEquals(await cluster.submit(from, [put("more")], { id: 1, sequence: 1 }), ["OutOfMemory"]);
    assertEquals(await cluster.submit(from, [call("EXPIRE key1 9999"), call("DEL none"), call("GETDEL none")]), [
      ...["Done", "Done", "Done"],
    ]);
    assertEquals(await cluster.get(from, "key0"), { value: VALUE });
    assertEquals(await cluster.get(from, "more"), { value: undefined });
  }
  assertEquals(await cluster.put(leader.id, "more", VALUE), {
    type: "NotDone",
    reason: "OutOfMemory",
    leaderId: leader.id,
  });
  const removed: Command[] = Array.from({ length: done / 2 }, (_, at) => ({ type: "Delete", key: `key${at}` }));
  assertEquals(new Set(await cluster.submit(id, removed)), new Set(["Done"]));
  assertEquals(await cluster.submit(id, [put("after"), call("INCR n")]), ["Done", "Done"]);
  await cluster.converged();
  const size = cluster.node(id).state.size;
  for (const each of cluster.ids) cluster.crash(each);
  await cluster.start();
  await cluster.leader();
  await cluster.converged();
  for (const [, node] of cluster.nodes) assertEquals(node.state.size, size);
  assertEquals(await cluster.submit(id, [put("again")]), ["Done"]);
  await cluster.stop();
}

Deno.test("a load that wants four times the limit on the leader is refused at it, deletes make room, and a restart finds all", () => {
  return fillAndRestart("leader");
});

Deno.test("a load that wants four times the limit on a follower is refused at it, deletes make room, and a restart finds all", () => {
  return fillAndRestart("follower");
});

Deno.test("the worst case of what is not applied yet counts: no two copies of the longest value are taken where one fits", async () => {
  const cluster = new LimitedCluster(72, 16 * MIB);
  await cluster.start();
  const { id } = await cluster.leader();
  assertEquals(await cluster.submit(id, [put("a")]), ["Done"]);
  assertEquals(await cluster.submit(id, ["b", "c", "d"].map((key) => call(`COPY a ${key}`))), [
    ...["Done", "OutOfMemory", "OutOfMemory"],
  ]);
  // What was promised is given back with the outcome.
  assertEquals(await cluster.submit(id, [call("COPY a c")]), ["Done"]);
  await cluster.stop();
});

Deno.test("a follower whose limit is below the state says so and stays out, and the leader goes on; with a higher limit it is back", async () => {
  const cluster = new LimitedCluster(73, Infinity);
  await cluster.start();
  const { id: leader } = await cluster.leader();
  const [small = 0] = await cluster.followers();
  cluster.crash(small);
  cluster.lower(small, MIB);
  await cluster.start([small]);
  const keys = Array.from({ length: 400 }, (_, at) => `key${at}`);
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    const outcomes = await cluster.submit(leader, keys.slice(from, from + AT_ONCE).map(put));
    assertEquals(new Set(outcomes), new Set(["Done"]));
  }
  const said = `${small} error This node stays out until it holds less or has a higher --memory-limit`;
  await cluster.clock.until(() => cluster.log.some((line) => line.startsWith(said)), LIMIT_MS, "it says so");
  const last = () => cluster.node(small).status().raft.lastEntry.index;
  const stayedAt = last();
  assertEquals(await cluster.submit(leader, [put("meanwhile")]), ["Done"]);
  const until = cluster.clock.now() + STAYS_MS;
  await cluster.clock.until(() => cluster.clock.now() >= until, LIMIT_MS, "time passes");
  assertEquals(last(), stayedAt);
  // Who reads there hears why.
  assertEquals(await cluster.get(small, "meanwhile"), { reason: "Timeout" });
  assertMatch(describeLag(cluster.node(small)) ?? "", /^\d+ entries behind: its memory is full \(/);
  // What came in one turn was not more than a message beyond it.
  assertLess(cluster.node(small).status().memory.usedBytes, 3 * MIB);
  assertLess(stayedAt, cluster.node(leader).status().lastApplied);
  assertEquals((await cluster.leader()).id, leader);
  cluster.crash(small);
  cluster.lower(small, 64 * MIB);
  await cluster.start([small]);
  await cluster.converged();
  assertEquals(cluster.node(small).state.size, keys.length + 1);
  await cluster.stop();
});

Deno.test("a snapshot that does not fit is refused in one line, by a follower that receives it and by a node that starts with it", async () => {
  const cluster = new LimitedCluster(74, Infinity, 100);
  await cluster.start();
  const { id: leader } = await cluster.leader();
  const [small = 0] = await cluster.followers();
  cluster.crash(small);
  for (let from = 0; from < 400; from += AT_ONCE) {
    await cluster.submit(leader, Array.from({ length: AT_ONCE }, (_, at) => put(`key${from + at}`)));
  }
  let taken = "";
  // It takes more than one turn, and time stands still while nobody moves it.
  cluster.node(leader).takeSnapshot().then(({ type }) => taken = type);
  await cluster.clock.until(() => taken !== "", LIMIT_MS, "the snapshot is taken");
  assertEquals(taken, "Created");
  cluster.server(small).wipe();
  cluster.lower(small, MIB);
  await cluster.start([small], true);
  const refused = `${small} warn Cannot use the received snapshot: Cannot load the leader's snapshot`;
  const times = () => cluster.log.filter((line) => line.startsWith(refused)).length;
  await cluster.clock.until(() => times() > 0, LIMIT_MS, "it refuses the snapshot");
  const before = times();
  assertEquals(await cluster.submit(leader, [put("after")]), ["Done"]);
  // It is not sent over and over again.
  const until = cluster.clock.now() + MEMORY_RETRY_MS / 2;
  await cluster.clock.until(() => cluster.clock.now() >= until, LIMIT_MS, "time passes");
  assertEquals(times(), before);
  cluster.crash(leader);
  cluster.lower(leader, MIB);
  let failure = "";
  await cluster.start([leader]).catch((error: unknown) => failure = String(error));
  assertStringIncludes(failure, "it does not fit into the memory limit of 1.0 MiB; raise --memory-limit");
  cluster.lower(leader, 64 * MIB);
  await cluster.start([leader]);
  assertEquals(cluster.node(leader).status().memory.limitBytes, 64 * MIB);
  await cluster.stop();
});
