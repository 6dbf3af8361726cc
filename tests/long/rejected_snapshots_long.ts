/** Snapshots that a follower cannot use, or that are damaged where they lie: how often they are sent, and what is used in the end. */

import { assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { HEALTHY_DISK, writeDiskControl } from "../chaos/disk_control.ts";
import { faultyProgramLine } from "../chaos/faulty_program.ts";
import { runBulk } from "../support/bulk.ts";
import { flipBit } from "../support/flip_bit.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { fieldsOf, numberOf } from "../support/text_client.ts";
import { DEADLINE_MS, waitFor } from "../support/wait.ts";
import { treeBytes } from "../e2e/support/tree.ts";

const KEYS = 500;
const VALUE_DIGITS = 2_000;
/** Enough for the log and for the beginning of a snapshot, not for the whole of it, compressed as it is. */
const ROOM_BYTES = 400_000;
const FLAGS = ["--snapshot-entries", "200", "--log-format", "json"];
/**
 * The least pauses after the first transfers, somewhat less than 3 and 6 s. With 12 and 24 s behind them they make at most five
 * transfers in a minute; that they go on so, tests/unit/node/snapshot_rejection_test.ts holds over minutes of virtual time.
 */
const PAUSES_MS_MIN = [2_500, 5_500];

/** The value that the n-th write gives: of digits that no compression makes much shorter. */
function valueOf(what: string, n: number): string {
  const random = new Random(n);
  return `${what}-${n}-${Array.from({ length: VALUE_DIGITS }, () => random.below(36).toString(36)).join("")}`;
}

/** Runs `body` on a cluster whose leader has dropped what the node `behind`, which is down, needs. */
function withNodeBehind(
  body: (cluster: ProcessCluster, nodes: { readonly leader: number; readonly behind: number }) => Promise<void>,
): Promise<void> {
  return withCluster({ program: faultyProgramLine, stdin: "piped", flags: FLAGS }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [behind = -1] = cluster.others(leader);
    await cluster.kill(behind);
    await fill(cluster, leader, "first");
    await takesSnapshot(cluster, leader);
    await body(cluster, { leader, behind });
  });
}

async function fill(cluster: ProcessCluster, leader: number, what: string): Promise<void> {
  await runBulk({
    port: cluster.node(leader).clientPort,
    count: 2 * KEYS,
    request: (n) => ({
      line: `PUT key-${n % KEYS} ${valueOf(what, n)}`,
      reply: `key-${n % KEYS} added successfully.`,
    }),
  });
}

/** Until the newest has all that was written: none is under way then, and none is due. */
async function takesSnapshot(cluster: ProcessCluster, leader: number): Promise<void> {
  const applied = numberOf(await cluster.status(leader), "Last Applied");
  await waitFor(async () => {
    await cluster.ask(leader, "SNAPSHOT");
    return await newestSnapshot(cluster, leader) >= applied || undefined;
  }, { what: "a snapshot of all that was written" });
}

async function newestSnapshot(cluster: ProcessCluster, id: number): Promise<number> {
  return numberOf(fieldsOf(await cluster.block(id, "LOGSIZE")), "Snapshot Index");
}

/** When the node wrote lines that hold `words`, in ms. */
function timesOf(cluster: ProcessCluster, { id, words }: { readonly id: number; readonly words: string }): number[] {
  const lines = cluster.node(id).process?.lines ?? [];
  return lines.filter((line) => line.startsWith("{") && line.includes(words)).map((line) => {
    const { time }: { readonly time: string } = JSON.parse(line);
    return Date.parse(time);
  });
}

function timesOfRejections(cluster: ProcessCluster, id: number): number[] {
  return timesOf(cluster, { id, words: "Cannot use the received snapshot" });
}

async function hasCaughtUp(cluster: ProcessCluster, id: number, what: string): Promise<void> {
  await cluster.waitUntilEqual();
  const last = 2 * KEYS - 1;
  assertEquals(await cluster.ask(id, `GET key-${KEYS - 1}`), `value of key-${KEYS - 1}: ${valueOf(what, last)}`);
}

Deno.test("a follower without room for the snapshot is sent it at most five times a minute, and then the newest", () =>
  withNodeBehind(async (cluster, { leader, behind }) => {
    const { directory } = cluster.node(behind);
    writeDiskControl(directory, { ...HEALTHY_DISK, bytesMax: treeBytes(directory) + ROOM_BYTES });
    const offered = await newestSnapshot(cluster, leader);
    await cluster.restart(behind);
    const times = await waitFor(() => {
      const seen = timesOfRejections(cluster, behind);
      return seen.length > PAUSES_MS_MIN.length ? seen : undefined;
    }, { what: "transfers are rejected", timeoutMs: 2 * DEADLINE_MS });
    for (const [at, pauseMs] of PAUSES_MS_MIN.entries()) {
      assertGreaterOrEqual((times[at + 1] ?? 0) - (times[at] ?? 0), pauseMs, `transfers ended at ${times}`);
    }
    const said = `Node ${behind} cannot use the snapshot at index ${offered}`;
    assertStringIncludes(cluster.node(leader).process?.lines.join("\n") ?? "", said);

    await fill(cluster, leader, "second");
    await takesSnapshot(cluster, leader);
    const newest = await newestSnapshot(cluster, leader);
    writeDiskControl(directory, HEALTHY_DISK);
    await hasCaughtUp(cluster, behind, "second");
    assertGreaterOrEqual(await newestSnapshot(cluster, behind), newest);
  }));

Deno.test("a snapshot damaged on the leader's disk is not sent: the leader says so, makes another, and that one is used", () =>
  withNodeBehind(async (cluster, { leader, behind }) => {
    const damaged = await newestSnapshot(cluster, leader);
    damageSnapshots(cluster.node(leader).directory);
    await cluster.restart(behind);
    await hasCaughtUp(cluster, behind, "first");
    assertEquals(timesOfRejections(cluster, behind), []);
    const said = cluster.node(leader).process?.lines.join("\n") ?? "";
    assertStringIncludes(said, `Cannot send the snapshot at index ${damaged} to node ${behind}: `);
    assertStringIncludes(said, "Replaced the damaged snapshot by one at index ");
  }));

/** Flips a bit in the middle of every snapshot, behind the back of the process that has them open. */
function damageSnapshots(directory: string): void {
  const paths = snapshotsIn(directory);
  assertGreaterOrEqual(paths.length, 1, "there are snapshots");
  for (const path of paths) flipBit(path, Deno.statSync(path).size >> 1);
}

function snapshotsIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) => {
    const path = `${directory}/${name}`;
    if (isDirectory) return snapshotsIn(path);
    return name.endsWith(".snap") ? [path] : [];
  });
}
