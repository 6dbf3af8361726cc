/**
 * The longest turn of the event loop of each node while 8 MiB of random bytes are written and read through every interface:
 * `deno run -A bench/longest_turn.ts`. Linux only. A timer of 1 ms tells the turns, so several short ones in a row may count
 * as one. Processor time is what to look at on a machine that does other things, too.
 */

import { fromFileUrl } from "@std/path";
import { Buffer } from "node:buffer";
import { VALUE_BYTES_MAX } from "../lib/kv/commands.ts";
import { V8_FLAGS } from "../lib/cluster/own_program.ts";
import { ProcessCluster } from "../tests/support/process_cluster.ts";
import { print } from "./support/print.ts";
import { TURN_MARK } from "./support/turn_probe.ts";

const PROBE = fromFileUrl(new URL("./support/turn_probe.ts", import.meta.url));
const ROUNDS = 4;
const RANDOM_BYTES_MAX = 65_536;
const NAME_WIDTH = 20;
/** Until a node's last turn has been told. */
const SETTLE_MS = 200;

type Word = string | Uint8Array;

/** One request, and its reply to the end; returns the reply's first line. */
async function ask(socket: Deno.TcpConn, words: readonly Word[]): Promise<string> {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) parts.push(Buffer.from(`$${word.length}\r\n`), Buffer.from(word), Buffer.from("\r\n"));
  const request = Buffer.concat(parts);
  for (let at = 0; at < request.length;) at += await socket.write(request.subarray(at));
  const buffer = new Uint8Array(262_144);
  let head = "";
  let received = 0;
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) throw new Error("Cannot read a reply: the connection ended");
    received += count;
    if (!head.includes("\r\n")) head += Buffer.from(buffer.subarray(0, count)).toString("latin1");
    const [line = ""] = head.split("\r\n", 1);
    if (!head.includes("\r\n")) continue;
    const bodyBytes = /^\$(\d+)/.exec(line)?.[1];
    if (bodyBytes === undefined || received >= line.length + Number(bodyBytes) + 4) return line;
  }
}

async function http(url: string, options: RequestInit = {}): Promise<string> {
  const response = await fetch(url, options);
  await response.arrayBuffer();
  return String(response.status);
}

/** The longest turns that the nodes told since the last call, as `wall/processor` ms. */
function makeTurnReader(cluster: ProcessCluster): () => string {
  const seen = new Map<number, number>();
  return () =>
    cluster.nodes.map(({ id, process }) => {
      const told = (process?.lines ?? []).filter((line) => line.startsWith(`${TURN_MARK} `));
      const turns = told.slice(seen.get(id) ?? 0).map((line) => line.split(" ").slice(1).map(Number));
      seen.set(id, told.length);
      const longest = (at: number): number => Math.max(0, ...turns.map((turn) => turn[at] ?? 0));
      return `${longest(0)}/${longest(1)}`.padStart(10);
    }).join("");
}

async function measure(cluster: ProcessCluster, value: Uint8Array<ArrayBuffer>): Promise<void> {
  const leader = await cluster.waitForLeader();
  const [follower = 0] = cluster.others(leader);
  const connect = (id: number) => Deno.connect({ hostname: "127.0.0.1", port: cluster.node(id).clientPort });
  using toLeader = await connect(leader);
  using toFollower = await connect(follower);
  const url = (id: number) => `http://127.0.0.1:${cluster.node(id).httpPort}/v1/kv/http`;
  const put: RequestInit = { method: "PUT", body: value };
  const last = value.subarray(1);
  const steps: readonly (readonly [string, () => Promise<string>])[] = [
    ["SET leader", () => ask(toLeader, ["SET", "k", value])],
    ["GET leader", () => ask(toLeader, ["GET", "k"])],
    ["SET follower", () => ask(toFollower, ["SET", "k", value])],
    ["GET follower", () => ask(toFollower, ["GET", "k"])],
    ["GETSET follower", () => ask(toFollower, ["GETSET", "k", value])],
    ["DEL", () => ask(toLeader, ["DEL", "a"])],
    ["APPEND", async () => (await ask(toLeader, ["SET", "a", ""])) + (await ask(toLeader, ["APPEND", "a", value]))],
    ["SETRANGE", () => ask(toLeader, ["SETRANGE", "k", "1", last])],
    ["GETRANGE", () => ask(toLeader, ["GETRANGE", "k", "0", "-1"])],
    ["HTTP PUT leader", () => http(url(leader), put)],
    ["HTTP PUT follower", () => http(url(follower), put)],
    ["HTTP GET leader", () => http(url(leader))],
    ["SNAPSHOT", () => cluster.ask(leader, "SNAPSHOT")],
  ];
  const turns = makeTurnReader(cluster);
  turns();
  print(
    `leader is node ${leader}, follower node ${follower}; longest turn of nodes 0, 1, 2 in ms, wall/processor`,
  );
  for (const [name, run] of steps) {
    let reply = "";
    for (let round = 0; round < ROUNDS; round++) reply = await run();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    print(`${name.padEnd(NAME_WIDTH)}${turns()}  ${reply.slice(0, NAME_WIDTH)}`);
  }
}

if (import.meta.main) {
  const value = new Uint8Array(VALUE_BYTES_MAX);
  for (let at = 0; at < value.length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(value.subarray(at, at + RANDOM_BYTES_MAX));
  }
  const program = (args: readonly string[]) => [Deno.execPath(), "run", "--quiet", "-A", V8_FLAGS, PROBE, ...args];
  await using cluster = new ProcessCluster({ program });
  await cluster.start();
  await measure(cluster, value);
}
