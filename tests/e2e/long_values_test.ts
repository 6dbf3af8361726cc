/** Random bytes of the longest value, one after the other: the nodes turn fast enough to keep their leader. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Buffer } from "node:buffer";
import { VALUE_BYTES_MAX } from "../../lib/kv/commands.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { numberOf } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

const VALUES = 16;
const RANDOM_BYTES_MAX = 65_536;
/** As long as a node may be silent before another one stands for election. */
const ELECTION_TIMEOUT_MS = 1_000;
/** What the machine takes from the processes is no fault of theirs; promises are judged in every attempt. */
const ATTEMPTS = 5;

function randomValue(): Uint8Array<ArrayBuffer> {
  const drawn = new Uint8Array(VALUE_BYTES_MAX);
  for (let at = 0; at < drawn.length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(drawn.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return drawn;
}

async function set(socket: Deno.TcpConn, key: string, value: Uint8Array): Promise<string> {
  const head = `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n`;
  const request = Buffer.concat([Buffer.from(head), value, Buffer.from("\r\n")]);
  for (let at = 0; at < request.length;) at += await socket.write(request.subarray(at));
  const reply = new Uint8Array(1_024);
  let text = "";
  while (!text.endsWith("\r\n")) {
    const count = await socket.read(reply);
    assert(count !== null, "The connection ended before the reply");
    text += Buffer.from(reply.subarray(0, count)).toString("latin1");
  }
  return text;
}

/** Sets the values on one node, through Redis's protocol; returns what was replied. */
async function setAll(cluster: ProcessCluster, id: number, values: readonly Uint8Array[]): Promise<readonly string[]> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: cluster.node(id).clientPort });
  const replies: string[] = [];
  for (const [at, value] of values.entries()) replies.push(await set(socket, `long-${id}-${at}`, value));
  return replies;
}

/** What the cluster holds, as soon as it can be read. */
async function read(cluster: ProcessCluster, key: string): Promise<Uint8Array> {
  const url = `http://127.0.0.1:${cluster.node(0).httpPort}/v1/kv/${key}`;
  return await waitFor(async () => {
    const response = await fetch(url, { headers: { Accept: "application/octet-stream" } });
    const body = new Uint8Array(await response.arrayBuffer());
    // A key that is not there is an answer, too.
    return response.ok || response.status === 404 ? body : undefined;
  }, { what: `a reading of ${key}` });
}

/** The longest time that a node says it did not run for. */
function longestStall(cluster: ProcessCluster): number {
  const lines = cluster.nodes.flatMap(({ process }) => process?.lines ?? []);
  return Math.max(0, ...lines.map((line) => Number(/did not run for (\d+) ms/.exec(line)?.[1] ?? 0)));
}

async function attempt(): Promise<{ readonly terms: number; readonly stallMs: number }> {
  let measured = { terms: 0, stallMs: 0 };
  await withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [follower = 0] = cluster.others(leader);
    const term = numberOf(await cluster.status(leader), "Term");
    const values = Array.from({ length: VALUES }, randomValue);
    const half = VALUES / 2;
    const replies = [
      ...await setAll(cluster, leader, values.slice(0, half)),
      ...await setAll(cluster, follower, values.slice(half)),
    ];
    const next = await cluster.waitForLeader();
    measured = { terms: numberOf(await cluster.status(next), "Term") - term, stallMs: longestStall(cluster) };
    for (const [at, reply] of replies.entries()) {
      const [id, place] = at < half ? [leader, at] : [follower, at - half];
      if (reply !== "+OK\r\n") continue;
      const key = `long-${id}-${place}`;
      assert(Buffer.from(await read(cluster, key)).equals(values[at] ?? new Uint8Array()), `${key} is not intact`);
    }
    if (measured.terms === 0) assertEquals(replies, Array.from({ length: VALUES }, () => "+OK\r\n"));
  });
  return measured;
}

Deno.test("16 values of 8 MiB of random bytes are acknowledged and intact, without a change of the leader", async () => {
  let measured = await attempt();
  for (let count = 1; count < ATTEMPTS && (measured.terms > 0 || measured.stallMs > ELECTION_TIMEOUT_MS); count++) {
    measured = await attempt();
  }
  assertEquals(measured.terms, 0);
  assertLess(measured.stallMs, ELECTION_TIMEOUT_MS);
});
