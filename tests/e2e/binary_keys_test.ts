import { assert, assertEquals } from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import { type Command, Connection } from "../differential/connection.ts";
import type { Reply } from "../differential/reply.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";

/** Names that mean something to JavaScript, and bytes that mean something to protocols. */
const SPECIAL = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "\x00",
  "\r\n",
  "\xff",
  "\xc3\x28",
  "\xed\xa0\x80",
  " ",
  '"',
  "'",
  "*1\r\n$4\r\nPING\r\n",
];
const COUNT = 256;
const SEED = 20_251_123;

function pairs(): ReadonlyMap<string, string> {
  const random = new Random(SEED);
  const made = new Map<string, string>(SPECIAL.map((key, at) => [key, at === 0 ? "" : key.repeat(3)]));
  const bytes = (length: number) => Array.from({ length }, () => String.fromCharCode(random.below(256))).join("");
  while (made.size < COUNT) made.set(bytes(random.between(1, 40)), bytes(random.below(60)));
  return made;
}

async function exchange(cluster: ProcessCluster, id: number, commands: readonly Command[]): Promise<readonly Reply[]> {
  using connection = await Connection.open(`127.0.0.1:${cluster.node(id).clientPort}`);
  return await connection.exchange(commands);
}

/** Every pair is read as it was written, each key is scanned once, and there is no other. */
async function holdsAll(cluster: ProcessCluster, id: number): Promise<void> {
  const wanted = pairs();
  const replies = await exchange(cluster, id, [...wanted.keys()].map((key) => ["GET", key]));
  for (const [at, [key, value]] of [...wanted].entries()) {
    assertEquals(replies[at], { type: "Bulk", text: value }, `node ${id}: ${JSON.stringify(key)}`);
  }
  const scanned: string[] = [];
  let cursor = "0";
  do {
    const [reply] = await exchange(cluster, id, [["SCAN", cursor, "COUNT", "100"]]);
    const [next, keys] = reply?.type === "Array" ? reply.items : [];
    assert(next?.type === "Bulk" && keys?.type === "Array", JSON.stringify(reply));
    cursor = next.text;
    for (const key of keys.items) if (key.type === "Bulk") scanned.push(key.text);
  } while (cursor !== "0");
  assertEquals(scanned, [...wanted.keys()].sort(), `node ${id}: keys in byte order, each once`);
}

/** The text protocol takes any byte in double quotes, and shows what is not printable the same way. */
async function textProtocolAgrees(cluster: ProcessCluster, id: number): Promise<void> {
  const quote = (bytes: string) =>
    `"${Array.from(bytes, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`).join("")}"`;
  for (const [key, value] of pairs()) {
    const reply = await cluster.ask(id, `GET ${quote(key)}`);
    assert(reply.startsWith("value of "), reply);
    if (/^[a-z]+$/i.test(key)) assertEquals(reply, `value of ${key}: ${value}`);
  }
}

Deno.test("256 binary keys and values are the same on every node, over restarts, snapshots and both protocols", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [writer = -1, wiped = -1] = cluster.others(leader);
    const replies = await exchange(cluster, writer, [...pairs()].map(([key, value]) => ["SET", key, value]));
    assertEquals(new Set(replies.map((reply) => JSON.stringify(reply))).size, 1);
    for (const id of [0, 1, 2]) await holdsAll(cluster, id);
    await textProtocolAgrees(cluster, leader);

    for (const id of [0, 1, 2]) assertEquals(await exchange(cluster, id, [["SAVE"]]), [{ type: "Status", text: "OK" }]);
    await cluster.kill(wiped);
    await Deno.remove(cluster.node(wiped).directory, { recursive: true });
    await cluster.restart(wiped, ["--new-identity"]);
    await cluster.waitUntilEqual(20_000);
    await holdsAll(cluster, wiped);

    for (const id of [0, 1, 2]) await cluster.kill(id);
    for (const id of [0, 1, 2]) cluster.launch(id);
    await cluster.waitForLeader();
    for (const id of [0, 1, 2]) await holdsAll(cluster, id);
  }));
