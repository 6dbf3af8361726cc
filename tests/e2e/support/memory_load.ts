/** Clients at work while a bit changes in the memory of a node: what is acknowledged goes into a ledger, and what is read is judged at once. */

import { Ledger } from "../../support/ledger.ts";
import type { ProcessCluster } from "../../support/process_cluster.ts";
import { delay } from "../../support/wait.ts";
import { Writers } from "../../support/writers.ts";

/** The key that is written all the time. */
export const HOT = "hot";
/** Keys that are written once. */
export const COLD: readonly string[] = Array.from({ length: 20 }, (_, at) => `cold-${at}`);

const CLIENTS = 2;
const PAUSE_MS = 5;
/** So that each record has a deadline, far away. */
const TTL = "1d";
const UNAVAILABLE = 503;
const STALE_AGE = / \((at most \d+ ms old|age unknown)\)/;

/** What a cold key holds. */
export function coldValue(key: string): string {
  return `value of ${key}`.padEnd(40, ".");
}

/** Writers and a reader at work. `begin` makes it. */
export class MemoryLoad implements AsyncDisposable {
  readonly ledger = new Ledger();
  /** Replies that nobody may get. */
  readonly wrong: string[] = [];
  /** Reads that were answered with what was written, by node. */
  readonly right = new Map<number, number>();
  readonly #cluster: ProcessCluster;
  readonly #writers: Writers;
  readonly #loops: Promise<unknown>;
  #avoided: number | undefined;
  #stopping = false;

  private constructor(cluster: ProcessCluster, number: number) {
    this.#cluster = cluster;
    const { ledger } = this;
    this.#writers = new Writers({
      ports: cluster.ports,
      ledger,
      clients: CLIENTS,
      pauseMs: PAUSE_MS,
      prefix: `w${number}`,
    });
    this.#loops = Promise.all([this.#writeHot(number), this.#read()]);
  }

  /** Starts the clients; the cold keys and the hot one are there then. `number` is that of the load in its cluster. */
  static async begin(cluster: ProcessCluster, number: number): Promise<MemoryLoad> {
    const { httpPort } = cluster.node(0);
    for (const key of [...(number === 0 ? COLD : []), HOT]) {
      const response = await put(httpPort, key, coldValue(key));
      if (!response.ok) throw new Error(`Cannot write ${key}: ${await response.text()}`);
      await response.body?.cancel();
    }
    await cluster.waitUntilEqual();
    return new MemoryLoad(cluster, number);
  }

  /** Until it is known to be in quarantine, what that node tells is not judged: it may be what its memory has become. */
  avoid(id: number | undefined): void {
    this.#avoided = id;
  }

  /** Lets each client finish what it does and ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([this.#writers.stop(), this.#loops]);
  }

  /** The same as `stop`, where a test ends before. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** One line for each promise to clients that is broken, as seen on a node. Elsewhere nobody is to be told of a quarantine. */
  async broken(id: number): Promise<readonly string[]> {
    const broken = await this.ledger.check(this.#cluster.node(id).clientPort);
    return broken.filter((line) => !line.startsWith("unexpected reply: Error: Quarantine. "));
  }

  async #writeHot(number: number): Promise<void> {
    const { nodes } = this.#cluster;
    let node = 0;
    for (let n = 0; !this.#stopping; n++) {
      const [value, sentAt] = [`hot ${number} ${n}`, performance.now()];
      const response = await put(nodes[node % nodes.length]?.httpPort ?? 0, HOT, value);
      await response.body?.cancel();
      if (response.ok) this.ledger.acknowledge({ key: HOT, value, sentAt });
      // Certainly not done; another node does it.
      else if (response.status === UNAVAILABLE) node += 1;
      else this.ledger.leaveOpen({ key: HOT, value, sentAt }, `status ${response.status}`);
      await delay(PAUSE_MS);
    }
  }

  async #read(): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      const id = n % this.#cluster.nodes.length;
      const key = COLD[n % COLD.length] ?? "";
      if (id !== this.#avoided) {
        this.#judge(id, key, await this.#cluster.ask(id, `GET ${key}${n % 2 === 0 ? " STALE" : ""}`));
      }
      await delay(PAUSE_MS);
    }
  }

  /** Refused is right as well: who asks goes to another node. */
  #judge(id: number, key: string, reply: string): void {
    const value = reply.replace(STALE_AGE, "");
    if (value === `value of ${key}: ${coldValue(key)}`) this.right.set(id, (this.right.get(id) ?? 0) + 1);
    else if (!reply.startsWith("Error: ") || reply.includes("does not exist")) {
      this.wrong.push(`node ${id}, ${key}: ${reply}`);
    }
  }
}

function put(port: number, key: string, value: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/v1/kv/${key}?ttl=${TTL}`, { method: "PUT", body: value });
}
