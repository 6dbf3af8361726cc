/** One run of the load generator, from connecting to the result. */

import { cpuUsage } from "node:process";
import { stringToBytes } from "../base/bytes.ts";
import { LoadConnection, type SharedLoad } from "./load_connection.ts";
import { OpenLoop } from "./open_loop.ts";
import { LoadError, type LoadOptions, type LoadResult } from "./options.ts";
import { RequestWriter } from "./request_writer.ts";
import { Tally } from "./tally.ts";

const POLL_MS = 5;
const PROGRESS_MS = 1_000;
const DRAIN_MS = 10_000;

/** The times and the counts of one run, and who may still send. */
class Run {
  readonly options: LoadOptions;
  readonly begin = performance.now();
  readonly measureFrom: number;
  readonly until: number;
  readonly tally: Tally;
  requestsLeft: number;
  stopped = false;

  constructor(options: LoadOptions) {
    this.options = options;
    this.measureFrom = this.begin + options.warmupSeconds * 1_000;
    const { limit } = options;
    this.until = "seconds" in limit ? this.measureFrom + limit.seconds * 1_000 : Infinity;
    this.requestsLeft = "requests" in limit ? limit.requests : Infinity;
    this.tally = new Tally({ now: this.begin, measureFrom: this.measureFrom });
  }

  /** The size of the next batch of the closed loop; 0 at the end. */
  takeBatch(now: number): number {
    if (this.stopped || now >= this.until) return 0;
    const { pipeline } = this.options;
    if (now < this.measureFrom) return pipeline;
    const count = Math.min(pipeline, this.requestsLeft);
    this.requestsLeft -= count;
    return count;
  }
}

/** Runs the load. Throws `LoadError` when no address can be reached at the start, and `TlsError` when that is because of TLS. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  // Made before the clock starts: large values take a while.
  const writer = new RequestWriter(options);
  const pool = await connectAll(options, writer);
  const run = new Run(options);
  pool.run = run;
  const cpu = startCpuMeter(run);
  const loop = startLoop(run, pool.connections);
  pool.loop = loop;
  void options.stop?.then(() => {
    run.stopped = true;
    loop?.stop();
  });
  await waitUntilDone(run, { connections: pool.connections, loop });
  const cpuSeconds = cpu();
  for (const connection of pool.connections) connection.close();
  return makeResult(run, cpuSeconds);
}

/** The connections, and the run they belong to once it begins. */
interface Pool {
  readonly connections: readonly LoadConnection[];
  run: Run | undefined;
  loop: OpenLoop | undefined;
}

async function connectAll(options: LoadOptions, writer: RequestWriter): Promise<Pool> {
  const connections: LoadConnection[] = [];
  const pool: Pool = { connections, run: undefined, loop: undefined };
  const idle = new Tally({ now: 0, measureFrom: Infinity });
  const shared: SharedLoad = {
    addresses: options.addresses,
    trust: options.trust,
    writer,
    greeting: greetingOf(options.login),
    get tally() {
      return pool.run?.tally ?? idle;
    },
    takeBatch: options.rate === undefined ? (now) => pool.run?.takeBatch(now) ?? 0 : undefined,
    afterRead: options.rate === undefined ? undefined : (now) => pool.loop?.sendDue(now),
  };
  for (let at = 0; at < options.connections; at++) {
    connections.push(new LoadConnection(shared, at % options.addresses.length));
  }
  const opened = await Promise.all(connections.map((connection) => connection.open()));
  if (opened.every((isOpen) => isOpen)) return pool;
  for (const connection of connections) connection.close();
  const tried = options.addresses.map(({ hostname, port }) => `${hostname}:${port}`).join(", ");
  const count = opened.filter((isOpen) => isOpen).length;
  const tlsFailure = connections.find((connection) => connection.tlsFailure !== undefined)?.tlsFailure;
  if (count === 0 && tlsFailure !== undefined) throw tlsFailure;
  throw new LoadError(
    count === 0
      ? `Cannot connect to ${tried}: is a node running there${
        options.login === undefined ? "" : ", and does it take that user and password"
      }?`
      : `Cannot open ${options.connections} connections to ${tried}: only ${count} were accepted`,
  );
}

function startLoop(run: Run, connections: readonly LoadConnection[]): OpenLoop | undefined {
  const { rate, pipeline, limit } = run.options;
  if (rate === undefined) {
    for (const connection of connections) connection.pump(performance.now());
    return undefined;
  }
  const loop = new OpenLoop(connections, {
    rate,
    pipeline,
    from: run.begin,
    until: run.until,
    measureFrom: run.measureFrom,
    requestsMax: "requests" in limit ? limit.requests : Infinity,
  });
  loop.start();
  return loop;
}

async function waitUntilDone(
  run: Run,
  { connections, loop }: { readonly connections: readonly LoadConnection[]; readonly loop: OpenLoop | undefined },
): Promise<void> {
  let reportAt = run.begin + PROGRESS_MS;
  let endedAt: number | undefined;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const now = performance.now();
    if (now >= reportAt) {
      run.options.onProgress?.(run.tally.takeInterval(now));
      reportAt += PROGRESS_MS;
    }
    const sending = loop === undefined ? !run.stopped && now < run.until && run.requestsLeft > 0 : !loop.isDone;
    if (sending) continue;
    endedAt ??= now;
    if (connections.every((connection) => connection.isIdle) || now - endedAt > DRAIN_MS) return;
  }
}

/** Returns what tells the processor seconds since the measuring began. */
function startCpuMeter(run: Run): () => number {
  let start = cpuSeconds();
  const timer = setTimeout(() => start = cpuSeconds(), run.options.warmupSeconds * 1_000);
  return () => {
    clearTimeout(timer);
    return cpuSeconds() - start;
  };
}

function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000_000;
}

function makeResult({ tally, measureFrom, options }: Run, cpuSeconds: number): LoadResult {
  const seconds = Math.max(0, (tally.lastReplyAt - measureFrom) / 1_000);
  const requests = tally.latencies.count;
  return {
    seconds,
    requests,
    perSecond: seconds === 0 ? 0 : requests / seconds,
    misses: tally.misses,
    errors: tally.errors,
    errorsByWord: Object.fromEntries(tally.errorsByWord),
    latencyMs: tally.latencies.latencies(),
    sentLateMs: options.rate === undefined ? null : tally.late.latencies(),
    cpuSeconds,
  };
}

/** AUTH, as a request of the Redis protocol. */
function greetingOf(login: LoadOptions["login"]): Uint8Array | undefined {
  if (login === undefined) return undefined;
  const words = ["AUTH", login.user, login.password];
  return stringToBytes(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
}
