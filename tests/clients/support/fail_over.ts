/** A leader's death in the middle of a client's work: the client must go on by itself and miss nothing acknowledged. */

import { assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import type { ProcessCluster } from "../../support/process_cluster.ts";
import { waitFor } from "../../support/wait.ts";
import type { Json } from "./driver.ts";
import { redisCli } from "./redis_cli.ts";

const ROUNDS = 2;
const ACKNOWLEDGED_A_ROUND = 40;
const PROGRESS_TIMEOUT_MS = 30_000;
const CHECK_TIMEOUT_MS = 60_000;

/** What the load of a driver has to say when it stops. */
export interface LoadReport {
  /** Key and value of each acknowledged write that any other client can read. */
  readonly records: readonly (readonly [key: string, value: string])[];
  /** The replies of INCR, in their order. */
  readonly counts: readonly number[];
  readonly acknowledged: number;
  /** How often each error came. */
  readonly errors: Readonly<Record<string, number>>;
}

/** A client that writes by itself: a driver, or what answers `start`, `progress`, `stop` and `missing` like one. */
export interface Load {
  /** The result of an operation. */
  ask(op: string, args?: readonly Json[], timeoutMs?: number): Promise<Json>;
}

/** The client whose server is killed. */
export interface FailOverOptions {
  readonly client: string;
  readonly driver: Load;
  readonly cluster: ProcessCluster;
  /** The only port that the client knows; undefined for a cluster client, which finds the others. */
  readonly onlyPort: number | undefined;
}

/**
 * Kills the leader twice while the client writes. A client that knows one port only loses its own server the first time,
 * which then comes back; the second time its server, by then a follower, forwards to a leader that dies.
 */
export async function failOver(options: FailOverOptions): Promise<void> {
  const { client, driver, cluster } = options;
  await driver.ask("start");
  for (let round = 0; round < ROUNDS; round++) {
    await progress(options, `before death ${round + 1} of a leader`);
    const leader = await cluster.waitForLeader();
    await cluster.kill(leader);
    await cluster.waitForLeader({ among: cluster.others(leader) });
    const orphaned = cluster.node(leader).clientPort === options.onlyPort;
    if (!orphaned) await progress(options, `while the killed leader ${leader} is away`);
    await cluster.restart(leader);
    await progress(options, `after the killed leader ${leader} is back`);
  }
  const report = await stop(driver);
  const missing = await driver.ask("missing", [], CHECK_TIMEOUT_MS);
  assertEquals(missing, [], `${client}: acknowledged writes that its own reads miss`);
  checkCounts(client, report);
  await checkRecords(options, report);
}

async function stop(driver: Load): Promise<LoadReport> {
  const report: unknown = await driver.ask("stop", [], PROGRESS_TIMEOUT_MS);
  return report as LoadReport;
}

async function progress({ client, driver }: FailOverOptions, when: string): Promise<void> {
  const before = await acknowledgedNow(driver);
  let errors = "";
  await waitFor(async () => {
    const now = await acknowledgedNow(driver);
    errors = now.errors;
    return now.count >= before.count + ACKNOWLEDGED_A_ROUND ? true : undefined;
  }, { what: "progress", timeoutMs: PROGRESS_TIMEOUT_MS, everyMs: 50 }).catch((cause) => {
    throw new Error(
      `${client}: fewer than ${ACKNOWLEDGED_A_ROUND} acknowledged writes in ${PROGRESS_TIMEOUT_MS} ms ${when}; errors: ${errors}`,
      { cause },
    );
  });
}

async function acknowledgedNow(driver: Load): Promise<{ readonly count: number; readonly errors: string }> {
  const reply: unknown = await driver.ask("progress");
  const { acknowledged, errors } = reply as LoadReport;
  return { count: acknowledged, errors: JSON.stringify(errors) };
}

/** Several clients send a command again when its reply was lost, so INCR may count twice, but never less than it says. */
function checkCounts(client: string, { counts }: LoadReport): void {
  for (const [at, count] of counts.entries()) {
    assertGreater(count, counts[at - 1] ?? 0, `${client}: INCR number ${at} went back`);
  }
}

async function checkRecords({ client, cluster }: FailOverOptions, { records, counts }: LoadReport): Promise<void> {
  if (records.length === 0) return;
  await cluster.waitUntilEqual();
  const keys = records.map(([key]) => key);
  for (const port of cluster.ports) {
    const values = (await redisCli(port, ["-c", "MGET", ...keys])).split("\n");
    assertEquals(values, records.map(([, value]) => value), `${client}: acknowledged writes read through port ${port}`);
    const counter = Number(await redisCli(port, ["-c", "GET", "{load}:counter"]));
    assertGreaterOrEqual(counter, counts.at(-1) ?? 0, `${client}: the counter read through port ${port}`);
  }
}
