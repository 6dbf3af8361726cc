import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { runBulk } from "../support/bulk.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { fieldsOf, numberOf } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { treeBytes } from "./support/tree.ts";

const WRITES = 100_000;
const KEYS = 2_000;
// So long that 100 000 of them fill at least six segments of 16 MiB: without compaction the bounds below are passed.
const VALUE = "v".repeat(1_000);
const SEGMENT_BYTES = 16 * 1_048_576;
const FLAGS = ["--snapshot-entries", "1000"];

Deno.test("100 000 writes with snapshots every 1 000 entries: bounded log, and nodes far behind get a snapshot", () =>
  withCluster({ flags: FLAGS }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [behind = -1, wiped = -1] = cluster.others(leader);
    await cluster.kill(behind);
    await write(cluster, { leader, from: 0, count: WRITES });
    for (const id of [leader, wiped]) await logIsBounded(cluster, id);

    await cluster.restart(behind);
    await cluster.waitUntilEqual();
    await gotSnapshotInChunks(cluster, behind);
    await serves(cluster, behind);

    await wipedNode(cluster, wiped);
  }));

async function write(
  cluster: ProcessCluster,
  range: { readonly leader: number; readonly from: number; readonly count: number },
): Promise<void> {
  await runBulk({
    port: cluster.node(range.leader).clientPort,
    count: range.count,
    connections: 16,
    request: (n) => {
      const key = `key-${(range.from + n) % KEYS}`;
      return { line: `PUT ${key} ${range.from + n}-${VALUE}`, reply: `${key} added successfully.` };
    },
  });
}

async function logIsBounded(cluster: ProcessCluster, id: number): Promise<void> {
  const sizes = await waitFor(async () => {
    const fields = fieldsOf(await cluster.block(id, "LOGSIZE"));
    return numberOf(fields, "Entries") < 5_000 ? fields : undefined;
  }, { what: `the log of node ${id} is cut behind its snapshots` });
  assertLess(numberOf(sizes, "Memory"), 5_000 * 2 * VALUE.length, `node ${id}: bytes in memory`);
  assertGreater(numberOf(sizes, "Snapshot Index"), WRITES - 5_000, `node ${id}`);
  assertLess(treeBytes(`${cluster.node(id).directory}/wal`), 4 * SEGMENT_BYTES, `node ${id}: segments`);
  assertLess(treeBytes(cluster.node(id).directory), 5 * SEGMENT_BYTES, `node ${id}: directory`);
}

async function gotSnapshotInChunks(cluster: ProcessCluster, id: number): Promise<void> {
  const metrics = fieldsOf(await cluster.block(id, "METRICS"));
  assertGreater(numberOf(metrics, "RPC InstallSnapshot Received"), 1, `chunks received by node ${id}`);
  assertGreater(numberOf(metrics, "Snapshots Installed"), 0, `snapshots installed by node ${id}`);
}

async function serves(cluster: ProcessCluster, id: number): Promise<void> {
  for (const n of [WRITES - KEYS, WRITES - 1]) {
    const key = `key-${n % KEYS}`;
    assertEquals(await cluster.ask(id, `GET ${key}`), `value of ${key}: ${n}-${VALUE}`);
  }
}

/** Its directory is gone: it comes back only when the operator says so, under a new identity. */
async function wipedNode(cluster: ProcessCluster, id: number): Promise<void> {
  await cluster.kill(id);
  await Deno.remove(cluster.node(id).directory, { recursive: true });

  const refused = cluster.launch(id);
  await refused.line("--new-identity");
  const leader = await cluster.waitForLeader({ among: cluster.others(id) });
  assertMatch(await cluster.ask(leader, "PUT meanwhile yes"), /successfully/);
  if (refused.alive) {
    assertMatch(await cluster.ask(id, "GET meanwhile"), /^Error: /);
    await cluster.kill(id);
  }
  await Deno.remove(cluster.node(id).directory, { recursive: true });

  await cluster.restart(id, ["--new-identity"]);
  await cluster.waitUntilEqual();
  await gotSnapshotInChunks(cluster, id);
  await serves(cluster, id);
  await countsAsVoter(cluster, id);
}

/** The node admitted again is a voter: a majority of it and one other commits. */
async function countsAsVoter(cluster: ProcessCluster, id: number): Promise<void> {
  const leader = await cluster.waitForLeader();
  const [victim = -1] = cluster.others(id, leader);
  await waitFor(async () => await membershipIsSettled(cluster, leader) ? true : undefined, {
    what: "all are voters",
  });
  await cluster.kill(victim);
  assertEquals(await cluster.ask(leader, "PUT voter counts"), "voter added successfully.");
}

/** The last change of the configuration is committed, and leaves neither learners nor a joint configuration behind. */
async function membershipIsSettled(cluster: ProcessCluster, leader: number): Promise<boolean> {
  const committed = numberOf(await cluster.status(leader), "Commit Index");
  const changes = (await cluster.block(leader, "LOGS 1000")).filter((line) => line.includes(": (configuration"));
  const [, index, text] = /^Index (\d+), .*: (\(configuration.*\))$/.exec(changes.at(-1) ?? "") ?? [];
  return text?.startsWith("(configuration voters 0,1,2 level ") === true && Number(index) <= committed;
}
