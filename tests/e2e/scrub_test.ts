/** Bytes that rot on the disks of real nodes under load, of which one has an encrypted directory: found by the scrub, and repaired while they serve. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { flipBit } from "../support/flip_bit.ts";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";
import { flippingProgramLine } from "./support/flipping_node.ts";

/** Instead of a minute. */
const SCRUB_PAUSE_MS = 300;
/** With the usual pause nothing would be found by then; generous for a machine that is busy. */
const FOUND_MS = 30_000;
const ENCRYPTED = 0;

/** What rots: the file, found by its name, what counts it, and what is said of its repair. */
const KINDS = [
  ["segment", /\.wal$/, /it is removed, and the snapshot at index \d+ has all of it$/],
  ["snapshot", /\.snap$/, /a new snapshot at index \d+ takes its place$/],
  ["node_file", /RaftNode\d\.json$/, /term and vote are written anew$/],
] as const;

Deno.test("a byte that rots in the log, in a snapshot or in the term and vote of a running node, plain or encrypted, is found and repaired from memory", async () => {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const keys = `${root}/keys`;
  await Deno.writeTextFile(keys, `${"1f".repeat(32)}\n`, { mode: 0o600 });
  const program = (args: readonly string[]) => {
    const isEncrypted = args[args.indexOf("--node-id") + 1] === String(ENCRYPTED);
    const flags = isEncrypted ? ["--master-key-file", keys] : [];
    return flippingProgramLine({ scrubPauseMs: SCRUB_PAUSE_MS }, [...args, ...flags]);
  };
  try {
    await withCluster({ root: `${root}/cluster`, program, stdin: "piped" }, async (cluster) => {
      using ledger = new Ledger();
      const [plain = -1] = cluster.others(ENCRYPTED);
      const writers = new Writers({ ports: cluster.ports, ledger, clients: 2 });
      try {
        await waitFor(() => ledger.acknowledged.size > 50 || undefined, { what: "fifty writes" });
        await Promise.all([ENCRYPTED, plain].map((id) => isRepaired(cluster, id)));
        await waitFor(() => ledger.acknowledged.size > 200 || undefined, { what: "writes go on" });
      } finally {
        await writers.stop();
      }
      await startsAgain(cluster, [ENCRYPTED, plain]);
      for (const { id, clientPort } of cluster.nodes) assertEquals(await ledger.check(clientPort), [], `node ${id}`);
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** One after the other, each found and repaired before the next. */
async function isRepaired(cluster: ProcessCluster, id: number): Promise<void> {
  assertMatch(await cluster.ask(id, "SNAPSHOT"), /^Snapshot (created|is up to date) at index/);
  for (const [kind, name, how] of KINDS) {
    const path = fileOf(cluster.node(id).directory, name);
    flip(path);
    await saidOf(cluster, id, new RegExp(`Damaged data in ${path} at offset \\d+: `));
    const repaired = await saidOf(cluster, id, new RegExp(`Repaired ${path}: (.*?)("|$)`));
    assertMatch(/Repaired [^:]*: ([^"]*)/.exec(repaired)?.[1] ?? "", how);
    assertEquals(await metric(cluster, id, `kvstore_scrub_damages_total{kind="${kind}"}`), 1);
    assertEquals(await metric(cluster, id, "kvstore_scrub_unrepaired"), 0);
    // Where the machine is busy another one may be elected meanwhile.
    const ready = async () => await statusOf(cluster, id) === 200 || undefined;
    await waitFor(ready, { what: `node ${id} is ready` });
  }
}

/** The newest file of that name. */
function fileOf(directory: string, name: RegExp): string {
  const path = filesIn(directory).filter((file) => name.test(file)).sort().at(-1);
  assert(path !== undefined, `no ${name} in ${directory}`);
  return path;
}

function filesIn(directory: string): readonly string[] {
  return Array.from(Deno.readDirSync(directory)).flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${directory}/${name}`) : [`${directory}/${name}`]
  );
}

/** One bit in the middle of what is written there. The node may write behind it meanwhile. */
function flip(path: string): void {
  const written = Deno.readFileSync(path).findLastIndex((byte) => byte !== 0);
  assertGreater(written, 0, path);
  flipBit(path, Math.floor(written / 2));
}

async function saidOf(cluster: ProcessCluster, id: number, pattern: RegExp): Promise<string> {
  const lines = () => cluster.node(id).process?.lines ?? [];
  return await waitFor(() => lines().find((line) => pattern.test(line)), {
    what: `node ${id} writes ${pattern}`,
    timeoutMs: FOUND_MS,
  });
}

async function statusOf(cluster: ProcessCluster, id: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}/readyz`);
  await response.body?.cancel();
  return response.status;
}

async function metric(cluster: ProcessCluster, id: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}/metrics`)).text();
  return Number(text.split("\n").find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));
}

/** Killed, they start: what is in the directories is sound. */
async function startsAgain(cluster: ProcessCluster, ids: readonly number[]): Promise<void> {
  for (const id of ids) {
    await cluster.kill(id);
    await cluster.restart(id);
    await cluster.waitUntilEqual();
  }
}
