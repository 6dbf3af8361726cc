import { assert, assertEquals, assertGreater } from "@std/assert";
import { textToByteString } from "../../lib/base/bytes.ts";
import { Random } from "../../lib/base/random.ts";
import { type Command, Connection } from "../support/resp/connection.ts";
import type { Reply } from "../support/resp/reply.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { fieldsOf, numberOf, TextClient } from "../support/text_client.ts";

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
  using client = await TextClient.connect(cluster.node(id).clientPort);
  for (const [key, value] of pairs()) {
    const reply = textToByteString(await client.ask(`GET ${quote(key)}`));
    const shown = afterShown(afterShown(reply, "", "value of "), key, ": ");
    assertEquals(afterShown(shown, value), "", `node ${id}: ${JSON.stringify(key)}: ${reply}`);
  }
}

/** What stands behind a byte string and an end in a reply, where the byte string is as it is or in quotes with escapes. */
function afterShown(text: string, bytes: string, end = ""): string {
  const [quoted = "", inside = ""] = /^"((?:[^"\\]|\\[^])*)"/.exec(text) ?? [];
  const read = inside.replace(/\\(?:x([0-9a-f]{2})|([^]))/g, (_all, hex: string | undefined, other: string) => {
    return hex === undefined ? (ESCAPES.get(other) ?? other) : String.fromCharCode(parseInt(hex, 16));
  });
  const length = quoted !== "" && read === bytes ? quoted.length : text.startsWith(bytes) ? bytes.length : NaN;
  assert(text.startsWith(end, length), `${JSON.stringify(text)} does not begin with ${JSON.stringify(bytes)}`);
  return text.slice(length + end.length);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([["n", "\n"], ["t", "\t"]]);

async function sameEverywhere(cluster: ProcessCluster): Promise<void> {
  await cluster.waitUntilEqual();
  for (const { id } of cluster.nodes) {
    await holdsAll(cluster, id);
    await textProtocolAgrees(cluster, id);
  }
}

Deno.test("256 binary keys and values are the same on every node, over restarts, snapshots and both protocols", () =>
  withCluster({ flags: ["--snapshot-entries", "100"] }, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [writer = -1, wiped = -1] = cluster.others(leader);
    const replies = await exchange(cluster, writer, [...pairs()].map(([key, value]) => ["SET", key, value]));
    assertEquals(new Set(replies.map((reply) => JSON.stringify(reply))), new Set(['{"type":"Status","text":"OK"}']));
    await sameEverywhere(cluster);

    for (const { id } of cluster.nodes) {
      assertEquals(await exchange(cluster, id, [["SAVE"]]), [{ type: "Status", text: "OK" }]);
    }
    for (const { id } of cluster.nodes) await cluster.kill(id);
    for (const { id } of cluster.nodes) await cluster.restart(id);
    await cluster.waitForLeader();
    await sameEverywhere(cluster);

    await cluster.kill(wiped);
    await Deno.remove(cluster.node(wiped).directory, { recursive: true });
    await cluster.waitForLeader({ among: cluster.others(wiped) });
    await cluster.restart(wiped, ["--new-identity"]);
    await cluster.waitUntilEqual();
    const metrics = fieldsOf(await cluster.block(wiped, "METRICS"));
    assertGreater(numberOf(metrics, "Snapshots Installed"), 0, "the wiped node got a snapshot");
    await sameEverywhere(cluster);
  }));
