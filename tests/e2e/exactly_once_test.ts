import { assert, assertEquals } from "@std/assert";
import { type Command, Connection } from "../support/resp/connection.ts";
import type { Reply } from "../support/resp/reply.ts";
import { ClientProxy } from "../support/proxy/client_proxy.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

const INCREMENTS = 10_000;
const WORKERS = 20;
/** After so many increments a leader dies, and is started again. */
const KILLS_AT = [2_000, 5_000, 8_000];
/** After so many every node takes a snapshot. */
const SNAPSHOTS_AT = [1_000, 4_000, 7_000];
const ATTEMPT_TIMEOUT_MS = 3_000;

/** Drops every third reply; each client sends one request at a time, so what arrives together is one reply. */
class ReplyThief {
  dropped = 0;
  #replies = 0;

  pass(reply: Uint8Array): Uint8Array | undefined {
    this.#replies += 1;
    if (this.#replies % 3 !== 0) return reply;
    this.dropped += 1;
    return undefined;
  }
}

/** Sends a command over a connection that is made anew as often as it is lost, until it is answered. */
class Retrier implements Disposable {
  attempts = 0;
  readonly #address: string;
  #connection: Connection | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  async ask(command: Command): Promise<Reply> {
    return await waitFor(async () => {
      this.attempts += 1;
      this.#connection ??= await Connection.open(this.#address);
      const [reply] = await this.#connection.exchange([command], ATTEMPT_TIMEOUT_MS);
      if (this.#connection.broken !== undefined) this.#connection = undefined;
      // Not done, or of unknown outcome: in a session both are asked again in the same words.
      const isFinal = reply !== undefined && reply.type !== "Broken" && !isRetryable(reply);
      return isFinal ? reply : undefined;
    }, { what: `an answer to ${command.join(" ")}` });
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
  }
}

function isRetryable(reply: Reply): boolean {
  return reply.type === "Error" && /^(?:TIMEOUT|CLUSTERDOWN|TRYAGAIN|BUSY) /.test(reply.text);
}

/** Kills the leader and starts it again, or has every node take a snapshot, at its number of increments. */
async function disturb(cluster: ProcessCluster, done: number): Promise<void> {
  if (SNAPSHOTS_AT.includes(done)) {
    for (const { clientPort } of cluster.nodes) {
      using connection = await Connection.open(`127.0.0.1:${clientPort}`);
      assertEquals(await connection.exchange([["SAVE"]]), [{ type: "Status", text: "OK" }]);
    }
  }
  if (!KILLS_AT.includes(done)) return;
  const leader = await cluster.waitForLeader();
  await cluster.kill(leader);
  await cluster.restart(leader);
}

Deno.test("INCR 10 000 times through lost replies, dead leaders and snapshots ends at exactly 10 000", () =>
  withCluster({}, async (cluster) => {
    const thief = new ReplyThief();
    const nodes = cluster.ports.map((port) => `127.0.0.1:${port}`);
    await using proxy = new ClientProxy(nodes, { replies: (reply) => thief.pass(reply) });
    let started = 0;
    let attempts = 0;
    const counts = new Set<number>();
    const disturbances: Promise<void>[] = [];
    async function work(): Promise<void> {
      using retrier = new Retrier(proxy.address);
      const session = await retrier.ask(["SESSION", "OPEN", "120000"]);
      assert(session.type === "Integer", Deno.inspect(session));
      for (let sequence = 1; started < INCREMENTS; sequence++) {
        started += 1;
        disturbances.push(disturb(cluster, started));
        const reply = await retrier.ask(["ONCE", session.value.toString(), String(sequence), "INCR", "n"]);
        assert(reply.type === "Integer", Deno.inspect(reply));
        counts.add(Number(reply.value));
      }
      attempts += retrier.attempts;
    }
    await Promise.all(Array.from({ length: WORKERS }, work));
    await Promise.all(disturbances);
    // Each was told a count of its own, the first answer and no later one.
    assertEquals([counts.size, Math.min(...counts), Math.max(...counts)], [INCREMENTS, 1, INCREMENTS]);
    assertEquals(cluster.nodes.flatMap(({ processes }) => processes).length, cluster.nodes.length + KILLS_AT.length);
    for (const { clientPort } of cluster.nodes) {
      using connection = await Connection.open(`127.0.0.1:${clientPort}`);
      assertEquals(await connection.exchange([["GET", "n"]]), [{ type: "Bulk", text: String(INCREMENTS) }]);
    }
    assert(thief.dropped > INCREMENTS / 3, `${thief.dropped} replies were dropped in ${attempts} attempts`);
  }));
