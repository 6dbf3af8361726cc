/**
 * Random faults over the shipped driver, core, log and recovery, in simulated time: what was acknowledged is never lost,
 * a read never shows less than was acknowledged before it began, and in the end all nodes agree.
 * `SEED=n deno test -A tests/unit/node/random_test.ts` replays one seed.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const SEEDS = 24;
const STEPS = 120;
const KEYS = 6;

/** What clients were told: by key, the revisions acknowledged and the value of each. */
class Promises {
  readonly acknowledged = new Map<string, Map<number, string>>();
  readonly broken: string[] = [];
  writes = 0;
  reads = 0;

  newest(key: string): number {
    return Math.max(0, ...(this.acknowledged.get(key)?.keys() ?? []));
  }

  wrote(key: string, { value, outcome }: { readonly value: string; readonly outcome: WriteOutcome }): void {
    if (outcome.type !== "Done") return;
    this.writes += 1;
    const known = this.acknowledged.get(key) ?? new Map<number, string>();
    if (known.has(outcome.result.revision)) this.broken.push(`revision ${outcome.result.revision} acknowledged twice`);
    known.set(outcome.result.revision, value);
    this.acknowledged.set(key, known);
  }

  read(
    key: string,
    seen: { readonly atLeast: number; readonly revision: number; readonly value: string | undefined },
  ): void {
    this.reads += 1;
    if (seen.revision < seen.atLeast) {
      this.broken.push(`stale read of ${key}: revision ${seen.revision} after ${seen.atLeast} was acknowledged`);
    }
    const promised = this.acknowledged.get(key)?.get(seen.revision);
    if (promised !== undefined && promised !== seen.value) {
      this.broken.push(`${key} at ${seen.revision}: ${seen.value}`);
    }
  }
}

class Run {
  readonly promises = new Promises();
  readonly cluster: MemoryCluster;
  readonly #random: Random;
  readonly #cuts = new Set<string>();
  #values = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const nodes = this.#random.pick([3, 3, 5]);
    const snapshotEntries = this.#random.pick([20, 60, 1_000_000]);
    const syncMsMax = this.#random.pick([0, 2, 40]);
    this.cluster = new MemoryCluster(nodes, seed, {
      snapshotEntries,
      requestTimeoutMs: 2_000,
      segmentBytes: 16_384,
      syncMs: () => this.#random.below(syncMsMax + 1),
    });
  }

  async run(): Promise<void> {
    await this.cluster.start();
    for (let step = 0; step < STEPS; step++) await this.#step();
    for (const pair of [...this.#cuts]) this.#heal(pair);
    await this.cluster.start(this.cluster.ids.filter((id) => !this.cluster.nodes.has(id)));
    const leader = await this.cluster.leader();
    assertEquals((await this.cluster.put(leader.id, "last", "1")).type, "Done");
    await this.cluster.converged();
    this.#compare();
    await this.cluster.stop();
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const running = [...this.cluster.nodes.keys()];
    const action = random.below(100);
    if (running.length > 0 && action < 60) {
      for (let count = random.between(1, 8); count > 0; count--) this.#request(random.pick(running));
    } else if (running.length > 0 && action < 68) this.#crash(random.pick(running));
    else if (action < 70) { for (const id of running) this.#crash(id); }
    else if (action < 82) await this.#restartOne();
    else if (action < 88) this.#cut();
    else if (action < 95 && this.#cuts.size > 0) this.#heal(random.pick([...this.#cuts]));
    else if (running.length > 0) this.cluster.server(random.pick(running)).takeSnapshot();
    await this.cluster.clock.advance(random.pick([0, 1, 3, 20, 150, 1_500]));
  }

  #request(id: NodeId): void {
    const key = `key${this.#random.below(KEYS)}`;
    const node = this.cluster.node(id);
    if (this.#random.chance(0.4)) {
      const atLeast = this.promises.newest(key);
      node.read((outcome) => {
        if (outcome.type !== "Ready") return;
        const record = node.state.get(key);
        this.promises.read(key, { atLeast, revision: record?.revision ?? 0, value: record?.value });
      });
      return;
    }
    this.#values += 1;
    const value = `value${this.#values}${"x".repeat(this.#random.below(400))}`;
    const leader = node.status().raft.leaderId;
    const target = leader !== undefined && this.cluster.nodes.has(leader) ? this.cluster.node(leader) : node;
    target.write({ type: "Put", key, value }, (outcome) => this.promises.wrote(key, { value, outcome }));
  }

  #crash(id: NodeId): void {
    const random = this.#random.fork();
    const kept = random.fraction();
    this.cluster.crash(id, {
      keepVersions: (_path, _sector, versions) => random.chance(kept) ? random.between(0, versions) : 0,
      keepSize: () => random.chance(kept),
      keepOperation: () => random.chance(kept),
    });
  }

  async #restartOne(): Promise<void> {
    const down = this.cluster.ids.filter((id) => !this.cluster.nodes.has(id));
    if (down.length > 0) await this.cluster.start([this.#random.pick(down)]);
  }

  #cut(): void {
    const [a, b] = [this.#random.pick(this.cluster.ids), this.#random.pick(this.cluster.ids)];
    if (a === b) return;
    this.cluster.network.cut(a, b);
    this.#cuts.add(`${Math.min(a, b)} ${Math.max(a, b)}`);
  }

  #heal(pair: string): void {
    const [a = 0, b = 0] = pair.split(" ").map(Number);
    this.cluster.network.heal(a, b);
    this.#cuts.delete(pair);
  }

  #compare(): void {
    const { promises, cluster } = this;
    assertEquals(promises.broken, []);
    const states = cluster.ids.map((id) => {
      const { state } = cluster.node(id);
      return Array.from({ length: KEYS }, (_, at) => state.get(`key${at}`)).map((record) => ({ ...record }));
    });
    for (const state of states) assertEquals(state, states[0]);
    for (const [at, record] of (states[0] ?? []).entries()) {
      const key = `key${at}`;
      const revision = record.revision ?? 0;
      assert(revision >= promises.newest(key), `${key} ends at ${revision}, ${promises.newest(key)} was acknowledged`);
      const promised = promises.acknowledged.get(key)?.get(revision);
      if (promised !== undefined) assertEquals(record.value, promised);
    }
  }
}

Deno.test("random crashes with torn writes, cuts and snapshots lose nothing and show nothing stale", async () => {
  const only = Deno.env.get("SEED");
  const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, at) => at + 1) : [Number(only)];
  let writes = 0;
  let reads = 0;
  for (const seed of seeds) {
    const run = new Run(seed);
    try {
      await run.run();
    } catch (error) {
      const log = run.cluster.log.slice(-30).join("\n");
      throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : error}\n${log}`, { cause: error });
    }
    writes += run.promises.writes;
    reads += run.promises.reads;
  }
  assertGreater(writes, seeds.length * 10);
  assertGreater(reads, seeds.length * 5);
});
