/** Half requests and idle connections on every place of the client port: newcomers are served all the same before long. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { readToEnd, sendAll } from "../e2e/support/raw.ts";

/** Without a flag for it, this is the limit: docs/limits.md. */
const DEFAULT_LIMIT = 4_096;
/** Opened at once: fewer than the system keeps waiting for a port. */
const BATCH = 64;
const RECEIVE_TIMEOUT_MS = 5_000;
/** More than the deadline of a request, and more than it takes to be idle, however busy the machine is. */
const PATIENCE_MS = 120_000;
const SMALL_LIMIT = 5;

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Asks on a new connection and reads to its end; "" when it is closed without a word. */
async function ask(port: number): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await sendAll(connection, encoded("GET k\n"));
  await connection.closeWrite().catch(() => {});
  return await readToEnd(connection);
}

async function metric(cluster: ProcessCluster, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${cluster.node(0).httpPort}/metrics`);
  const line = (await response.text()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

function closedFor(cluster: ProcessCluster, reason: string): Promise<number> {
  return metric(cluster, `kvstore_server_client_connections_closed_total{reason="${reason}"}`);
}

async function newcomerIsServed(port: number): Promise<void> {
  await waitFor(async () => await ask(port) === "Error: k does not exist.\n" || undefined, {
    what: "a newcomer is served",
    timeoutMs: PATIENCE_MS,
    everyMs: 200,
  });
}

Deno.test("4 096 half requests take every place: once their deadline has passed, a newcomer is served", () =>
  withCluster({ nodes: 1, flags: ["--receive-timeout-ms", `${RECEIVE_TIMEOUT_MS}`] }, async (cluster) => {
    const { clientPort } = cluster.node(0);
    const crowd: Deno.TcpConn[] = [];
    try {
      const begun = performance.now();
      while (crowd.length < DEFAULT_LIMIT) {
        const count = Math.min(BATCH, DEFAULT_LIMIT - crowd.length);
        const opened = await Promise.all(Array.from({ length: count }, async () => {
          const connection = await Deno.connect({ hostname: "127.0.0.1", port: clientPort });
          await sendAll(connection, encoded("PUT half"));
          return connection;
        }));
        crowd.push(...opened);
      }
      // Where the machine is so busy that some have met their deadline, there is room again already.
      if (performance.now() - begun < RECEIVE_TIMEOUT_MS) {
        assertMatch(await ask(clientPort), /^(Error: Too many connections \(limit 4096\)\.\n)?$/);
      }
      await newcomerIsServed(clientPort);
      const [first] = crowd;
      assertStringIncludes(first === undefined ? "" : await readToEnd(first), "Error: Request not complete in time.");
      await waitFor(async () => await closedFor(cluster, "request_timeout") === DEFAULT_LIMIT || undefined, {
        what: "every half request is counted",
        timeoutMs: PATIENCE_MS,
      });
      assertEquals(await closedFor(cluster, "idle"), 0, "a half request is not idle");
    } finally {
      for (const connection of crowd) connection.close();
    }
  }));

Deno.test("idle connections give way to newcomers, the longest idle first, those with a transaction or WATCH last", () =>
  withCluster({ nodes: 1, flags: ["--max-connections", `${SMALL_LIMIT}`] }, async (cluster) => {
    const { clientPort } = cluster.node(0);
    const open: Deno.TcpConn[] = [];
    const closed: string[] = [];
    /** Opens a connection, has one request answered, and notes when the node closes it. */
    async function occupy(name: string, request: string): Promise<void> {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: clientPort });
      open.push(connection);
      await sendAll(connection, encoded(request));
      await connection.read(new Uint8Array(100_000));
      void readToEnd(connection).then(() => closed.push(name));
    }
    try {
      await occupy("transaction", "*1\r\n$5\r\nMULTI\r\n");
      await occupy("watched key", "*2\r\n$5\r\nWATCH\r\n$1\r\nk\r\n");
      await occupy("subscription", "WATCH 3600\n");
      await occupy("first idle", "GET k\n");
      await occupy("second idle", "GET k\n");
      const expected = ["first idle", "second idle", "transaction", "watched key", "subscription"];
      for (const [at, name] of expected.entries()) {
        const newcomer = await waitFor(() => stays(clientPort, open), {
          what: `a newcomer takes the place of ${name}`,
          timeoutMs: PATIENCE_MS,
          everyMs: 200,
        });
        assertEquals(newcomer, "Error: k does not exist.\n");
        await waitFor(() => closed.length > at || undefined, { what: `${name} is closed` });
        assertEquals(closed, expected.slice(0, at + 1));
        assertEquals(await closedFor(cluster, "idle"), at + 1);
      }
      assertEquals(await closedFor(cluster, "request_timeout"), 0);
    } finally {
      for (const connection of open) connection.close();
    }
  }));

/** A newcomer that keeps the place it gets: its first reply, or undefined when it was refused. */
async function stays(port: number, open: Deno.TcpConn[]): Promise<string | undefined> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await sendAll(connection, encoded("GET k\n"));
  const buffer = new Uint8Array(1_000);
  const count = await connection.read(buffer).catch(() => null);
  const reply = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  if (reply === "" || reply.startsWith("Error: Too many")) {
    connection.close();
    return undefined;
  }
  open.push(connection);
  return reply;
}
