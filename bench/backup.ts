/**
 * What self-protection costs, and the history: `deno task bench:backup [KEYS] [ROUNDS]`. Three nodes hold a million keys; 50 connections write while
 * backups are taken one after the other, against the same without. Then clusters with scrub, sweep and encryption write beside ones
 * without. Ratios are printed, since the load shares the machine with the nodes.
 */

import { runLoad } from "../lib/load/run_load.ts";
import { fromFileUrl } from "@std/path";
import { V8_FLAGS } from "../lib/cluster/own_program.ts";
import { ProcessCluster } from "../tests/support/process_cluster.ts";
import { type CommandLine, ROOT, runProgram } from "../tests/support/program.ts";
import { Connection } from "../tests/support/resp/connection.ts";
import { waitFor } from "../tests/support/wait.ts";
import { measure } from "./support/measure.ts";
import { comparePair, type PairRatios } from "./support/pair.ts";
import { print } from "./support/print.ts";

const KEYS = Number(Deno.args[0] ?? 1_000_000);
const ROUNDS = Number(Deno.args[1] ?? 5);
const VALUE_BYTES = 100;
const CONNECTIONS = 50;
const SECONDS = 6;
const FILL_PIPELINE = 64;
/** Of the load that encryption is judged by. */
const PIPELINE = 16;
const ENCRYPTED_KEYS = 100_000;
/** Longer than any backup of so many keys. */
const TIMEOUT_MS = 120_000;
/** Keys that a page of the history has, written last. */
const PAGE_KEYS = 1_000;
const PAGES = 50;
/** So many entries may come while pages are asked for, which forget as many of the oldest. */
const FORGOTTEN_ENTRIES = 256;

/** What a node answered in while something went on; ms. */
class Pings {
  readonly times: number[] = [];
  #isOver = false;

  /** Asks again and again until `work` is done. */
  static async during<T>(
    port: number,
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly times: number[] }> {
    const pings = new Pings();
    const asking = pings.#ask(port);
    const result = await work().finally(() => pings.#isOver = true);
    await asking;
    return { result, times: pings.times };
  }

  async #ask(port: number): Promise<void> {
    using connection = await Connection.open(`127.0.0.1:${port}`);
    while (!this.#isOver) {
      const begun = performance.now();
      await connection.ask(["PING"]);
      this.times.push(performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function shown(name: string, values: readonly number[], unit: string): void {
  const sorted = values.toSorted((left, right) => left - right);
  const digits = unit === "ms" ? 1 : 2;
  const [median, least, most] = [quantile(sorted, 0.5), sorted[0] ?? 0, sorted.at(-1) ?? 0];
  print(`${name.padEnd(52)} ${median.toFixed(digits)} ${unit} (${least.toFixed(digits)} to ${most.toFixed(digits)})`);
}

/** What writes gave while backups were taken, or none. */
interface Window {
  readonly perSecond: number;
  /** Processor time of all nodes for a write, in us. */
  readonly microseconds: number;
  /** One PING in a thousand took longer, in ms. */
  readonly pingMs: number;
  /** How long each backup took that ended in that time. */
  readonly backupSeconds: readonly number[];
}

/** Takes one backup after the other. */
class BackingUp {
  readonly seconds: number[] = [];
  isOver = false;

  async run(port: number, file: string): Promise<void> {
    while (!this.isOver) {
      const begun = performance.now();
      const args = ["backup", "--force", file, "--connect", `127.0.0.1:${port}`];
      const { code, stderr } = await runProgram(args, { timeoutMs: TIMEOUT_MS });
      if (code !== 0) throw new Error(stderr);
      if (!this.isOver) this.seconds.push((performance.now() - begun) / 1_000);
    }
  }
}

/** Writes for some seconds, all the time beside backups if asked for, and until one of them has ended. */
async function writeFor(
  cluster: ProcessCluster,
  { leader, file }: { readonly leader: number; readonly file?: string },
): Promise<Window> {
  const { clientPort: port } = cluster.node(leader);
  const plan = {
    port,
    command: "SET",
    connections: CONNECTIONS,
    pipeline: 1,
    valueBytes: VALUE_BYTES,
    keys: KEYS,
  } as const;
  const backing = new BackingUp();
  const backups = file === undefined ? Promise.resolve() : backing.run(port, file);
  const write = async () => {
    let [requests, seconds, busySeconds] = [0, 0, 0];
    do {
      const part = await measure(cluster, { ...plan, seconds: SECONDS });
      if (part.errors > 0) throw new Error(`${part.errors} writes failed`);
      requests += part.requests;
      seconds += part.seconds;
      busySeconds += part.busySeconds;
    } while (file !== undefined && backing.seconds.length === 0);
    return { perSecond: requests / seconds, microseconds: busySeconds / requests * 1e6 };
  };
  const { result, times } = await Pings.during(port, () => write().finally(() => backing.isOver = true));
  await backups;
  return { ...result, pingMs: quantile(times, 0.999), backupSeconds: backing.seconds };
}

async function measureBackups(cluster: ProcessCluster, file: string): Promise<void> {
  const leader = await cluster.waitForLeader();
  const [ratios, costs, rises, seconds]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await writeFor(cluster, { leader });
    const during = await writeFor(cluster, { leader, file });
    ratios.push(during.perSecond / before.perSecond);
    costs.push(during.microseconds / before.microseconds);
    rises.push(during.pingMs - before.pingMs);
    seconds.push(...during.backupSeconds);
  }
  shown("writes during backups against before (bar 0.8)", ratios, "");
  shown("processor time of all nodes for a write, the same", costs, "");
  shown("p99.9 of PING above before (bar 10 ms)", rises, "ms");
  shown("one backup meanwhile (bar 60 s)", seconds, "s");
}

async function measureRestore(root: string, file: string): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    const args = ["restore", file, "--data-dir", `${root}/restored-${round}`];
    const { code, stderr } = await runProgram(args, { timeoutMs: TIMEOUT_MS });
    if (code !== 0) throw new Error(stderr);
    times.push((performance.now() - begun) / 1_000);
  }
  shown(`restore of ${(Deno.statSync(file).size / 2 ** 20).toFixed(0)} MiB (bar 10 s)`, times, "s");
}

/** Pages over everything that is remembered, of which few keys have the prefix. */
async function measureHistory(cluster: ProcessCluster): Promise<void> {
  const { clientPort, httpPort } = cluster.node(await cluster.waitForLeader());
  using connection = await Connection.open(`127.0.0.1:${clientPort}`);
  await connection.exchange(Array.from({ length: PAGE_KEYS }, (_, at) => ["SET", `page:${at}`, "v"] as const));
  const url = `http://127.0.0.1:${httpPort}/v1`;
  const { oldest, revision } = await (await fetch(`${url}/kv/page:0?history=1`)).json();
  const { result: times, times: pings } = await Pings.during(clientPort, async () => {
    const times: number[] = [];
    for (let page = 0; page < PAGES; page++) {
      const begun = performance.now();
      const reply = await fetch(`${url}/history?prefix=page:&since=${oldest + FORGOTTEN_ENTRIES}`);
      const { items } = await reply.json();
      if (items?.length === 0 || !reply.ok) throw new Error(`The history answered ${reply.status}`);
      times.push(performance.now() - begun);
    }
    return times;
  });
  shown(`page of the history over ${revision - oldest - FORGOTTEN_ENTRIES} entries`, times, "ms");
  print(`longest PING meanwhile ${quantile(pings, 1).toFixed(1)} ms`);
}

async function fill(cluster: ProcessCluster): Promise<void> {
  const { clientPort, httpPort } = cluster.node(await cluster.waitForLeader());
  await runLoad({
    ...{
      addresses: [{ hostname: "127.0.0.1", port: clientPort }],
      connections: 8,
      pipeline: FILL_PIPELINE,
      command: "set",
    },
    ...{ valueBytes: VALUE_BYTES, keys: KEYS, keyOrder: "sequential", readShare: 0, rate: undefined },
    ...{ limit: { requests: KEYS }, warmupSeconds: 0, seed: 1 },
  });
  await waitFor(async () => {
    const reply = await fetch(`http://127.0.0.1:${httpPort}/readyz`);
    return await reply.text() === "ok\n" || undefined;
  }, { what: "the leader is ready" });
}

/** Resolves once every node has read something of its directory again. */
async function waitForScrub(cluster: ProcessCluster): Promise<void> {
  for (const { id, httpPort } of cluster.nodes) {
    await waitFor(async () => {
      const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
      return Number(/^kvstore_scrub_bytes_total (\d+)/m.exec(text)?.[1] ?? 0) > 0 || undefined;
    }, { what: `node ${id} scrubs`, timeoutMs: TIMEOUT_MS });
  }
}

function shownRatios(
  { throughput, processor }: PairRatios,
  { what, bar }: { readonly what: string; readonly bar: string },
) {
  shown(`writes with ${what} against without (bar ${bar})`, throughput, "");
  shown("processor time of all nodes for a write, the same", processor, "");
}

/** Both at their defaults, against neither; from source, since the sweep has no switch. */
async function measureScrubAndSweep(): Promise<void> {
  const started =
    (script: string) => (args: CommandLine) => [Deno.execPath(), "run", "--quiet", "-A", V8_FLAGS, script, ...args];
  const without = fromFileUrl(new URL("./support/without_sweep.ts", import.meta.url));
  await using one = new ProcessCluster({ program: started(`${ROOT}main.ts`) });
  await using other = new ProcessCluster({ program: started(without), flags: ["--scrub-bytes-per-second", "0"] });
  for (const cluster of [one, other]) {
    await cluster.start();
    await fill(cluster);
  }
  await waitForScrub(one);
  const plan = {
    command: "SET",
    connections: CONNECTIONS,
    pipeline: 1,
    seconds: SECONDS,
    valueBytes: VALUE_BYTES,
    keys: KEYS,
  } as const;
  shownRatios(await comparePair({ one, other }, { rounds: ROUNDS, plan }), { what: "scrub and sweep", bar: "0.97" });
}

async function measureEncryption(): Promise<void> {
  const keyFile = Deno.makeTempFileSync({ prefix: "kvstore-bench-key-" });
  try {
    Deno.writeTextFileSync(keyFile, "5a".repeat(32));
    await using one = new ProcessCluster({ flags: ["--master-key-file", keyFile] });
    await using other = new ProcessCluster();
    for (const cluster of [one, other]) await cluster.start();
    const plan = {
      command: "SET",
      connections: CONNECTIONS,
      pipeline: PIPELINE,
      seconds: SECONDS,
      valueBytes: VALUE_BYTES,
      keys: ENCRYPTED_KEYS,
    } as const;
    // Both have all keys, and their code is compiled.
    await comparePair({ one, other }, { rounds: 1, plan });
    shownRatios(await comparePair({ one, other }, { rounds: ROUNDS, plan }), {
      what: `encryption, pipeline ${PIPELINE},`,
      bar: "0.9",
    });
  } finally {
    Deno.removeSync(keyFile);
  }
}

async function measureOneCluster(): Promise<void> {
  await using cluster = new ProcessCluster();
  await cluster.start();
  await fill(cluster);
  const file = `${cluster.root}/backup.snap`;
  await measureBackups(cluster, file);
  await measureRestore(cluster.root, file);
  await measureHistory(cluster);
}

await measureOneCluster();
await measureScrubAndSweep();
await measureEncryption();
