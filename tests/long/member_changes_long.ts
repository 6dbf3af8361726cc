/**
 * Members come and go as fast as they can, under load, with nodes that are killed in between: no write is lost, and there is hardly
 * a second without writes. For half a minute; `KVSTORE_CHANGES_SECONDS=300` for longer.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { Ledger, type LedgerWrite } from "../support/ledger.ts";
import { membersOf, Newcomer } from "../support/newcomer.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const SECONDS = Number(Deno.env.get("KVSTORE_CHANGES_SECONDS") ?? 30);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
/** Of 40 in five minutes. */
const CHANGES_PER_SECOND_MIN = 40 / 300;
/** Of the windows of one second. */
const SERVED_SHARE_MIN = 0.95;

/** Notes in which seconds writes were acknowledged. */
class WindowedLedger extends Ledger {
  readonly windows = new Set<number>();
  readonly #from = performance.now();

  override add(write: LedgerWrite): void {
    super.add(write);
    if (write.return !== null) this.windows.add(Math.floor((write.return - this.#from) / 1_000));
  }
}

/** Node 0 stays, and is asked for the changes; the others come and go. */
class Coming {
  /** Done changes of the membership. */
  changes = 0;
  /** Client ports by id, of all that were ever there. */
  readonly ports: number[];
  readonly #cluster: ProcessCluster;
  readonly #random: Random;
  readonly #joined = new Map<number, Newcomer>();

  constructor(cluster: ProcessCluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
    this.ports = [...cluster.ports];
  }

  async join(): Promise<void> {
    const node = new Newcomer(this.#cluster, { seed: 0 });
    node.start();
    const id = await node.isMember();
    this.#joined.set(id, node);
    this.ports[id] = node.clientPort;
    this.changes += 2; // It was added, and promoted.
  }

  /** Removes the leader where that is not node 0, or any other; its process ends by itself or is killed. */
  async remove(): Promise<void> {
    const { leader } = await this.#look();
    const ids = (await membersOf(this.#cluster)).map(({ id }) => id).filter((id) => id !== 0);
    const id = leader !== 0 && ids.includes(leader) ? leader : this.#random.pick(ids);
    await waitFor(async () => {
      const url = `http://127.0.0.1:${this.#cluster.node(0).httpPort}/v1/cluster/members/${id}`;
      const reply = await fetch(url, { method: "DELETE" });
      await reply.body?.cancel();
      return reply.status === 200 ? true : undefined;
    }, { what: `node ${id} is removed` });
    this.changes += 1;
    const node = this.#joined.get(id);
    this.#joined.delete(id);
    if (node !== undefined) await node[Symbol.asyncDispose]();
    else if (this.#cluster.node(id).process?.alive === true) await this.#cluster.kill(id);
  }

  /** Kills a node that joined, and starts it again at once. */
  async kill(): Promise<void> {
    const nodes = [...this.#joined.values()];
    if (nodes.length === 0) return;
    const node = this.#random.pick(nodes);
    await node[Symbol.asyncDispose]();
    node.start();
  }

  async end(): Promise<void> {
    for (const node of this.#joined.values()) await node[Symbol.asyncDispose]();
  }

  async #look(): Promise<{ readonly leader: number }> {
    return await waitFor(async () => {
      const reply = await fetch(`http://127.0.0.1:${this.#cluster.node(0).httpPort}/v1/cluster`);
      const { leader }: { readonly leader: number | null } = await reply.json();
      return leader === null ? undefined : { leader };
    }, { what: "node 0 knows a leader" });
  }
}

Deno.test(`members come and go for ${SECONDS} s while nodes are killed, and every write that was acknowledged is there`, () =>
  withCluster({}, async (cluster) => {
    const coming = new Coming(cluster, new Random(SEED));
    using ledger = new WindowedLedger();
    const writers = new Writers({ ports: coming.ports, ledger, clients: 10, pauseMs: 5 });
    const end = performance.now() + SECONDS * 1_000;
    let broken: readonly string[];
    try {
      for (let round = 0; performance.now() < end; round++) {
        await coming.join();
        if (round % 2 === 1) await coming.kill();
        await coming.remove();
      }
      await writers.stop();
      broken = await ledger.check(cluster.node(0).clientPort);
    } finally {
      await writers.stop();
      await coming.end();
    }
    const seconds = Math.max(...ledger.windows) + 1;
    const told = `seed ${SEED}: ${coming.changes} changes, writes in ${ledger.windows.size} of ${seconds} s`;
    assertEquals(broken, [], told);
    assertGreaterOrEqual(coming.changes, CHANGES_PER_SECOND_MIN * SECONDS, told);
    assertGreaterOrEqual(ledger.windows.size, SERVED_SHARE_MIN * seconds, told);
    await Deno.stderr.write(new TextEncoder().encode(`${told}\n`));
  }));
