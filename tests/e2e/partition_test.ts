import { assert, assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const NO_LEADER = /^Error: No leader\. Reachable 1 of 3 nodes, need 2\. No other node answers\. Start node /;
const FLAGS = ["--request-timeout-ms", "1000"];

Deno.test("an isolated leader and an isolated follower serve nothing and say why; healed, all logs are equal", () =>
  withCluster({ proxied: true, flags: FLAGS }, async (cluster) => {
    const ledger = new Ledger();
    const leader = await cluster.waitForLeader();
    assertEquals(await cluster.ask(leader, "PUT register before"), "register added successfully.");
    await isolatedFollower(cluster, leader);
    const lost = await isolatedLeader(cluster, ledger);
    await cluster.waitUntilEqual();
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
    for (const id of cluster.others()) {
      assertEquals(await cluster.ask(id, "GET register"), "value of register: after", `node ${id}`);
      for (const key of lost) assertEquals(await cluster.ask(id, `GET ${key}`), `Error: ${key} does not exist.`);
    }
    await logsAreEqual(cluster);
  }));

async function isolatedFollower(cluster: ProcessCluster, leader: number): Promise<void> {
  const [cutOff = -1, ...rest] = cluster.others(leader);
  cluster.proxy.isolate(cutOff, cluster.others());
  await waitFor(async () => NO_LEADER.test(await cluster.ask(cutOff, "PUT lost 1")) || undefined, {
    what: "the isolated follower refuses writes",
  });
  assertMatch(await cluster.ask(cutOff, "GET register"), NO_LEADER);
  const term = (await cluster.status(leader)).get("Term");
  assertEquals(await cluster.ask(leader, "PUT while-cut yes"), "while-cut added successfully.");
  cluster.proxy.heal();
  await cluster.waitForLeader();
  // PreVote: the node that comes back does not disturb the leader.
  assertEquals((await cluster.status(leader)).get("Term"), term);
  for (const id of [cutOff, ...rest]) {
    const reply = await waitFor(async () => {
      const read = await cluster.ask(id, "GET while-cut");
      return read.startsWith("value of") ? read : undefined;
    }, { what: `node ${id} reads` });
    assertEquals(reply, "value of while-cut: yes");
  }
}

/** Returns the keys of writes that the isolated leader must never have carried out. */
async function isolatedLeader(cluster: ProcessCluster, ledger: Ledger): Promise<string[]> {
  const old = await cluster.waitForLeader();
  const majority = cluster.others(old);
  using client = await TextClient.connect(cluster.node(old).clientPort);
  cluster.proxy.isolate(old, cluster.others());
  // Taken by the leader that does not know yet: it can be neither confirmed nor refused.
  assertEquals(
    await client.ask("PUT orphan 1"),
    "Error: Outcome unknown. The write may or may not take effect.",
  );
  assertMatch(await client.ask("GET register"), /^Error: /);
  const next = await cluster.waitForLeader({ among: majority });
  assertNotEquals(next, old);
  const writers = new Writers({ ports: cluster.ports, ledger, clients: 5, prefix: "cut" });
  try {
    assertEquals(await cluster.ask(next, "PUT register after"), "register added successfully.");
    await waitFor(async () => NO_LEADER.test(await client.ask("PUT lost 2")) || undefined, {
      what: "the isolated leader steps down and refuses writes",
    });
    const read = await client.ask("GET register");
    assertMatch(read, NO_LEADER);
    await waitFor(() => ledger.acknowledged.size > 200 ? true : undefined, { what: "writes" });
    cluster.proxy.heal();
    await cluster.waitForLeader();
  } finally {
    await writers.stop();
  }
  return ["orphan", "lost"];
}

/** By LOGS while they run, and by `inspect` when they are stopped. */
async function logsAreEqual(cluster: ProcessCluster): Promise<void> {
  await waitFor(async () => {
    const logs = await Promise.all(cluster.others().map((id) => cluster.block(id, "LOGS 10000")));
    return logs.every((log) => log.join("\n") === logs[0]?.join("\n")) ? true : undefined;
  }, { what: "LOGS is the same on all nodes" });
  const logs = await cluster.block(0, "LOGS 10000");
  assert(logs.length > 200, "LOGS shows the entries");
  for (const id of cluster.others()) assertEquals((await cluster.kill(id, "SIGTERM")).code, 0, `node ${id}`);
  const ranges = await Promise.all(cluster.nodes.map(({ directory }) => inspect(directory)));
  const from = Math.max(...ranges.map((range) => range.log.first.index));
  const to = Math.min(...ranges.map((range) => range.log.last.index));
  const digests = await Promise.all(
    cluster.nodes.map(({ directory }) => inspect(directory, "--from", String(from), "--to", String(to))),
  );
  for (const { digest } of digests) assertEquals(digest, digests[0]?.digest);
  assertGreater(digests[0]?.digest.entries ?? 0, 200);
}

interface Inspected {
  readonly log: { readonly first: { readonly index: number }; readonly last: { readonly index: number } };
  readonly digest: { readonly entries: number; readonly crc: string };
}

async function inspect(directory: string, ...flags: string[]): Promise<Inspected> {
  const result = await runProgram(["inspect", directory, ...flags]);
  assertEquals(result.code, 0, result.stderr);
  return JSON.parse(result.stdout);
}
