/** Bits that flip on the disks of a cluster: found by the scrub while a node runs, repaired from its memory, and refused by a start otherwise. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CorruptionError } from "../../../lib/base/errors.ts";
import { Random } from "../../../lib/base/random.ts";
import { SCRUB_PAUSE_MS } from "../../../lib/node/limits.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import type { Disk } from "../../../lib/storage/disk.ts";
import { EncryptedDisk } from "../../../lib/storage/encryption/encrypted_disk.ts";
import { MasterKey, type MasterKeys } from "../../../lib/storage/encryption/master_key.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { DIRECTORY, MemoryServer } from "../../support/memory/memory_server.ts";

/** The long form is `deno task flips`, in which each form prints what became of its flips. */
const FLIPS = Number(Deno.env.get("SCRUB_FLIPS") ?? "8");
const SEED = Number(Deno.env.get("SCRUB_SEED") ?? "61");
const LONG_FLIPS_MIN = 100;
const MASTER_KEYS: MasterKeys = [new MasterKey(new Uint8Array(32).fill(7))];
const KEY_FILE = `${DIRECTORY}/RaftKeys.json`;
const KEYS = 30;
const LIMIT_MS = 60_000;
/** A round, from the end of the one before it on, with what its repairs may wait for. */
const ROUND_MS = 2 * SCRUB_PAUSE_MS + 10_000;

class ScrubbedCluster extends MemoryCluster {
  /** What the last write of each key was. */
  readonly written = new Map<string, string>();
  #count = 0;

  constructor(seed: number, scrubBytesPerSecond = 1_048_576) {
    super(3, seed, { scrubBytesPerSecond, snapshotEntries: 40, segmentBytes: 8_192, compression: "deflate" });
  }

  async write(count: number): Promise<void> {
    const { id } = await this.leader();
    for (let at = 0; at < count; at++) {
      const [key, value] = [`k${this.#count % KEYS}`, `value ${this.#count} `.padEnd(60, ".")];
      this.#count += 1;
      assertEquals((await this.put(id, key, value)).type, "Done");
      this.written.set(key, value);
    }
    await this.converged();
  }

  /** Every node answers as it was written. */
  async check(what: string): Promise<void> {
    await this.leader();
    await this.converged();
    for (const id of this.ids) {
      assertEquals(await this.get(id, "k0"), { value: this.written.get("k0") }, `k0 on node ${id}, ${what}`);
      const { state } = this.node(id);
      // One confirmed read is enough: the state is as new as that asks, and nothing is written meanwhile.
      for (const [key, value] of this.written) {
        assertEquals(state.get(key)?.value, value, `${key} on node ${id}, ${what}`);
      }
    }
  }

  damaged(id: NodeId): number {
    const { families } = this.node(id).metrics;
    const series = families.get(METRIC.scrubDamages)?.series.values() ?? [];
    return [...series].reduce((sum, { value }) => sum + value, 0);
  }

  gauge(id: NodeId, name: string): number {
    return this.node(id).metrics.gauges.get(name)?.read() ?? -1;
  }

  said(id: NodeId, text: string): readonly string[] {
    return this.log.filter((line) => line.startsWith(`${id} `) && line.includes(text));
  }

  /** Until a whole round has come to its end that began after now. */
  async round(id: NodeId): Promise<void> {
    const completed = () => this.gauge(id, METRIC.scrubCompletedSeconds);
    for (let rounds = 0; rounds < 2; rounds++) {
      const [before, end] = [completed(), this.clock.now() + ROUND_MS];
      while (completed() === before) {
        assert(this.clock.now() < end, `node ${id} has not ended a round within ${ROUND_MS} ms`);
        await this.clock.advance(1_000);
      }
    }
  }
}

class EncryptedServer extends MemoryServer {
  readonly #random: Random;

  constructor(cluster: MemoryCluster, id: NodeId) {
    super(cluster, id);
    this.#random = cluster.random;
  }

  override asGiven(disk: Disk): Disk {
    const random = (count: number) => Uint8Array.from({ length: count }, () => this.#random.below(256));
    return new EncryptedDisk(disk, { masterKeys: MASTER_KEYS, random });
  }
}

class EncryptedCluster extends ScrubbedCluster {
  override makeServer(id: NodeId): MemoryServer {
    return new EncryptedServer(this, id);
  }
}

async function begun(seed: number, Kind = ScrubbedCluster): Promise<ScrubbedCluster> {
  const cluster = new Kind(seed);
  await cluster.start();
  await cluster.write(130);
  return cluster;
}

/** The files that a start relies on, by what they are. */
function filesOf({ disk }: MemoryServer): readonly string[] {
  return [...disk.files().keys()].filter((path) => /\.(wal|snap)$|Raft(Node\d+|Keys)\.json$/.test(path)).sort();
}

function flip({ disk }: MemoryServer, path: string, bit: number): void {
  disk.damage(path, (bytes) => bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
}

function isWritten({ disk }: MemoryServer, path: string, at: number): boolean {
  return (disk.contents(path) ?? new Uint8Array(0)).findLastIndex((byte) => byte !== 0) > at;
}

/** How many flips there were, in what, and what became of them. */
interface Counts {
  flips: number;
  running: number;
  repaired: number;
  stopped: number;
  refused: number;
  harmless: number;
}

for (const [form, Kind] of [["plain", ScrubbedCluster], ["encrypted", EncryptedCluster]] as const) {
  Deno.test(`${FLIPS} flipped bits, in running nodes and in stopped ones: nothing is lost, and a node is repaired or refused with file and offset (${form})`, async () => {
    const cluster = await begun(SEED, Kind);
    const counts = await flipBits(cluster, new Random(SEED));
    await cluster.stop();
    if (FLIPS < LONG_FLIPS_MIN) return;
    Deno.stderr.writeSync(new TextEncoder().encode(`\n${form}, seed ${SEED}: ${JSON.stringify(counts)}\n`));
    for (const kind of ["repaired", "refused"] as const) assert(counts[kind] > FLIPS / 10, JSON.stringify(counts));
  });
}

async function flipBits(cluster: ScrubbedCluster, random: Random): Promise<Counts> {
  const counts: Counts = { flips: 0, running: 0, repaired: 0, stopped: 0, refused: 0, harmless: 0 };
  for (let round = 0; round < FLIPS; round++) {
    await cluster.write(random.between(1, 12));
    const server = cluster.server(random.below(3));
    const path = random.pick(filesOf(server));
    const size = server.disk.contents(path)?.length ?? 0;
    const written = random.chance(0.8) ? Math.max(1, endOf(server, path)) : size;
    const bit = random.below(written * 8);
    const what = `flip ${round}: bit ${bit} of ${path} on node ${server.id}`;
    const isRunning = random.chance(0.6);
    // Killed, not without power: with the mark gone as well as a bit, the last record cannot be told from a torn one (docs/formats.md).
    if (!isRunning) server.kill();
    const before = isRunning ? cluster.damaged(server.id) : 0;
    flip(server, path, bit);
    counts.flips += 1;
    counts[isRunning ? "running" : "stopped"] += 1;
    if (isRunning) {
      await cluster.round(server.id);
      const found = cluster.damaged(server.id) - before;
      counts[found > 0 ? "repaired" : "harmless"] += 1;
      assertEquals(cluster.gauge(server.id, METRIC.scrubUnrepaired), 0, what);
      cluster.crash(server.id);
      // Whatever it was, the directory is sound again.
      await cluster.start([server.id]);
    } else {
      await restart(cluster, { server, counts, what });
    }
    await cluster.check(what);
  }
  return counts;
}

function endOf({ disk }: MemoryServer, path: string): number {
  return (disk.contents(path) ?? new Uint8Array(0)).findLastIndex((byte) => byte !== 0) + 1;
}

/** Starts a node whose bit flipped while it was down; one that is refused is replaced. */
async function restart(
  cluster: ScrubbedCluster,
  { server, counts, what }: {
    readonly server: MemoryServer;
    readonly counts: Counts;
    readonly what: string;
  },
): Promise<void> {
  try {
    await cluster.start([server.id]);
    counts.harmless += 1;
  } catch (error) {
    assert(error instanceof CorruptionError, `${what}: ${error}`);
    assertMatch(error.message, /^Damaged data in \/data.* at offset \d+: /, what);
    counts.refused += 1;
    server.wipe();
    await cluster.start([server.id], true);
    const leader = await cluster.leader();
    const isBack = () => leader.status().raft.configuration.voters.length === 3;
    await cluster.clock.until(isBack, LIMIT_MS, `node ${server.id} votes again`);
  }
}

Deno.test("a damaged file is told with file and offset, and repaired: snapshots, old and current segments, term and vote", async () => {
  const cluster = await begun(62);
  const { id } = await cluster.leader();
  const server = cluster.server(id);
  const find = (pattern: RegExp, at: number) => filesOf(server).filter((path) => pattern.test(path)).at(at) ?? "";
  const cases: readonly (readonly [string, number, RegExp])[] = [
    [find(/\.snap$/, -1), 200, /a new snapshot at index \d+ takes its place/],
    [find(/\.snap$/, 0), 200, /it is removed, and the newest snapshot has all of it/],
    [find(/\.wal$/, 0), 90, /it is removed, and the snapshot at index \d+ has all of it/],
    [find(/\.wal$/, -1), 90, /it is removed, and the snapshot at index \d+ has all of it/],
    [find(/Node\d\.json$/, 0), 30, /term and vote are written anew/],
  ];
  for (const [path, at, how] of cases) {
    if (server.disk.contents(path) === undefined) continue;
    assert(isWritten(server, path, at), path);
    const before = cluster.damaged(id);
    flip(server, path, 8 * at);
    await cluster.round(id);
    assertEquals(cluster.damaged(id), before + 1, path);
    assertStringIncludes(cluster.said(id, " error Damaged data in ").at(-1) ?? "", `${path} at offset `);
    const repaired = cluster.said(id, " warn Repaired ").at(-1) ?? "";
    assertStringIncludes(repaired, path);
    assertMatch(repaired, how);
    cluster.crash(id);
    await cluster.start([id]);
    await cluster.leader();
    await cluster.check(path);
    await cluster.write(3);
  }
  await cluster.stop();
});

Deno.test("entries that no snapshot can have yet are kept in memory, and their damaged segment stays, until they are applied", async () => {
  const cluster = await begun(63);
  const { id } = await cluster.leader();
  const others = cluster.ids.filter((other) => other !== id);
  for (const other of others) cluster.crash(other);
  let outcome = "";
  cluster.node(id).write({ type: "Put", key: "k0", value: "alone" }, ({ type }) => outcome = type);
  await cluster.clock.advance(1_000);
  const server = cluster.server(id);
  const last = filesOf(server).filter((path) => path.endsWith(".wal")).at(-1) ?? "";
  flip(server, last, 8 * 90);
  await cluster.clock.until(() => cluster.gauge(id, METRIC.scrubUnrepaired) === 1, ROUND_MS, "it is found");
  await cluster.clock.advance(20_000);
  assertEquals([cluster.gauge(id, METRIC.scrubUnrepaired), server.disk.exists(last)], [1, true]);
  await cluster.start(others);
  await cluster.clock.until(() => cluster.gauge(id, METRIC.scrubUnrepaired) === 0, LIMIT_MS, "it is repaired");
  assertEquals([server.disk.exists(last), outcome !== ""], [false, true]);
  cluster.crash(id);
  await cluster.start([id]);
  await cluster.converged();
  await cluster.stop();
});

Deno.test("no scrub reads anything where it is switched off", async () => {
  const cluster = new ScrubbedCluster(64, 0);
  await cluster.start();
  await cluster.write(3);
  await cluster.clock.advance(SCRUB_PAUSE_MS + 10_000);
  for (const id of cluster.ids) assertEquals(cluster.node(id).metrics.counters.get(METRIC.scrubBytes)?.value, 0);
  await cluster.stop();
});

Deno.test("a round takes as long as its bytes at the rate that is given, and tells when it ended", async () => {
  const cluster = new ScrubbedCluster(65, 1_000);
  await cluster.start();
  await cluster.write(60);
  const { id } = await cluster.leader();
  const bytes = () => cluster.node(id).metrics.counters.get(METRIC.scrubBytes)?.value ?? 0;
  await cluster.clock.until(() => bytes() > 0, ROUND_MS, "it begins");
  const [from, at] = [bytes(), cluster.clock.now()];
  await cluster.clock.until(() => cluster.gauge(id, METRIC.scrubCompletedSeconds) > 0, LIMIT_MS, "it ends");
  const seconds = (cluster.clock.now() - at) / 1_000;
  assert(bytes() > 5_000, `${bytes()} bytes`);
  assert(seconds >= (bytes() - from) / 1_000, `${bytes()} bytes in ${seconds} s`);
  await cluster.stop();
});

Deno.test("a damaged file with the keys of an encrypted directory is told and repaired while the node has them; without that a start refuses it", async () => {
  const cluster = new EncryptedCluster(66);
  await cluster.start();
  await cluster.write(50);
  const server = cluster.server(1);
  flip(server, KEY_FILE, 1_000);
  await cluster.round(1);
  assertEquals([cluster.damaged(1), cluster.gauge(1, METRIC.scrubUnrepaired)], [1, 0]);
  assertStringIncludes(cluster.said(1, " error Damaged data in ").at(-1) ?? "", `${KEY_FILE} at offset 0: `);
  assertMatch(cluster.said(1, " warn Repaired ").at(-1) ?? "", /it is written again as it was when it was last sound$/);
  cluster.crash(1);
  await cluster.start([1]);
  await cluster.check("the keys are repaired");
  server.kill();
  flip(server, KEY_FILE, 1_000);
  let refused: unknown;
  await cluster.start([1]).catch((error: unknown) => refused = error);
  assert(refused instanceof CorruptionError, String(refused));
  await cluster.stop();
});
