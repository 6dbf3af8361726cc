/**
 * Bits that change in the memory of real nodes under load. A node that is damaged is found, taken out, and repaired by the others; where a
 * majority is damaged, all go on and say so. The long form, `deno task flips:memory`, is every place in memory, in leader and follower.
 */

import { assert, assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import type { DamageSite } from "../../lib/store/damage.ts";
import { QUARANTINE_KEPT_MAX, QUARANTINE_NAME } from "../../lib/storage/quarantine_file.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { Connection } from "../support/resp/connection.ts";
import { DEADLINE_MS, waitFor } from "../support/wait.ts";
import { flipLine, flippingProgramLine, type MemoryControl, writeMemoryControl } from "./support/flipping_node.ts";
import { COLD, coldValue, HOT, MemoryLoad } from "./support/memory_load.ts";

const IS_LONG = Deno.env.get("MEMORY_FLIPS") === "all";
/** Instead of half a minute and a minute. */
const CHECK_MS = 1_000;
const SWEEP_PASS_MS = 2_000;
/** With the usual periods nothing would be found by then; generous for a machine that is busy. */
const FOUND_MS = 30_000;
const ROLES = ["Leader", "Follower"] as const;
const DIGEST = /1:[0-9a-f]{16}/;

interface Case {
  readonly site: DamageSite;
  readonly key: string;
  readonly role: (typeof ROLES)[number];
}

/** Each of these in both roles. */
function inBoth(sites: readonly DamageSite[], key: string): readonly Case[] {
  return sites.flatMap((site) => ROLES.map((role) => ({ site, key, role })));
}

const [NEVER_TOUCHED = "", OTHER = ""] = COLD;
const HOT_CASES: readonly Case[] = IS_LONG
  ? inBoth(["Key", "Value", "Deadline", "Hash"], HOT)
  : [{ site: "Value", key: HOT, role: "Leader" }];
const COLD_CASES: readonly Case[] = IS_LONG
  ? inBoth(["Key", "Value", "Revision", "Deadline", "Hash", "Place", "Order", "Due"], NEVER_TOUCHED)
  : [{ site: "Key", key: NEVER_TOUCHED, role: "Follower" }];

/** One cluster, its nodes' controls, and the lines that they have written since the present case began. */
class Bench {
  readonly cluster: ProcessCluster;
  readonly #controls = new Map<number, MemoryControl>();
  #seen: readonly number[] = [];
  #cases = 0;

  constructor(cluster: ProcessCluster) {
    this.cluster = cluster;
  }

  /** A load for the next case. */
  async begin(): Promise<MemoryLoad> {
    this.#seen = this.cluster.nodes.map(({ process }) => process?.lines.length ?? 0);
    return await MemoryLoad.begin(this.cluster, this.#cases++);
  }

  control(id: number, change: (control: MemoryControl) => Partial<MemoryControl>): void {
    const old = this.#controls.get(id) ?? { flips: [], putsOffSnapshots: false };
    const control = { ...old, ...change(old) };
    this.#controls.set(id, control);
    writeMemoryControl(this.cluster.node(id).directory, control);
  }

  async flip(id: number, { site, key }: Pick<Case, "site" | "key">): Promise<void> {
    this.control(id, ({ flips }) => ({ flips: [...flips, { site, key }] }));
    await this.line(id, new RegExp(`^${flipLine(site, key)}$`));
  }

  lines(id: number): readonly string[] {
    return this.cluster.node(id).process?.lines.slice(this.#seen[id]) ?? [];
  }

  async line(id: number, pattern: RegExp, timeoutMs = DEADLINE_MS): Promise<string> {
    return await waitFor(() => this.lines(id).find((line) => pattern.test(line)), {
      what: `node ${id} writes ${pattern}`,
      timeoutMs,
    });
  }

  async get(
    id: number,
    path: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.cluster.node(id).httpPort}${path}`, init);
    return { status: response.status, text: await response.text() };
  }

  async metric(id: number, name: string): Promise<number> {
    const { text } = await this.get(id, "/metrics");
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  }

  /** The digests of all nodes, once all have applied the same entries. */
  async digests(): Promise<readonly string[]> {
    return await waitFor(async () => {
      const all = await Promise.all(this.cluster.nodes.map(({ id }) => this.cluster.status(id)));
      const applied = new Set(all.map((status) => status.get("Last Applied")));
      return applied.size === 1 ? all.map((status) => status.get("State Digest") ?? "") : undefined;
    }, { what: "all nodes have applied the same entries" });
  }

  /** Nothing wrong was served, nothing acknowledged is lost. */
  async assertKept(load: MemoryLoad): Promise<void> {
    assertEquals(load.wrong, []);
    for (const { id } of this.cluster.nodes) {
      assertGreater(load.right.get(id) ?? 0, 0, `no read was answered by node ${id}`);
      assertEquals(await load.broken(id), [], `node ${id}`);
    }
    assertGreater(load.ledger.writes.length, 20);
  }
}

function withBench(sweepPassMs: number, body: (bench: Bench) => Promise<void>): Promise<void> {
  const program = (args: readonly string[]) => flippingProgramLine({ checkMs: CHECK_MS, sweepPassMs }, args);
  return withCluster({ program, stdin: "piped" }, (cluster) => body(new Bench(cluster)));
}

Deno.test("a bit that changes in a record that is written all the time is found by comparison, and where two of three differ, nobody stops", async (test) => {
  await withBench(Infinity, async (bench) => {
    for (const each of HOT_CASES) if (!await test.step(nameOf(each), () => isRepaired(bench, each, COMPARED))) return;
    await test.step("two of three", () => isTold(bench));
  });
});

Deno.test("a bit that changes in a record that nobody touches is found by the sweep, and the node is repaired under load", async (test) => {
  await withBench(SWEEP_PASS_MS, async (bench) => {
    for (const each of COLD_CASES) if (!await test.step(nameOf(each), () => isRepaired(bench, each, SWEPT))) return;
  });
});

function nameOf({ site, key, role }: Case): string {
  return `${site} of ${key}, ${role}`;
}

/** How a node is found, and what tells that it is well again. */
interface Finding {
  readonly found: (bench: Bench, wrong: number) => Promise<void>;
  readonly over: (bench: Bench, wrong: number) => Promise<void>;
}

const COMPARED: Finding = { found: isCompared, over: agreesAgain };
const SWEPT: Finding = { found: isSwept, over: async () => {} };

/** From the bit that changes to the end of the quarantine. */
async function isRepaired(
  bench: Bench,
  { role, ...flip }: Case,
  { found, over }: Finding,
): Promise<void> {
  const { cluster } = bench;
  await using load = await bench.begin();
  const leader = await cluster.waitForLeader();
  const [wrong = -1] = role === "Leader" ? [leader] : cluster.others(leader);
  const others = cluster.others(wrong);
  const evidence = oldEvidence(cluster.node(wrong).directory);
  load.avoid(wrong);
  for (const id of others) bench.control(id, () => ({ putsOffSnapshots: true }));
  await bench.flip(wrong, flip);
  await bench.line(wrong, /In quarantine: .* It serves and votes no more/, FOUND_MS);
  load.avoid(undefined);
  await found(bench, wrong);
  await servesNothing(bench, wrong);
  // The one that was wrong has stepped down, and is not repaired yet: another one is to do that.
  const next = await cluster.waitForLeader({ among: others });
  assertEquals(bench.lines(wrong).filter((line) => line.includes("The quarantine is over")), []);
  for (const id of others) await isShown(bench, { id, wrong });
  assertEquals(await bench.metric(next, "kvstore_server_quarantined"), 0);
  for (const id of others) bench.control(id, () => ({ putsOffSnapshots: false }));
  await bench.line(wrong, /The quarantine is over: the leader's snapshot at index \d+ has replaced the state/);
  await waitFor(async () => (await bench.get(wrong, "/readyz")).status === 200 || undefined, { what: "it is ready" });
  assertEquals(await bench.metric(wrong, "kvstore_server_quarantined"), 0);
  const right = load.right.get(wrong) ?? 0;
  await waitFor(() => (load.right.get(wrong) ?? 0) > right || undefined, { what: "it serves again" });
  await over(bench, wrong);
  await load.stop();
  assertEquals(new Set(await bench.digests()).size, 1);
  await bench.assertKept(load);
  evidence();
}

/** Every node names it, with entry and digests. */
async function isCompared(bench: Bench, wrong: number): Promise<void> {
  const told = new RegExp(
    `At entry \\d+ node ${wrong} has another state than a majority: its digest is ${DIGEST.source}, theirs ${DIGEST.source}`,
  );
  for (const { id } of bench.cluster.nodes) await bench.line(id, told);
  assertMatch(
    await bench.line(wrong, /In quarantine/),
    new RegExp(`at entry \\d+ a majority has the digest ${DIGEST.source}, and this node ${DIGEST.source}`),
  );
}

/** The alarm is over on every node. */
async function agreesAgain(bench: Bench, wrong: number): Promise<void> {
  for (const { id } of bench.cluster.nodes) {
    await bench.line(id, new RegExp(`Node ${wrong} has the same state as a majority again`));
    assertEquals(await bench.metric(id, "kvstore_store_replicas_differing"), 0);
  }
}

/** It says itself where, with entry and digest. */
async function isSwept(bench: Bench, wrong: number): Promise<void> {
  await bench.line(
    wrong,
    new RegExp(`does not hold what was written there: part \\d+ of 4096, at entry \\d+, digest ${DIGEST.source}`),
  );
  assertEquals(await bench.metric(wrong, "kvstore_store_memory_damaged"), 1);
}

async function servesNothing(bench: Bench, wrong: number): Promise<void> {
  const { cluster } = bench;
  for (const line of [`GET ${OTHER}`, `GET ${OTHER} STALE`, `PUT ${OTHER} x`, `DELETE ${OTHER}`]) {
    assertMatch(await cluster.ask(wrong, line), /^Error: Quarantine\./, line);
  }
  for (const [path, init] of [["", {}], ["?level=stale", {}], ["", { method: "PUT", body: "x" }]] as const) {
    const { status, text } = await bench.get(wrong, `/v1/kv/${OTHER}${path}`, init);
    assertEquals([status, JSON.parse(text).code], [503, "quarantined"]);
  }
  using connection = await Connection.open(`127.0.0.1:${cluster.node(wrong).clientPort}`);
  for (const command of [["GET", OTHER], ["SET", OTHER, "x"], ["READONLY"], ["GET", OTHER]]) {
    const reply = await connection.ask(command);
    if (command.length > 1) assertMatch(reply.type === "Error" ? reply.text : "", /^TRYAGAIN the state of this node/);
  }
  const { status, text } = await bench.get(wrong, "/readyz");
  assertEquals(status, 503);
  assertMatch(text, /^\[-\]quarantine failed: the state is not sound, and waits for a snapshot$/m);
  assertEquals((await bench.get(wrong, "/livez")).status, 200);
  assertEquals(await bench.metric(wrong, "kvstore_server_quarantined"), 1);
  assertNotEquals((await cluster.status(wrong)).get("Role"), "Leader");
}

/** CLUSTER and what the dashboard draws say who is in quarantine, and of nobody else. */
async function isShown(bench: Bench, { id, wrong }: { readonly id: number; readonly wrong: number }): Promise<void> {
  const { cluster } = bench;
  await waitFor(async () => {
    const lines = await cluster.block(id, "CLUSTER");
    const told = lines.filter((line) => line.includes("Quarantined: yes"));
    return told.length === 1 && told[0]?.startsWith(`Node ${wrong}: `) === true || undefined;
  }, { what: `CLUSTER on node ${id} tells of node ${wrong}` });
  const { members } = await frameOf(cluster.node(id).httpPort);
  assertEquals(members.filter(({ quarantined }) => quarantined).map((member) => member.id), [wrong]);
}

interface Frame {
  readonly members: readonly { readonly id: number; readonly quarantined: boolean }[];
}

/** The first one that the dashboard gets. */
async function frameOf(httpPort: number): Promise<Frame> {
  const { body } = await fetch(`http://127.0.0.1:${httpPort}/v1/live`);
  assert(body !== null);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!/^data: .*\n/m.test(text)) {
    const { value, done } = await reader.read();
    assert(!done, text);
    text += value;
  }
  await reader.cancel();
  return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "");
}

/** As many files of earlier times as are kept; what is returned looks at what has become of them. */
function oldEvidence(directory: string): () => void {
  const folder = `${directory}/${QUARANTINE_NAME}`;
  Deno.mkdirSync(folder, { recursive: true });
  const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name);
  for (const name of names()) Deno.removeSync(`${folder}/${name}`);
  for (let index = 1; index <= QUARANTINE_KEPT_MAX; index++) Deno.writeTextFileSync(`${folder}/${index}.json`, "{}");
  return () => {
    const left = names().map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1])).sort((one, other) => one - other);
    assertEquals(left.slice(0, -1), Array.from({ length: QUARANTINE_KEPT_MAX - 1 }, (_, at) => at + 2));
    const found = JSON.parse(Deno.readTextFileSync(`${folder}/${left.at(-1)}.json`));
    assertGreater(left.at(-1) ?? 0, found.lastApplied);
    assertMatch(found.digest, DIGEST);
  };
}

/** Different bits on two of three: nobody knows who is right, so all go on, and every node tells all digests. */
async function isTold(bench: Bench): Promise<void> {
  const { cluster } = bench;
  await using load = await bench.begin();
  const leader = await cluster.waitForLeader();
  const wrong = [leader, ...cluster.others(leader).slice(0, 1)];
  for (const id of wrong) load.avoid(id);
  for (const [at, id] of wrong.entries()) await bench.flip(id, { site: "Value", key: COLD[at] ?? "" });
  // In one entry: with a comparison between the two, one of them would be the only one that differs.
  const then = wrong.map((_, at) => ({ put: { key: COLD[at], value: coldValue(COLD[at] ?? "") } }));
  const { status } = await bench.get(leader, "/v1/txn", { method: "POST", body: JSON.stringify({ then }) });
  assertEquals(status, 200);
  const all = cluster.nodes.map(({ id }) => `node ${id} (${DIGEST.source})`).join(", ");
  for (const { id } of cluster.nodes) {
    const line = await bench.line(
      id,
      new RegExp(`At entry \\d+ no majority has the same state; the digests are: ${all}`),
    );
    assertEquals(new Set(new RegExp(all).exec(line)?.slice(1)).size, 3, line);
    await waitFor(async () => await bench.metric(id, "kvstore_store_replicas_differing") === 3 || undefined, {
      what: `node ${id} counts three`,
    });
  }
  const before = load.ledger.acknowledged.size;
  await waitFor(() => load.ledger.acknowledged.size > before + 20 || undefined, { what: "writes go on" });
  for (const { id } of cluster.nodes) {
    // Where the machine is busy another one may be elected, but for no other reason.
    await waitFor(async () => (await bench.get(id, "/readyz")).status === 200 || undefined, {
      what: `node ${id} is ready`,
    });
    assertEquals(await bench.metric(id, "kvstore_server_quarantined"), 0);
    assertEquals(bench.lines(id).filter((line) => line.includes("In quarantine")), []);
  }
  await load.stop();
  for (const { id } of cluster.nodes) assertEquals(await load.broken(id), [], `node ${id}`);
}
