/**
 * Loads by `redis-benchmark`: it takes less of the processors than a generator of ours, so the servers show more of what they can
 * do. It counts requests and not seconds, so each load is first tried with few of them.
 */

import { cpuSecondsOf } from "../../../tests/support/process_usage.ts";
import { unwatch, watch } from "../servers/server.ts";

const PILOT_ROUNDS = 4;
const PILOT_SECONDS_MIN = 0.25;
const PILOT_GROWTH = 4;
const LOOK_MS = 50;
/** So many times longer than planned, and so much besides, a load may take. */
const PATIENCE = 20;
const PATIENCE_SECONDS = 30;

/** Who sends it, and how: nobody in particular and without TLS where it is left out. */
export interface BenchmarkAccess {
  readonly user?: string;
  readonly password?: string;
  /** Speaks TLS, and trusts the CA in this file. */
  readonly caFile?: string;
}

/** What is sent. The commands of `redis-benchmark` by name, or the words of another one. */
export interface BenchmarkLoad {
  readonly command: "set" | "get" | "incr" | "mset" | readonly string[];
  readonly connections: number;
  readonly pipeline: number;
  /** Keys are drawn at random below this. */
  readonly keys: number;
  readonly valueBytes: number;
  /** No run sends more. */
  readonly requestsMax?: number;
  readonly access?: BenchmarkAccess;
}

/** What came of it. */
export interface BenchmarkResult {
  /** Infinite when all of them took less than a millisecond. */
  readonly perSecond: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Processors kept busy by the generator; near 1 it is the limit. */
  readonly generatorCpu: number;
}

/** One load of one server, run several times: remembers how fast it was. */
export class PacedLoad {
  readonly #address: string;
  readonly #load: BenchmarkLoad;
  #perSecond: number | undefined;

  constructor(address: string, load: BenchmarkLoad) {
    this.#address = address;
    this.#load = load;
  }

  /** Runs it for about so many seconds. */
  async run(seconds: number): Promise<BenchmarkResult> {
    const rate = this.#perSecond ?? await this.#tryOut();
    const { requestsMax = Infinity, connections, pipeline } = this.#load;
    const requests = Math.max(connections * pipeline, Math.min(requestsMax, Math.round(rate * seconds)));
    const result = await runBenchmark(this.#address, { ...this.#load, requests, seconds });
    if (result.perSecond === Infinity) throw new Error(`${requests} requests took redis-benchmark no time`);
    this.#perSecond = result.perSecond;
    return result;
  }

  async #tryOut(): Promise<number> {
    const { connections, pipeline, requestsMax = Infinity } = this.#load;
    for (let requests = connections * pipeline * PILOT_ROUNDS;; requests *= PILOT_GROWTH) {
      const { perSecond } = await runBenchmark(this.#address, { ...this.#load, requests, seconds: 1 });
      if (requests / perSecond >= PILOT_SECONDS_MIN || requests > requestsMax) return perSecond;
    }
  }
}

/** Runs a load of so many requests. Rejects when a reply is an error, and when it takes far longer than `seconds`. */
export async function runBenchmark(
  address: string,
  load: BenchmarkLoad & { readonly requests: number; readonly seconds: number },
): Promise<BenchmarkResult> {
  const child = new Deno.Command("redis-benchmark", {
    args: [...argumentsOf(address, load)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const owner = { pids: () => [child.pid] };
  watch(owner);
  let cpuSeconds = 0;
  const looking = setInterval(() => cpuSeconds = Math.max(cpuSeconds, cpuSecondsOf(child.pid)), LOOK_MS);
  const timer = setTimeout(() => child.kill("SIGKILL"), (PATIENCE_SECONDS + PATIENCE * load.seconds) * 1_000);
  try {
    const { stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return readBenchmark(decoder.decode(stdout) + decoder.decode(stderr), { requests: load.requests, cpuSeconds });
  } finally {
    clearTimeout(timer);
    clearInterval(looking);
    unwatch(owner);
  }
}

function argumentsOf(address: string, load: BenchmarkLoad & { readonly requests: number }): readonly string[] {
  const [host = "", port = ""] = address.split(":");
  const { command, connections, pipeline, requests, keys, valueBytes, access = {} } = load;
  const { user, password, caFile } = access;
  return [
    ...["-h", host, "-p", port, "-c", String(connections), "-P", String(pipeline), "-n", String(requests)],
    ...["-r", String(keys), "-d", String(valueBytes), "--csv", "--precision", "3"],
    ...(user === undefined || password === undefined ? [] : ["--user", user, "-a", password]),
    ...(caFile === undefined ? [] : ["--tls", "--cacert", caFile]),
    ...(typeof command === "string" ? ["-t", command] : command),
  ];
}

/** Reads what it printed with `--csv`. Throws when there was an error in it, or no result. */
export function readBenchmark(
  text: string,
  { requests, cpuSeconds }: { readonly requests: number; readonly cpuSeconds: number },
): BenchmarkResult {
  const lines = text.split("\n").filter((line) => line !== "");
  const refused = lines.find((line) => line.startsWith("Error"));
  if (refused !== undefined) throw new Error(`redis-benchmark: ${refused}`);
  const cells = lines.findLast((line) => line.startsWith('"'))?.slice(1, -1).split('","') ?? [];
  const [rate, , , p50, , p99, max] = cells.slice(1).map((cell) => cell === "inf" ? Infinity : Number(cell));
  if (rate === undefined || max === undefined || Number.isNaN(rate) || !Number.isFinite(max) || rate <= 0) {
    throw new Error(`Cannot read what redis-benchmark printed: ${lines.slice(-2).join(" | ")}`);
  }
  return {
    perSecond: rate,
    requests,
    p50Ms: p50 ?? NaN,
    p99Ms: p99 ?? NaN,
    maxMs: max,
    generatorCpu: cpuSeconds / (requests / rate),
  };
}
