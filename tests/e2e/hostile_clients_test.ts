import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { TextClient } from "../support/text_client.ts";
import { DEADLINE_MS, delay, waitFor } from "../support/wait.ts";
import { exchange, noise, sendAll } from "./support/raw.ts";
import { residentBytes } from "../support/process_usage.ts";

const CONNECTIONS = 2_000;
const MEGABYTE = 1_048_576;
const GROWTH_MAX = 300 * MEGABYTE;
/** A connection that waits behind the limit may get no answer at all; it is given up then. */
const UNANSWERED_MS = 2_000;
const WORK_MS = 200;

/** A client that was there before, and one that comes during an attack, are both served. */
async function othersAreServed(client: TextClient, port: number): Promise<void> {
  assertEquals(await client.ask("PUT served yes"), "served added successfully.");
  assertEquals(await client.ask("GET served"), "value of served: yes");
  using another = await TextClient.connect(port);
  assertEquals(await another.ask("GET served"), "value of served: yes");
}

async function withAttack(
  wrap: { readonly wrap?: (line: readonly string[]) => readonly string[] },
  attack: (cluster: ProcessCluster, target: { readonly leader: number; readonly client: TextClient }) => Promise<void>,
): Promise<void> {
  await withCluster(wrap, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const before = await cluster.status(leader);
    using client = await TextClient.connect(cluster.node(leader).clientPort);
    await attack(cluster, { leader, client });
    const after = await cluster.status(await cluster.waitForLeader());
    assertEquals([after.get("Leader ID"), after.get("Term")], [before.get("Leader ID"), before.get("Term")]);
    for (const { process } of cluster.nodes) assert(process?.alive, "every node is alive");
  });
}

/** Opens many connections at once; those that the system or the node refuses are left out. */
async function openMany(port: number, count: number): Promise<Deno.TcpConn[]> {
  const settled = await Promise.allSettled(
    Array.from({ length: count }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  return settled.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
}

function closeAll(connections: readonly Deno.TcpConn[]): void {
  for (const connection of connections) {
    try {
      connection.close();
    } catch {
      // Closed by the server already.
    }
  }
}

Deno.test("clients that never read, endless lines, random bytes on both ports: the others are served", () =>
  withAttack({}, async (cluster, { leader, client }) => {
    const { clientPort, peerPort } = cluster.node(leader);
    const before = residentBytes(cluster.node(leader).process?.pid ?? 0);
    assertEquals(await client.ask(`PUT big ${"b".repeat(MEGABYTE / 2)}`), "big added successfully.");

    // Two thousand megabytes of replies that nobody reads.
    const deaf = await openMany(clientPort, 4);
    const asked = deaf.map((connection) => sendAll(connection, new TextEncoder().encode("GET big\n".repeat(1_000))));
    await othersAreServed(client, clientPort);

    const line = new Uint8Array(100 * MEGABYTE).fill(0x61);
    assertMatch(
      await exchange({ port: clientPort, bytes: line }),
      /^(Error: Line too long \(limit 1048576 bytes\)\.\n)?$/,
    );
    await othersAreServed(client, clientPort);

    for (const port of [clientPort, peerPort]) {
      const noisy = await openMany(port, 20);
      await Promise.all(noisy.map((connection, seed) => sendAll(connection, noise(200_000, seed))));
      await othersAreServed(client, clientPort);
      closeAll(noisy);
    }
    assertEquals(await exchange({ port: clientPort, bytes: "POST / HTTP/1.1\r\nHost: x\r\n\r\nPUT a b\n" }), "");
    assertLess(
      residentBytes(cluster.node(leader).process?.pid ?? 0) - before,
      GROWTH_MAX,
      "growth of the leader's memory",
    );
    closeAll(deaf);
    await Promise.all(asked);
    await othersAreServed(client, clientPort);
  }));

Deno.test("2 000 connections opened at once: all are served", () =>
  withAttack({}, async (cluster, { leader, client }) => {
    const { clientPort, peerPort } = cluster.node(leader);
    const crowd = await openMany(clientPort, CONNECTIONS);
    const strangers = await openMany(peerPort, CONNECTIONS / 4);
    await othersAreServed(client, clientPort);
    const replies = await Promise.all(crowd.map((connection) => askAndRead(connection, DEADLINE_MS)));
    const served = replies.filter((reply) => reply === "value of served: yes\n").length;
    assertEquals(served, CONNECTIONS);
    closeAll([...crowd, ...strangers]);
    await othersAreServed(client, clientPort);
  }));

Deno.test("2 000 connections opened at once under ulimit -n 256: who works is served, and so are new ones", () =>
  withAttack({ wrap: (line) => ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", ...line] }, async (cluster, attack) => {
    const { leader, client } = attack;
    const { clientPort, peerPort } = cluster.node(leader);
    const limit = await connectionLimit(client);
    // An idle connection would give way: this client goes on to work.
    const [crowd, strangers, replies] = await whileAtWork(client, async () => {
      const many = await openMany(clientPort, CONNECTIONS);
      const peers = await openMany(peerPort, CONNECTIONS / 4);
      const asked = many.slice(0, 1_000).map((connection) => askAndRead(connection, UNANSWERED_MS));
      return [many, peers, await Promise.all(asked)] as const;
    });
    const others = new Set(replies.filter((reply) => !reply.startsWith("Error: served does not exist.")));
    for (const reply of others) assertMatch(reply, /^(Error: Too many connections \(limit \d+\)\.\n)?$/);
    assert(replies.some((reply) => reply.startsWith("Error: served does not exist.")), "nobody was served");
    // The leader goes on to serve and to lead: its peers, its log and its snapshots have descriptors of their own.
    assertEquals(await client.ask("PUT served yes"), "served added successfully.");
    assertEquals(await client.ask("GET served"), "value of served: yes");
    await fillsSegments(client);
    assertMatch(await client.ask("SNAPSHOT"), /^Snapshot created at index \d+/);
    closeAll([...crowd, ...strangers]);
    await waitFor(() => othersAreServed(client, clientPort).then(() => true), {
      what: "new clients are served again",
    });
    await waitFor(async () => await connectionLimit(client) === limit || undefined, {
      what: "as many clients as before are admitted again",
    });
  }));

/** Does `phase` while the client asks again and again. */
async function whileAtWork<T>(client: TextClient, phase: () => Promise<T>): Promise<T> {
  let isOver = false;
  const work = async () => {
    while (!isOver) {
      assertEquals(await client.ask("GET served"), "Error: served does not exist.");
      await delay(WORK_MS);
    }
  };
  const [result] = await Promise.all([phase().finally(() => isOver = true), work()]);
  return result;
}

/** The limit on client connections that STATS tells. */
async function connectionLimit(client: TextClient): Promise<number> {
  const limit = /Server Connections: \d+ \(limit (\d+)\)/.exec((await client.askBlock("STATS")).join("\n"))?.[1];
  assert(limit !== undefined, "STATS tells the limit");
  return Number(limit);
}

/** So much that the log needs another segment: a file to be opened when descriptors are scarce. */
async function fillsSegments(client: TextClient): Promise<void> {
  const value = "s".repeat(50_000);
  for (let round = 0; round < 40; round++) {
    const replies = Promise.all(Array.from({ length: 10 }, () => client.expect(false)));
    client.send(`PUT filler ${value}\n`.repeat(10));
    for (const [line] of await replies) assertEquals(line, "filler added successfully.");
  }
}

/** One question and the first bytes of the answer; "" when the connection ends before or takes too long. */
async function askAndRead(connection: Deno.TcpConn, timeoutMs: number): Promise<string> {
  const buffer = new Uint8Array(200);
  const timer = setTimeout(() => closeAll([connection]), timeoutMs);
  try {
    await connection.write(new TextEncoder().encode("GET served\n"));
    const count = await connection.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  } catch {
    return "";
  } finally {
    clearTimeout(timer);
  }
}
