import { assert, assertEquals } from "@std/assert";
import { type Command, Connection } from "../differential/connection.ts";
import type { Reply } from "../differential/reply.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

const INCREMENTS = 10_000;
const WORKERS = 20;
/** After so many increments a leader dies, and is started again. */
const KILLS_AT = [2_000, 5_000, 8_000];
/** After so many every node takes a snapshot. */
const SNAPSHOTS_AT = [1_000, 4_000, 7_000];
const ATTEMPT_TIMEOUT_MS = 3_000;

/** Passes requests on to one node after the other, and drops every third reply together with its connection. */
class LossyProxy implements Disposable {
  dropped = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ports: readonly number[];
  #replies = 0;
  #next = 0;

  constructor(ports: readonly number[]) {
    this.#ports = ports;
    void this.#accept();
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) void this.#serve(client);
    } catch {
      // The listener was closed.
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    let server: Deno.TcpConn | undefined;
    try {
      this.#next += 1;
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#ports[this.#next % this.#ports.length] ?? 0 });
      await Promise.all([this.#pass(client, server), this.#passReplies(server, client)]);
    } catch {
      // One of the two is gone: so is the connection.
    } finally {
      closeQuietly(client);
      if (server !== undefined) closeQuietly(server);
    }
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    for await (const bytes of from.readable) await writeAll(to, bytes);
    closeQuietly(to);
  }

  /** Each client sends one request at a time, so what is read here is one reply. */
  async #passReplies(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(4_096);
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) throw new Error("the server is gone");
      this.#replies += 1;
      if (this.#replies % 3 === 0) {
        this.dropped += 1;
        throw new Error("the reply is lost");
      }
      await writeAll(to, buffer.subarray(0, count));
    }
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // Closed before.
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
    using proxy = new LossyProxy(cluster.ports);
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
    assert(proxy.dropped > INCREMENTS / 3, `${proxy.dropped} replies were dropped in ${attempts} attempts`);
  }));
