/**
 * The load generator, a process of its own: many connections, each sending its next pipeline when all replies to the
 * last one have come. It shares the processors with the servers, so it parses nothing but line ends.
 */

import { cpuUsage } from "node:process";
import { encodeRequest } from "../../tests/support/resp/encode.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import { note, print } from "./print.ts";

const NEWLINE = 10;
const LETTER_E = 69;
const MINUS = 45;
const KEY_PREFIX = "key:";
const KEY_DIGITS = 12;
const READ_BYTES = 65_536;
const SAMPLES_MAX = 4_000_000;

/** Counts what comes back, over all connections. */
class Tally {
  readonly #latencies = new Float64Array(SAMPLES_MAX);
  #samples = 0;
  requests = 0;
  errors = 0;
  first: string | undefined;

  record(milliseconds: number): void {
    if (this.#samples < SAMPLES_MAX) this.#latencies[this.#samples++] = milliseconds;
  }

  sorted(): Float64Array {
    return this.#latencies.slice(0, this.#samples).sort();
  }
}

/** Requests whose keys are drawn anew in place: `PUT key:000000001234 xxxx`. */
class Lines {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #keyOffset: number;
  readonly #lineBytes: number;
  readonly #keys: number;
  #random: number;

  constructor(plan: LoadPlan, seed: number) {
    const line = makeRequest(plan);
    this.bytes = new TextEncoder().encode(line.repeat(plan.pipeline));
    this.#keyOffset = line.indexOf(KEY_PREFIX) + KEY_PREFIX.length;
    this.#lineBytes = line.length;
    this.#keys = plan.keys;
    this.#random = (seed * 2_654_435_761 + 1) >>> 0;
  }

  /** Puts fresh keys into all lines. */
  draw(): void {
    for (let start = this.#keyOffset; start < this.bytes.length; start += this.#lineBytes) {
      let x = this.#random;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.#random = x >>> 0;
      let key = this.#random % this.#keys;
      for (let at = start + KEY_DIGITS - 1; at >= start; at--) {
        this.bytes[at] = 48 + key % 10;
        key = Math.floor(key / 10);
      }
    }
  }
}

function makeRequest({ command, valueBytes }: LoadPlan): string {
  const key = `${KEY_PREFIX}${"0".repeat(KEY_DIGITS)}`;
  const value = "x".repeat(valueBytes);
  if (command === "SET") return encodeRequest("SET", key, value);
  return command === "PUT" ? `PUT ${key} ${value}\n` : `GET ${key}\n`;
}

function isError(letter: number | undefined): boolean {
  return letter === LETTER_E || letter === MINUS;
}

async function work(connection: Deno.TcpConn, task: { plan: LoadPlan; tally: Tally; seed: number; until: number }) {
  const { plan, tally, until } = task;
  const lines = new Lines(plan, task.seed);
  const buffer = new Uint8Array(READ_BYTES);
  let lineStart = true;
  while (performance.now() < until) {
    lines.draw();
    const sentAt = performance.now();
    for (let sent = 0; sent < lines.bytes.length;) {
      sent += await connection.write(sent === 0 ? lines.bytes : lines.bytes.subarray(sent));
    }
    let missing = plan.pipeline;
    while (missing > 0) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error("The server closed the connection");
      const chunk = buffer.subarray(0, count);
      if (lineStart && isError(chunk[0])) noteError(tally, chunk);
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
        missing -= 1;
        if (isError(chunk[at + 1])) noteError(tally, chunk.subarray(at + 1));
      }
      lineStart = chunk[count - 1] === NEWLINE;
    }
    tally.record(performance.now() - sentAt);
    tally.requests += plan.pipeline;
  }
}

function noteError(tally: Tally, rest: Uint8Array): void {
  tally.errors += 1;
  tally.first ??= new TextDecoder().decode(rest.subarray(0, 200)).split("\n")[0];
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, () => Deno.connect({ hostname: "127.0.0.1", port: plan.port })),
  );
  for (const connection of connections) connection.setNoDelay(true);
  const tally = new Tally();
  const begin = performance.now();
  const cpu = cpuSeconds();
  const until = begin + plan.seconds * 1_000;
  await Promise.all(connections.map((connection, at) => work(connection, { plan, tally, seed: at + 1, until })));
  const seconds = (performance.now() - begin) / 1_000;
  for (const connection of connections) connection.close();
  const sorted = tally.sorted();
  const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  if (tally.first !== undefined) note(`First error: ${tally.first}`);
  return {
    requests: tally.requests,
    errors: tally.errors,
    seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    max: quantile(1),
    cpuSeconds: cpuSeconds() - cpu,
  };
}

function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000_000;
}

print(JSON.stringify(await run(JSON.parse(Deno.args[0] ?? "{}"))));
