/**
 * The longest turn of the event loop of each node while 8 MiB are written and read through every interface, taken into
 * snapshots, replayed and installed: `deno run -A bench/longest_turn.ts [VALUE] [STEP]`, where VALUE is one of `random` (the
 * usual one), `text`, `escapes` and `heads` and STEP the beginning of the names of the steps to take. Linux only. A timer of
 * 1 ms tells the turns, so several short ones in a row may count as one. Processor time is what to look at on a machine that
 * does other things, too. KVSTORE_NODE_DENO names another executable of Deno for the nodes.
 */

import { fromFileUrl } from "@std/path";
import { Buffer } from "node:buffer";
import { VALUE_BYTES_MAX } from "../lib/kv/commands.ts";
import { V8_FLAGS } from "../lib/cluster/own_program.ts";
import { ProcessCluster } from "../tests/support/process_cluster.ts";
import { numberOf } from "../tests/support/text_client.ts";
import { waitFor } from "../tests/support/wait.ts";
import { askHttp, askRedis, askText, readEvents } from "./support/long_requests.ts";
import { print } from "./support/print.ts";
import { TURN_MARK } from "./support/turn_probe.ts";

const PROBE = fromFileUrl(new URL("./support/turn_probe.ts", import.meta.url));
const ROUNDS = 4;
const RANDOM_BYTES_MAX = 65_536;
const NAME_WIDTH = 24;
const REPLY_WIDTH = 20;
/** What a line of the text protocol holds of a value. */
const LINE_VALUE_BYTES = 1_000_000;
/** Until a node's last turn has been told. */
const SETTLE_MS = 200;

/** The longest turns that the nodes told since the last call, as `wall/processor` ms. */
function makeTurnReader(cluster: ProcessCluster): () => string {
  const seen = new Map<number, number>();
  return () =>
    cluster.nodes.map(({ id, processes }) => {
      const lines = processes.flatMap((process) => process.lines);
      const told = lines.filter((line) => line.startsWith(`${TURN_MARK} `));
      const turns = told.slice(seen.get(id) ?? 0).map((line) => line.split(" ").slice(1).map(Number));
      seen.set(id, told.length);
      const longest = (at: number): number => Math.max(0, ...turns.map((turn) => turn[at] ?? 0));
      return `${longest(0)}/${longest(1)}`.padStart(10);
    }).join("");
}

type Step = readonly [name: string, run: () => Promise<string>];

/** The nodes to ask, and the value. */
interface Scene {
  readonly cluster: ProcessCluster;
  readonly leader: number;
  readonly follower: number;
  readonly toLeader: Deno.TcpConn;
  readonly toFollower: Deno.TcpConn;
  readonly value: Uint8Array<ArrayBuffer>;
}

function redisSteps({ toLeader, toFollower, value }: Scene): readonly Step[] {
  const last = value.subarray(1);
  const transact = async (socket: Deno.TcpConn) => {
    await askRedis(socket, ["MULTI"]);
    await askRedis(socket, ["SET", "k", value]);
    return await askRedis(socket, ["EXEC"]);
  };
  let sequence = 0;
  const once = async (socket: Deno.TcpConn) => {
    const session = (await askRedis(socket, ["SESSION", "OPEN"])).slice(1);
    return await askRedis(socket, ["ONCE", session, String(++sequence), "SET", "k", value]);
  };
  return [
    ["SET leader", () => askRedis(toLeader, ["SET", "k", value])],
    ["GET leader", () => askRedis(toLeader, ["GET", "k"])],
    ["SET follower", () => askRedis(toFollower, ["SET", "k", value])],
    ["GET follower", () => askRedis(toFollower, ["GET", "k"])],
    ["GETSET follower", () => askRedis(toFollower, ["GETSET", "k", value])],
    ["DEL", () => askRedis(toLeader, ["DEL", "a"])],
    ["APPEND", async () => {
      await askRedis(toLeader, ["SET", "a", ""]);
      return await askRedis(toLeader, ["APPEND", "a", value]);
    }],
    ["SETRANGE", () => askRedis(toLeader, ["SETRANGE", "k", "1", last])],
    ["GETRANGE", () => askRedis(toLeader, ["GETRANGE", "k", "0", "-1"])],
    ["MULTI SET EXEC leader", () => transact(toLeader)],
    ["MULTI SET EXEC follower", () => transact(toFollower)],
    ["ONCE SET leader", () => once(toLeader)],
    ["ONCE SET follower", () => once(toFollower)],
  ];
}

function httpSteps({ cluster, leader, follower, value }: Scene): readonly Step[] {
  const url = (id: number, path: string) => `http://127.0.0.1:${cluster.node(id).httpPort}${path}`;
  const put: RequestInit = { method: "PUT", body: value };
  const json: RequestInit = { headers: { Accept: "application/json" } };
  const word = Buffer.from(value).toString("base64");
  const body = JSON.stringify({ then: [{ put: { key: "http", value_base64: word } }, { get: { key: "http" } }] });
  let sequence = 0;
  const once = async (id: number) => {
    const response = await fetch(url(id, "/v1/sessions"), { method: "POST" });
    const { id: session } = await response.json();
    const headers = { "Idempotency-Key": `${session}:${++sequence}` };
    return await askHttp(url(id, "/v1/kv/http"), { ...put, headers });
  };
  const onEach = (name: string, run: (id: number) => Promise<string>): readonly Step[] => [
    [`${name} leader`, () => run(leader)],
    [`${name} follower`, () => run(follower)],
  ];
  return [
    ...onEach("HTTP PUT", (id) => askHttp(url(id, "/v1/kv/http"), put)),
    ...onEach("HTTP GET", (id) => askHttp(url(id, "/v1/kv/http"))),
    ...onEach("HTTP GET JSON", (id) => askHttp(url(id, "/v1/kv/http"), json)),
    ...onEach("HTTP page", (id) => askHttp(url(id, "/v1/kv?prefix=http"))),
    ...onEach("HTTP preview", (id) => askHttp(url(id, "/v1/kv?prefix=http&preview=64"))),
    ...onEach("HTTP PUT once", once),
    ...onEach("HTTP txn", (id) => askHttp(url(id, "/v1/txn"), { method: "POST", body })),
    ...onEach(
      "HTTP events",
      (id) => readEvents(url(id, "/v1/events?prefix=http"), value.length, () => askHttp(url(id, "/v1/kv/http"), put)),
    ),
    ...onEach(
      "HTTP events state",
      (id) => readEvents(url(id, "/v1/events?prefix=http&snapshot=1"), value.length, () => Promise.resolve("200")),
    ),
  ];
}

function textSteps({ cluster, leader, follower }: Scene): readonly Step[] {
  const line = `PUT line ${"\xe4x".repeat(LINE_VALUE_BYTES / 2)}`;
  return [leader, follower].flatMap((id): readonly Step[] => {
    const name = id === leader ? "leader" : "follower";
    const { clientPort } = cluster.node(id);
    return [
      [`text PUT of 1 MB ${name}`, () => askText(clientPort, line)],
      [`text GET ${name}`, () => askText(clientPort, "GET k")],
    ];
  });
}

/** Snapshots, and starts of a follower: from its log, and from a snapshot of the leader. */
function fileSteps({ cluster, leader, follower, toLeader, value }: Scene): readonly Step[] {
  const snapshot = async () => {
    await askRedis(toLeader, ["SET", "k", value]);
    return await cluster.ask(leader, "SNAPSHOT");
  };
  const catchUp = async () => {
    const target = numberOf(await cluster.status(leader), "Commit Index");
    const what = "the follower is as far as the leader";
    await waitFor(async () => {
      return numberOf(await cluster.status(follower), "Last Applied") >= target ? true : undefined;
    }, { what });
    return "caught up";
  };
  return [
    ["snapshot", snapshot],
    ["replay at the start", async () => {
      await cluster.kill(follower);
      await cluster.restart(follower);
      return await catchUp();
    }],
    ["installing a snapshot", async () => {
      await cluster.kill(follower);
      await Deno.remove(cluster.node(follower).directory, { recursive: true });
      await askRedis(toLeader, ["SET", "k", value]);
      await cluster.ask(leader, "SNAPSHOT");
      await cluster.restart(follower, ["--new-identity"]);
      return await catchUp();
    }],
  ];
}

async function measure(cluster: ProcessCluster, value: Uint8Array<ArrayBuffer>, wanted: string): Promise<void> {
  const leader = await cluster.waitForLeader();
  const [follower = 0] = cluster.others(leader);
  const connect = (id: number) => Deno.connect({ hostname: "127.0.0.1", port: cluster.node(id).clientPort });
  using toLeader = await connect(leader);
  using toFollower = await connect(follower);
  const scene: Scene = { cluster, leader, follower, toLeader, toFollower, value };
  const steps = [...redisSteps(scene), ...httpSteps(scene), ...textSteps(scene), ...fileSteps(scene)];
  await askRedis(toLeader, ["SET", "k", value]);
  await askRedis(toLeader, ["SET", "http", value]);
  const turns = makeTurnReader(cluster);
  turns();
  print(
    `leader is node ${leader}, follower node ${follower}; longest turn of nodes 0, 1, 2 in ms, wall/processor`,
  );
  const chosen = steps.filter(([name]) => name.startsWith(wanted));
  if (chosen.length === 0) {
    throw new Error(`Cannot find a step "${wanted}": known are ${steps.map(([name]) => name).join(", ")}`);
  }
  for (const [name, run] of chosen) {
    let reply = "";
    for (let round = 0; round < ROUNDS; round++) reply = await run();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    print(`${name.padEnd(NAME_WIDTH)}${turns()}  ${reply.slice(0, REPLY_WIDTH).trim()}`);
  }
}

function randomBytes(): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(VALUE_BYTES_MAX);
  for (let at = 0; at < value.length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(value.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return value;
}

function repeated(bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(VALUE_BYTES_MAX).map((_, at) => bytes[at % bytes.length] ?? 0);
}

const VALUES: ReadonlyMap<string, () => Uint8Array<ArrayBuffer>> = new Map([
  ["random", randomBytes],
  ["text", () => repeated([0xc3, 0xa9])],
  // Six characters in JSON each.
  ["escapes", () => repeated([0x01])],
  // What records of the log begin with.
  ["heads", () => repeated([0x01, 0x4b, 0x52])],
]);

if (import.meta.main) {
  const [kind = "random", wanted = ""] = Deno.args;
  const make = VALUES.get(kind);
  if (make === undefined) throw new Error(`Cannot make a value "${kind}": known are ${[...VALUES.keys()].join(", ")}`);
  const deno = Deno.env.get("KVSTORE_NODE_DENO") ?? Deno.execPath();
  const program = (args: readonly string[]) => [deno, "run", "--quiet", "--no-lock", "-A", V8_FLAGS, PROBE, ...args];
  await using cluster = new ProcessCluster({ program });
  await cluster.start();
  await measure(cluster, make(), wanted);
}
