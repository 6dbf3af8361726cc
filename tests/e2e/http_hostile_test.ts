import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import type { CommandLine } from "../support/program.ts";
import { residentBytes } from "../support/process_usage.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor, withDeadline } from "../support/wait.ts";
import { readToEnd, sendAll } from "./support/raw.ts";

const NODE_PROGRAM = fromFileUrl(new URL("./support/hurried_node.ts", import.meta.url));
const MEGABYTE = 1_048_576;
const GROWTH_MAX = 300 * MEGABYTE;
const EACH_KIND = 500;
/** Every so often one in so many of the slow clients sends a byte. */
const DRIP_MS = 50;
const DRIP_SHARE = 10;
/** Requests of the others, one after the other, during an attack. How quick they are is what `deno task compare --only crowd` measures. */
const SERVED = 200;

const encoder = new TextEncoder();
const PIECE = new Uint8Array(MEGABYTE).fill(0x61);
/** How a body of 100 MiB is framed, and what it is sent in. */
type Upload = readonly [framing: string, bytes: Uint8Array];
const ANNOUNCED: Upload = [`Content-Length: ${100 * MEGABYTE}`, PIECE];
const CHUNKED: Upload = [
  "Transfer-Encoding: chunked",
  new Uint8Array([...encoder.encode(`${MEGABYTE.toString(16)}\r\n`), ...PIECE, 13, 10]),
];

function hurriedLine(args: CommandLine): CommandLine {
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-all", NODE_PROGRAM, ...args];
}

/** Runs `attack` on a node, beside a client whose requests must be served all the same. */
async function withNode(attack: (port: number, others: Others) => Promise<void>): Promise<void> {
  await withCluster({ nodes: 1, program: hurriedLine, stdin: "piped" }, async (cluster) => {
    using client = await TextClient.connect(cluster.node(0).clientPort);
    const others = new Others(cluster, client);
    await attack(cluster.node(0).httpPort, others);
    assertEquals(await client.ask("PUT after yes"), "after added successfully.");
    assertEquals(await httpStatus(cluster.node(0).httpPort, ""), 404);
    assert(cluster.node(0).process?.alive, "the node is alive");
    // What the attack left is given back when the collector runs, which it does while others are served.
    const hasShrunk = async () => {
      await others.areServed();
      return others.residentBytes() - others.residentBefore < GROWTH_MAX || undefined;
    };
    await waitFor(hasShrunk, { what: "memory that is given back after the attack" });
  });
}

/** The client that was there before, and what its node takes. */
class Others {
  readonly #cluster: ProcessCluster;
  readonly #client: TextClient;
  readonly residentBefore: number;

  constructor(cluster: ProcessCluster, client: TextClient) {
    this.#cluster = cluster;
    this.#client = client;
    this.residentBefore = this.residentBytes();
  }

  /** Every request is answered, as without the attack. */
  async areServed(): Promise<void> {
    for (let count = 0; count < SERVED; count++) {
      assertEquals(await this.#client.ask("PUT served yes"), "served added successfully.");
    }
  }

  /** Memory of the node. */
  residentBytes(): number {
    return residentBytes(this.#cluster.node(0).process?.pid ?? 0);
  }
}

async function httpStatus(port: number, key: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/no-such-path${key}`);
  await response.body?.cancel();
  return response.status;
}

/** A connection of the attack, and all that it got until it was closed. */
interface Offender {
  readonly connection: Deno.TcpConn;
  readonly ended: Promise<string>;
}

async function offend(port: number, { count, first }: { count: number; first: string }): Promise<Offender[]> {
  const settled = await Promise.allSettled(
    Array.from({ length: count }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  const open = settled.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  assertEquals(open.length, count, "connections that the node took");
  await Promise.all(open.map((connection) => sendAll(connection, encoder.encode(first))));
  return open.map((connection) => ({ connection, ended: readToEnd(connection) }));
}

/** Sends one byte on a tenth of the connections at a time, until it is stopped. */
function drip(offenders: readonly Offender[]): () => void {
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    for (let at = turn % DRIP_SHARE; at < offenders.length; at += DRIP_SHARE) {
      offenders[at]?.connection.write(encoder.encode("a")).catch(() => {});
    }
  }, DRIP_MS);
  return () => clearInterval(timer);
}

async function endsOf(offenders: readonly Offender[]): Promise<string[]> {
  const texts = await withDeadline(Promise.all(offenders.map(({ ended }) => ended)), {
    what: "every offender is closed",
  });
  for (const { connection } of offenders) connection.close();
  return texts;
}

const HEAD = "PUT /v1/kv/a HTTP/1.1\r\nHost: 127.0.0.1\r\n";

Deno.test("2 000 slow, silent and idle HTTP connections: others are served, and each is closed at its deadline", () =>
  withNode(async (port, others) => {
    const idle = await offend(port, { count: EACH_KIND, first: `GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n` });
    const silent = await offend(port, { count: EACH_KIND, first: "" });
    const slowHeads = await offend(port, { count: EACH_KIND, first: `${HEAD}X: ` });
    const slowBodies = await offend(port, { count: EACH_KIND, first: `${HEAD}Content-Length: 1000000\r\n\r\n` });
    const stop = drip([...slowHeads, ...slowBodies]);
    try {
      await others.areServed();
      assertLess(others.residentBytes() - others.residentBefore, GROWTH_MAX, "growth of memory under attack");
      for (const text of await endsOf(silent)) assertEquals(text, "");
      for (const text of await endsOf(idle)) assertMatch(text, /^HTTP\/1\.1 404 [^]*$/);
      for (const text of await endsOf(slowHeads)) assertMatch(text, /^HTTP\/1\.1 408 /);
      // The route may refuse the body at its head; what is left of it is then read over for a second.
      for (const text of await endsOf(slowBodies)) assertMatch(text, /^HTTP\/1\.1 4\d\d /);
    } finally {
      stop();
    }
  }));

Deno.test("bodies of 100 MiB, announced and chunked: refused at once, memory stays bounded, others are served", () =>
  withNode(async (port, others) => {
    const send = async (framing: string, bytes: Uint8Array): Promise<string> => {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      const reply = readToEnd(connection);
      await sendAll(connection, encoder.encode(`${HEAD}${framing}\r\n\r\n`));
      for (let count = 0; count < 100 && await sendAll(connection, bytes); count++);
      return await reply;
    };
    const sending = Promise.all(
      Array.from(
        { length: 8 },
        (_, at) => send(...(at % 2 === 0 ? ANNOUNCED : CHUNKED)),
      ),
    );
    let highest = 0;
    const timer = setInterval(() => highest = Math.max(highest, others.residentBytes()), DRIP_MS);
    try {
      await others.areServed();
      const replies = await withDeadline(sending, { what: "each upload ends" });
      // A client that goes on sending for long may find the connection reset before it reads.
      for (const reply of replies) assertMatch(reply, /^(HTTP\/1\.1 413 [^]*)?$/);
      for (const [framing, bytes] of [ANNOUNCED, CHUNKED]) {
        const isRefused = async () => (await send(framing, bytes)).startsWith("HTTP/1.1 413 ") || undefined;
        await waitFor(isRefused, { what: `an answer to ${framing}` });
      }
    } finally {
      clearInterval(timer);
    }
    assertLess(highest - others.residentBefore, GROWTH_MAX, "growth of memory under attack");
  }));

Deno.test("400 MB of bodies that stay incomplete, in 2 000 connections: memory stays bounded, others are served", () =>
  withNode(async (port, others) => {
    const first = `${HEAD}Content-Length: 1000000\r\n\r\n${"b".repeat(200_000)}`;
    const offenders: Offender[] = [];
    for (let count = 0; count < 20; count++) offenders.push(...await offend(port, { count: 100, first }));
    assertLess(others.residentBytes() - others.residentBefore, GROWTH_MAX, "growth of memory under attack");
    await others.areServed();
    const texts = await endsOf(offenders);
    for (const text of texts) assertMatch(text, /^(HTTP\/1\.1 (408|503) [^]*)?$/);
    assertGreater(texts.filter((text) => text !== "").length, offenders.length / 2, "connections that were answered");
  }));
