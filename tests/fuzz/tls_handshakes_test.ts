/**
 * Handshakes of TLS that are wrong in every way, on the port for clients and on the one for peers of a real node: it lives and stays small,
 * ends each of those connections, and serves everybody else meanwhile.
 *
 * `FUZZ_INPUTS` and `FUZZ_SEED` are as for the other fuzzers; with more inputs than usual it is waited until the last one that says nothing
 * more is ended, too: the time limit of a handshake.
 */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { Random } from "../../lib/base/random.ts";
import { HANDSHAKE_MS, HANDSHAKES_MAX } from "../../lib/tls/handshakes.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../lib/transport/limits.ts";
import { SERVER_TLS, testWith } from "../support/needs.ts";
import { PeerFiles } from "../support/peer_files.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { residentBytes } from "../support/process_usage.ts";
import { until, waitFor, withDeadline } from "../support/wait.ts";
import { GOLDEN, INPUTS_DEFAULT, rangeOfEnvironment } from "./harness.ts";
import { ATTEMPT_WAYS, makeAttempt, recordsOf } from "./tls_records.ts";

/** A connection is dearer than a parse. */
const SHARE = 80;
/** Open at the same time: more than handshakes may be under way on both ports. */
const OPEN_MAX = 500;
/** After so many somebody comes who means it. */
const HONEST_EVERY = 40;
/** With what is not collected yet: some 200 MiB, however many come. */
const GROWTH_BYTES_MAX = 350 * 1_048_576;
/** What a node says to one that it does not know: its side of a handshake, or an alert. */
const TOLD_BYTES_MAX = 32_768;
/** Lines about what strangers can cause are few, however many come. */
const LINES_MAX = 100;
/** For a machine that does other things as well. */
const LATE_MS = 4 * HANDSHAKE_MS;

const range = rangeOfEnvironment(SHARE);

/** A port that speaks TLS, and what a program has sent there. */
interface Door {
  readonly port: number;
  readonly records: readonly string[];
}

/** A node with TLS on both ports. */
interface Stage {
  readonly cluster: ProcessCluster;
  readonly tlsPort: number;
  readonly caText: string;
}

testWith(
  [SERVER_TLS],
  `handshakes of TLS: ${range.inputs} on each port, seed ${range.seed}`,
  () =>
    withNode(async (stage) => {
      const { cluster, tlsPort } = stage;
      const { process, peerPort } = cluster.node(0);
      assert(process !== undefined);
      const doors: readonly Door[] = [
        { port: tlsPort, records: await record(stage, tlsPort) },
        { port: peerPort, records: await record(stage, peerPort) },
      ];
      const run = new Attempts();
      await run.one(doors, { ...range, number: 0 });
      const [before, linesBefore] = [residentBytes(process.pid), process.lines.length];
      const first = range.only ?? 1;
      const end = range.only === undefined ? range.inputs : first + 1;
      for (let number = first; number < end; number++) {
        await run.one(doors, { ...range, number });
        if (number % HONEST_EVERY === 0) await beServed(stage);
        await until(() => run.open <= OPEN_MAX, "connections beyond the limits are ended");
      }
      await beServed(stage);
      await until(() => run.open === run.waiting, "every connection whose client says nothing more is ended");
      await until(
        () => run.waiting <= HANDSHAKES_MAX + DEFAULT_TRANSPORT_LIMITS.unauthenticatedMax,
        "few are half open",
      );
      if (range.inputs * SHARE > INPUTS_DEFAULT) {
        await until(() => run.open === 0, "every handshake has its end in time");
      }
      assertLess(run.longestMs, HANDSHAKE_MS + LATE_MS, "the time of a handshake");
      await run.leave();
      assertEquals([process.alive, run.missingWays(end - first)], [true, []]);
      assertLess(residentBytes(process.pid) - before, GROWTH_BYTES_MAX, "bytes more in memory");
      const said = process.lines.slice(linesBefore);
      assertLess(said.length, LINES_MAX, said.join("\n"));
      // An orderly end would wait for those that it has just ended.
      await cluster.kill(0);
      assertEquals(
        said.filter((line) => /panick|Uncaught|Bug|\.ts:\d/.test(line)),
        [],
      );
    }),
);

/** Every connection of strangers, and what became of it. */
class Attempts {
  /** Those that have not ended. */
  open = 0;
  /** Of those, the ones whose clients may still say something. */
  waiting = 0;
  longestMs = 0;
  readonly #ways = new Set<string>();
  readonly #conns = new Set<Deno.TcpConn>();
  readonly #results: Promise<void>[] = [];

  /** One attempt at each door. */
  async one(
    doors: readonly Door[],
    { seed, number }: { readonly seed: number; readonly number: number },
  ): Promise<void> {
    const random = new Random((seed + Math.imul(number, GOLDEN)) >>> 0);
    for (const door of doors) await this.#attempt(door, random);
  }

  /** Ways that none of so many attempts went, where there were enough. */
  missingWays(attempts: number): readonly string[] {
    return attempts < WAYS_EXPECTED_FROM ? [] : ATTEMPT_WAYS.filter((way) => !this.#ways.has(way));
  }

  /** Those that wait are gone. Rejects where an attempt was told too much. */
  async leave(): Promise<void> {
    for (const conn of this.#conns) closeQuietly(conn);
    await Promise.all(this.#results);
  }

  async #attempt({ port, records }: Door, random: Random): Promise<void> {
    const { way, pieces, then } = makeAttempt(records, random);
    const conn = await withDeadline(Deno.connect({ hostname: "127.0.0.1", port }), {
      what: "the port takes connections",
    });
    const begun = performance.now();
    this.#conns.add(conn);
    this.#ways.add(way);
    this.open += 1;
    if (then === "Waits") this.waiting += 1;
    const ended = readToEnd(conn).then((bytes) => {
      this.open -= 1;
      if (then === "Waits") this.waiting -= 1;
      this.#conns.delete(conn);
      closeQuietly(conn);
      if (then !== "Leaves") this.longestMs = Math.max(this.longestMs, performance.now() - begun);
      assertLess(bytes, TOLD_BYTES_MAX, `${way}: bytes that were told`);
    });
    this.#results.push(ended);
    try {
      for (const piece of pieces) await writeAll(conn, stringToBytes(piece));
      if (then === "EndsInput") await conn.closeWrite();
    } catch (error) {
      assertGone(error);
    }
    if (then === "Leaves") closeQuietly(conn);
  }
}

/** From so many attempts on each way must be among them. */
const WAYS_EXPECTED_FROM = 200;

async function withNode(body: (stage: Stage) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-fuzz-" });
  const files = new PeerFiles(root);
  const { certificate, key, authorities } = files.write("node-0", files.issue(0));
  const [tlsPort = 0] = findFreePorts(1);
  const flags = [
    ...["--tls-cert", certificate, "--tls-key", key, "--tls-port", String(tlsPort)],
    ...["--peer-tls-cert", certificate, "--peer-tls-key", key, "--peer-tls-ca", authorities],
  ];
  const caText = Deno.readTextFileSync(authorities);
  try {
    await withCluster({ nodes: 1, flags, root }, (cluster) => body({ cluster, tlsPort, caText }));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function connect({ caText }: Stage, port: number): Promise<Deno.TlsConn> {
  const tls = await Deno.startTls(await Deno.connect({ hostname: "127.0.0.1", port }), {
    hostname: "localhost",
    caCerts: [caText],
  });
  await tls.handshake();
  return tls;
}

/** What a client sends there until it is in, as somebody between the two sees it. */
async function record(stage: Stage, port: number): Promise<readonly string[]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let sent = "";
  const between = async () => {
    const [client, server] = [await listener.accept(), await Deno.connect({ hostname: "127.0.0.1", port })];
    const pass = async (from: Deno.TcpConn, to: Deno.TcpConn, see: (bytes: Uint8Array) => void) => {
      const buffer = new Uint8Array(16_384);
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        see(buffer.subarray(0, count));
        await writeAll(to, buffer.subarray(0, count));
      }
    };
    const there = pass(client, server, (bytes) => sent += bytesToString(bytes));
    const back = pass(server, client, () => {});
    await there.catch(assertGone);
    closeQuietly(server);
    await back.catch(assertGone);
    closeQuietly(client);
  };
  const passing = between();
  const { port: own } = listener.addr;
  const client = await connect(stage, own);
  if (port === stage.tlsPort) await client.write(stringToBytes("PING\n"));
  await client.read(new Uint8Array(1_024));
  client.close();
  await passing;
  const records = recordsOf(sent);
  assert(records.length > 2 && records[0]?.startsWith("\x16\x03\x01") === true, `${records.length} records`);
  return records;
}

/** Whoever means it comes in on both ports. A flood may end a handshake that is slow: then he tries again, as clients do. */
async function beServed(stage: Stage): Promise<void> {
  await waitFor(async () => {
    using client = await connect(stage, stage.tlsPort);
    await client.write(stringToBytes("PUT k v\n"));
    const buffer = new Uint8Array(1_024);
    const count = await client.read(buffer) ?? 0;
    assertMatch(bytesToString(buffer.subarray(0, count)), /successfully/);
    return true;
  }, { what: "a client is served" });
  await waitFor(async () => {
    using peer = await connect(stage, stage.cluster.node(0).peerPort);
    const buffer = new Uint8Array(1_024);
    const count = await peer.read(buffer) ?? 0;
    assertMatch(bytesToString(buffer.subarray(0, count)), /Challenge/);
    return true;
  }, { what: "a peer is asked who it is" });
}

/** How much comes until the connection has ended. */
async function readToEnd(conn: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(16_384);
  let bytes = 0;
  try {
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) bytes += count;
  } catch (error) {
    assertGone(error);
  }
  return bytes;
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}

/** The other side has ended the connection, or this one has. */
function assertGone(error: unknown): void {
  const { ConnectionReset, ConnectionAborted, BrokenPipe, BadResource, Interrupted, NotConnected } = Deno.errors;
  const kinds = [ConnectionReset, ConnectionAborted, BrokenPipe, BadResource, Interrupted, NotConnected];
  assert(kinds.some((kind) => error instanceof kind), String(error));
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch (error) {
    assertGone(error);
  }
}
