import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { TextClient } from "../support/text_client.ts";
import { delay, waitFor } from "../support/wait.ts";
import { Writer, Writers, type WritersOptions } from "../support/writers.ts";

const PAUSE_MS = 5_000;

Deno.test("SIGSTOP of the leader for 5 s, then SIGCONT: no write is lost and no read is stale", () =>
  withCluster({}, async (cluster) => {
    const ledger = new Ledger();
    const options = { ports: cluster.ports, ledger, clients: 10, pauseMs: 5, replyTimeoutMs: 1_000 };
    const writers = new Writers(options);
    const register = new Register(options);
    const readers = cluster.nodes.map(({ id }) => register.read(cluster, id));
    const leader = await cluster.waitForLeader();
    try {
      await waitFor(() => register.acknowledged > 20 ? true : undefined, { what: "load", timeoutMs: 5_000 });
      cluster.signal(leader, "SIGSTOP");
      const stoppedAt = performance.now();
      const next = await cluster.waitForLeader();
      assertNotEquals(next, leader);
      const before = register.acknowledged;
      await delay(PAUSE_MS - (performance.now() - stoppedAt));
      assertGreater(register.acknowledged, before, "the others go on");
      cluster.signal(leader, "SIGCONT");
      // The one that was stopped still believes that it leads; its first reads are the dangerous ones.
      await delay(500);
      await cluster.waitForLeader();
    } finally {
      await writers.stop();
      await register.stop();
      await Promise.all(readers);
    }
    await cluster.waitUntilEqual();
    assertEquals(register.stale, [], "stale reads");
    assertGreater(register.reads.get(leader) ?? 0, 50, "reads answered by the node that was stopped");
    for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
  }));

/** One key with one writer that counts up: a read older than what was known before it began is stale. */
class Register {
  acknowledged = 0;
  readonly stale: string[] = [];
  /** Answered reads by node. */
  readonly reads = new Map<number, number>();
  readonly #writing: Promise<void>;
  #seen = 0;
  #stopping = false;

  constructor(options: WritersOptions) {
    this.#writing = this.#write(new Writer(options));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#writing;
  }

  /** Reads from one node until the end, over new connections as old ones fail. */
  async read(cluster: ProcessCluster, id: number): Promise<void> {
    while (!this.#stopping) {
      try {
        using client = await TextClient.connect(cluster.node(id).clientPort, { timeoutMs: PAUSE_MS + 2_000 });
        while (!this.#stopping) {
          const known = Math.max(this.acknowledged, this.#seen);
          this.#judge(await client.ask("GET register"), { id, known });
          await delay(2);
        }
      } catch {
        await delay(10);
      }
    }
  }

  #judge(reply: string, { id, known }: { readonly id: number; readonly known: number }): void {
    const match = /^value of register: (\d+)$/.exec(reply);
    if (match === null) return;
    const value = Number(match[1]);
    if (value < known) this.stale.push(`node ${id} gave ${value} although ${known} was known before`);
    this.#seen = Math.max(this.#seen, value);
    this.reads.set(id, (this.reads.get(id) ?? 0) + 1);
  }

  async #write(writer: Writer): Promise<void> {
    for (let value = 1; !this.#stopping; value++) {
      const outcome = await writer.write(`PUT register ${value}`, () => this.#stopping);
      if (outcome === "Done") this.acknowledged = value;
      await delay(5);
    }
    writer.close();
  }
}
