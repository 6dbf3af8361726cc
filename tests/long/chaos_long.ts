/**
 * Mixed faults on real nodes for a while, then peace: nothing acknowledged is lost, no read was stale, all logs are equal.
 *
 *     CHAOS_SECONDS=600 CHAOS_SEED=7 deno test -A tests/long/chaos_long.ts
 */

import { assertEquals, assertGreater } from "@std/assert";

import { Random } from "../../lib/base/random.ts";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { Register } from "../support/register.ts";
import { delay, waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const SECONDS = Number(Deno.env.get("CHAOS_SECONDS") ?? 60);
const SEED = Number(Deno.env.get("CHAOS_SEED") ?? Math.floor(Math.random() * 1_000_000));

/** One kind of fault: begins it, and returns what ends it. */
type Fault = (cluster: ProcessCluster, random: Random) => Promise<() => Promise<void>>;

const FAULTS: Readonly<Record<string, Fault>> = {
  kill: async (cluster, random) => await killSome(cluster, [random.below(cluster.nodes.length)]),
  killTwo: async (cluster, random) => {
    const first = random.below(cluster.nodes.length);
    return await killSome(cluster, [first, (first + 1) % cluster.nodes.length]);
  },
  killAll: async (cluster) => await killSome(cluster, cluster.others()),
  pause: (cluster, random) => {
    const id = random.below(cluster.nodes.length);
    cluster.signal(id, "SIGSTOP");
    return Promise.resolve(() => Promise.resolve(cluster.signal(id, "SIGCONT")));
  },
  isolate: (cluster, random) => {
    cluster.proxy.isolate(random.below(cluster.nodes.length), cluster.others());
    return Promise.resolve(() => Promise.resolve(cluster.proxy.heal()));
  },
  oneWay: (cluster, random) => {
    const from = random.below(cluster.nodes.length);
    for (const to of cluster.others(from)) if (random.below(2) === 0) cluster.proxy.cut(from, to);
    return Promise.resolve(() => Promise.resolve(cluster.proxy.heal()));
  },
  bridge: (cluster, random) => {
    const bridge = random.below(cluster.nodes.length);
    const others = cluster.others(bridge);
    for (const [at, id] of others.entries()) cluster.proxy.isolate(id, others.slice(at + 1));
    return Promise.resolve(() => Promise.resolve(cluster.proxy.heal()));
  },
  flap: async (cluster, random) => {
    const id = random.below(cluster.nodes.length);
    for (let round = 0; round < 5; round++) {
      cluster.proxy.isolate(id, cluster.others());
      await delay(100 + random.below(300));
      cluster.proxy.heal();
      await delay(100 + random.below(300));
    }
    return () => Promise.resolve();
  },
};

async function killSome(cluster: ProcessCluster, ids: readonly number[]): Promise<() => Promise<void>> {
  await Promise.all(ids.map((id) => cluster.kill(id)));
  return async () => {
    await Promise.all(ids.map((id) => cluster.restart(id)));
  };
}

for (const nodes of [3, 5]) {
  Deno.test(`${SECONDS / 2} s of mixed faults on ${nodes} nodes (CHAOS_SEED=${SEED})`, () =>
    withCluster({ nodes, proxied: true, flags: ["--snapshot-entries", "2000"] }, async (cluster) => {
      const ledger = new Ledger();
      const options = { ports: cluster.ports, ledger, clients: 10, pauseMs: 10, replyTimeoutMs: 1_500 };
      const writers = new Writers(options);
      const register = new Register(options);
      const readers = cluster.nodes.map(({ id, clientPort }) => register.read(id, clientPort));
      const happened: string[] = [];
      try {
        await disturb(cluster, happened);
        const before = ledger.acknowledged.size;
        await waitFor(() => ledger.acknowledged.size > before + 100 ? true : undefined, {
          what: "writes go on after the last fault",
          timeoutMs: 15_000,
        });
      } finally {
        await writers.stop();
        await register.stop();
        await Promise.all(readers);
      }
      await cluster.waitUntilEqual();
      const story = `faults: ${happened.join(" ")}`;
      assertEquals(register.stale, [], `stale reads; ${story}`);
      for (const port of cluster.ports) assertEquals(await ledger.check(port), [], `broken promises; ${story}`);
      assertGreater(ledger.acknowledged.size, 500, story);
      await logsAreEqual(cluster);
    }));
}

/** After the last fault at least so many writes go on, so each node has them in memory. */
const COMPARED_ENTRIES_MIN = 50;

async function disturb(cluster: ProcessCluster, happened: string[]): Promise<void> {
  const random = new Random(SEED + cluster.nodes.length);
  const end = performance.now() + SECONDS * 500;
  const names = Object.keys(FAULTS);
  while (performance.now() < end) {
    const name = names[random.below(names.length)] ?? "kill";
    happened.push(name);
    const endFault = await FAULTS[name]?.(cluster, random);
    await delay(200 + random.below(2_500));
    await endFault?.();
    if (random.below(3) > 0) await delay(random.below(2_000));
  }
}

/** Compares as many of the last entries as every node has in memory: a restarted node begins at its snapshot. */
async function logsAreEqual(cluster: ProcessCluster): Promise<void> {
  await waitFor(async () => {
    const blocks = await Promise.all(cluster.others().map((id) => cluster.block(id, "LOGS 500")));
    const logs = blocks.map((lines) => lines.filter((line) => line.startsWith("Index ")));
    const common = Math.min(...logs.map((log) => log.length));
    const tails = logs.map((log) => log.slice(log.length - common).join("\n"));
    return common >= COMPARED_ENTRIES_MIN && new Set(tails).size === 1 ? true : undefined;
  }, { what: "the last entries of LOGS are the same on all nodes", timeoutMs: 10_000 });
}
