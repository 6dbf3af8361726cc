/** One chaos run: nodes, clients and faults for a while, then peace and the verdict. */

import { Random } from "../../lib/base/random.ts";
import { DenoDisk } from "../../lib/storage/deno_disk.ts";
import { inspectDirectory } from "../../lib/storage/inspect.ts";
import { writeHistory } from "../linearizability/history.ts";
import { delay, waitFor } from "../support/wait.ts";
import { Workload } from "./clients.ts";
import { Disturber, FAULTS } from "./disturber.ts";
import { Ledger } from "../support/ledger.ts";
import { compareDirectories, compareLogs, readFinals, takeEqualSnapshots } from "./final_checks.ts";
import { Fleet } from "./fleet.ts";
import { withIndexes } from "./indexes.ts";
import { countLeftOut, type Evidence, judge } from "./judge.ts";
import { KeySpace } from "./keys.ts";
import { LogBook } from "./log_book.ts";
import type { ChaosCounts, ChaosResult } from "./outcome.ts";
import { Patrols } from "./patrol.ts";
import { Recorder } from "./recorder.ts";

/** What a run is asked for. */
export interface ChaosOptions {
  readonly seconds: number;
  readonly nodes: number;
  readonly seed: number;
  /** Keeps the directory of a run that passes too. */
  readonly keep: boolean;
  /** Hears of what goes on. */
  say(line: string): void;
  /** Ends the run early, as a failure. */
  readonly signal?: AbortSignal;
  /** Changes the evidence before the verdict, to see that it would be noticed. */
  readonly tamper?: (evidence: Evidence) => Evidence;
}

/** A group is as many clients as may share a key. */
const GROUPS = 3;
/** A run for hours keeps its whole history in memory: its clients are slower. */
const LONG_RUN_SECONDS = 600;
const PACE = { short: { pauseMsMax: 25, everyMs: 30 }, long: { pauseMsMax: 120, everyMs: 150 } } as const;
const PROGRESS_EVERY_MS = 5_000;
const POLL_EVERY_MS = 500;
const SETTLE_TIMEOUT_MS = 15_000;
const HISTORY_CHUNK = 10_000;
/** A run that hardly did anything proves nothing. */
const WRITES_PER_SECOND_MIN = 5;

/** Runs, and removes everything unless it failed or is to be kept. Rejects only for a lack of ports or of space. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const root = Deno.makeTempDirSync({ prefix: "kvstore-chaos-" });
  const run = new Run(options, root);
  try {
    await run.perform();
  } finally {
    await run.end();
  }
  const failed = run.problems.length > 0;
  if (failed || options.keep) run.writeEvidence();
  else await Deno.remove(root, { recursive: true });
  return run.result(failed || options.keep ? root : undefined);
}

class Run {
  readonly problems: string[] = [];
  readonly #options: ChaosOptions;
  readonly #root: string;
  readonly #random: Random;
  readonly #fleet: Fleet;
  readonly #ledger: Ledger;
  readonly #recorder: Recorder;
  readonly #book = new LogBook();
  readonly #disturber: Disturber;
  readonly #begin = performance.now();
  readonly #said: string[] = [];
  #watching = true;
  #finals: Evidence["finals"] = new Map();
  #judged = false;

  constructor(options: ChaosOptions, root: string) {
    this.#options = options;
    this.#root = root;
    this.#random = new Random(options.seed);
    this.#fleet = new Fleet({ nodes: options.nodes, root });
    this.#ledger = new Ledger(`${root}/ledger.jsonl`);
    this.#recorder = new Recorder(this.#ledger);
    this.#disturber = new Disturber({
      stage: { fleet: this.#fleet, book: this.#book, busyProcesses: new Set(), busyDisks: new Set() },
      random: this.#random.fork(),
      acknowledged: () => this.#recorder.acknowledged,
      routes: this.#recorder.routes,
      say: (line) => this.#say(line),
    });
  }

  async perform(): Promise<void> {
    const { seed, nodes, seconds } = this.#options;
    this.#say(`seed ${seed}, ${nodes} nodes, ${seconds} s of faults, in ${this.#root}`);
    await this.#step("start", async () => {
      await this.#fleet.start();
      await this.#identitiesAreKnown();
    });
    const started = this.problems.length === 0;
    if (started) await this.#step("faults", () => this.#disturb());
    // After a problem too: what else is wrong helps to find out why.
    if (started && this.#options.signal?.aborted !== true) {
      await this.#step("peace", () => this.#compare());
      await this.#step("verdict", () => Promise.resolve(this.#judge()));
    }
    if (!this.#judged) this.problems.push("the run ended without a verdict");
    const { problems, tally } = this.#disturber;
    this.problems.push(
      ...problems,
      ...tally.problems,
      ...this.#fleet.problems,
      ...this.#recorder.surprises.slice(0, 10),
    );
    if (this.#options.signal?.aborted === true) this.problems.push("the run was interrupted");
  }

  /** Ends what still runs. */
  async end(): Promise<void> {
    this.#ledger[Symbol.dispose]();
    await this.#fleet.dispose();
    this.#fleet.keepLogs(this.#root);
  }

  /** The history as JSON lines, what happened, and what is wrong: beside the ledger and the logs. */
  writeEvidence(): void {
    const operations = withIndexes(this.#recorder.operations, this.#book);
    using file = Deno.openSync(`${this.#root}/history.jsonl`, { write: true, create: true, truncate: true });
    for (let at = 0; at < operations.length; at += HISTORY_CHUNK) {
      const bytes = new TextEncoder().encode(`${writeHistory(operations.slice(at, at + HISTORY_CHUNK)).trimEnd()}\n`);
      for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
    }
    Deno.writeTextFileSync(`${this.#root}/run.log`, [...this.#said, ...this.problems, ""].join("\n"));
  }

  result(kept: string | undefined): ChaosResult {
    const { seed, nodes, seconds } = this.#options;
    const faults = new Map(FAULTS.map(({ name }) => [name, this.#disturber.tally.of(name)]));
    const { reasons, routes } = this.#recorder;
    return { seed, nodes, seconds, problems: this.problems, kept, counts: this.#counts(), faults, routes, reasons };
  }

  #counts(): ChaosCounts {
    const { operations, acknowledged, unknown, refusals, failedReads } = this.#recorder;
    return {
      acknowledged,
      unknown,
      refused: refusals,
      reads: operations.reduce((sum, { operation }) => sum + (operation === "get" ? 1 : 0), 0),
      failedReads,
      keys: new Set(operations.map(({ key }) => key)).size,
      indexed: withIndexes(operations, this.#book).reduce((sum, { index }) => sum + (index === null ? 0 : 1), 0),
      entries: this.#book.highest - this.#book.missing,
      missingEntries: this.#book.missing,
      leftOut: countLeftOut({ operations, book: this.#book }),
      term: this.#book.term,
      elections: this.#book.leaders,
      diskFailures: this.#fleet.diskFailures,
    };
  }

  /** Until each directory has a name in the log, an emptied one could not be told from the old one: no wipe before. */
  async #identitiesAreKnown(): Promise<void> {
    const { directory } = this.#fleet.cluster.node(0);
    await waitFor(async () => {
      const { entries } = await inspectDirectory(new DenoDisk(), directory, { entries: { from: 1, count: 1_000 } });
      const last = entries?.findLast((entry) => entry.type === "Configuration");
      if (last?.type !== "Configuration") return undefined;
      return last.configuration.members.every(({ identity }) => identity !== "") ? true : undefined;
    }, { what: "the log names the directories of all nodes", timeoutMs: SETTLE_TIMEOUT_MS });
  }

  async #disturb(): Promise<void> {
    const { seconds } = this.#options;
    const pace = seconds > LONG_RUN_SECONDS ? PACE.long : PACE.short;
    const keySpaces = Array.from({ length: GROUPS }, (_, group) => new KeySpace(`k${group}-`));
    const load = { recorder: this.#recorder, keySpaces, ...pace };
    const { nodes } = this.#fleet.cluster;
    const ports = { clients: this.#fleet.ports, http: nodes.map(({ httpPort }) => httpPort) };
    const workload = new Workload({ ...load, ports, random: this.#random.fork() });
    const patrols = new Patrols({ ...load, ports: ports.clients, random: this.#random.fork() });
    const watching = [this.#pollLogs(), this.#reportProgress()];
    const end = performance.now() + seconds * 1_000;
    try {
      await this.#disturber.run({ over: () => performance.now() >= end, stopped: () => this.#stopped() });
    } finally {
      await Promise.all([workload.stop(), patrols.stop()]);
      this.#watching = false;
      await Promise.all(watching);
    }
  }

  /** Whether there is no point in going on. */
  #stopped(): boolean {
    const known = [this.problems, this.#fleet.problems, this.#recorder.surprises, this.#book.contradictions];
    return this.#options.signal?.aborted === true || known.some((problems) => problems.length > 0);
  }

  async #compare(): Promise<void> {
    const { ids, cluster } = this.#fleet;
    await cluster.waitUntilEqual(SETTLE_TIMEOUT_MS);
    const written = this.#options.seconds * WRITES_PER_SECOND_MIN;
    if (this.#recorder.acknowledged < written) this.problems.push(`less than ${written} writes were acknowledged`);
    for (const [route, count] of this.#recorder.routes) {
      if (count === 0) this.problems.push(`no write was acknowledged by ${route}`);
    }
    const keys = [...new Set(this.#ledger.writes.map(({ key }) => key))];
    this.#finals = await readFinals(this.#fleet, { keys, recorder: this.#recorder });
    this.problems.push(...await compareLogs(this.#fleet, this.#book));
    this.problems.push(...await takeEqualSnapshots(this.#fleet));
    await Promise.all(ids.map((id) => this.#fleet.end(id, "SIGTERM")));
    this.problems.push(...await compareDirectories(this.#fleet));
  }

  #judge(): void {
    const evidence: Evidence = {
      // From the disk: what was promised outlives the program that was told.
      ledger: this.#ledger.writes,
      operations: this.#recorder.operations,
      refused: this.#recorder.refused,
      finals: this.#finals,
      book: this.#book,
    };
    this.#say(`judging ${evidence.operations.length} operations`);
    this.problems.push(...judge(this.#options.tamper?.(evidence) ?? evidence));
    this.#judged = true;
  }

  async #pollLogs(): Promise<void> {
    while (this.#watching) {
      // A node that does not answer is looked at the next time.
      await Promise.allSettled(this.#fleet.awake.map((id) => this.#book.poll(this.#fleet.ports[id] ?? 0)));
      await delay(POLL_EVERY_MS);
    }
  }

  async #reportProgress(): Promise<void> {
    for (let next = performance.now() + PROGRESS_EVERY_MS; this.#watching; await delay(POLL_EVERY_MS)) {
      if (performance.now() < next) continue;
      next += PROGRESS_EVERY_MS;
      const { acknowledged, unknown, refusals, operations } = this.#recorder;
      this.#say(
        `${operations.length} operations; writes: ${acknowledged} acknowledged, ${unknown} unknown, ` +
          `${refusals} refused; term ${this.#book.term}`,
      );
    }
  }

  async #step(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.problems.push(`${name}: ${error instanceof Error ? error.stack ?? error.message : error}`);
    }
  }

  #say(line: string): void {
    const timed = `${((performance.now() - this.#begin) / 1_000).toFixed(1).padStart(7)} s  ${line}`;
    this.#said.push(timed);
    this.#options.say(timed);
  }
}
