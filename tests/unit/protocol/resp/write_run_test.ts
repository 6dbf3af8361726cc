/** Writes that are taken together do what they do one by one, and each is told, counted and refused as if it had come alone. */

import { assert, assertEquals } from "@std/assert";
import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { Random } from "../../../../lib/base/random.ts";
import { encodeCommand } from "../../../../lib/kv/commands.ts";
import { decodeCommands } from "../../../../lib/raft/run.ts";
import { readWriteRun, type RunBounds } from "../../../../lib/protocol/resp/write_run.ts";
import { Span } from "../../../../lib/store/span.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";
import { RespBench, type RespClient } from "./session_support.ts";

const BOUNDS: RunBounds = { login: undefined, countMax: 100, keyBytesMax: 65_536, valueBytesMax: 8_388_608 };
const KEYS = ["a", "", "n", "m", "\0\xff\r\n*3\r\n", "long".repeat(100)];
const VALUES = ["1", "", "-7", "text", "\r\n*3\r\n$3\r\nSET\r\n$1\r\n", "\xff\0".repeat(300), "x".repeat(30_000)];

function requestOf(random: Random): string {
  const key = random.pick(KEYS);
  return random.pick([
    () => encodeRequest(random.pick(["SET", "SET", "SET", "set", "Set"]), key, random.pick(VALUES)),
    () => encodeRequest(random.pick(["INCR", "INCR", "incr", "DECR", "decr"]), key),
    () => encodeRequest("GET", key),
    () => encodeRequest("SET", key, "1", "EX", "100"),
    () => encodeRequest("INCRBY", key, "5"),
    () => `SET ${random.pick(["a", "n"])} 5\r\n`,
    () => `*3\r\n$3\r\nSET\r\n$01\r\na\r\n$1\r\n2\r\n`,
  ])();
}

/** Streaks of one kind, as pipelines have them. */
function requestsOf(random: Random): readonly string[] {
  const requests: string[] = [];
  while (requests.length < 60) {
    const request = requestOf(random);
    for (let more = random.pick([1, 1, 2, 5]); more > 0; more--) requests.push(request);
  }
  return requests;
}

/** Sends bytes in pieces; whoever looks into the buffer of a piece once more may come finds something else. */
async function sendInPieces(client: RespClient, bytes: string, random: Random): Promise<string> {
  let output = "";
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.slice(at, at + random.pick([1, 30, 1_000, 60_000]));
    at += piece.length;
    const buffer = stringToBytes(`${piece}*3\r\n$3\r\nSET\r\n`);
    client.session.receive(piece, random.chance(0.7) ? buffer : undefined);
    output += await client.take();
    assert(!client.session.full, "nothing is left to wait for");
    buffer.fill(0x2a);
  }
  return output;
}

Deno.test("whatever comes, and however it is split, replies, state and counts are those of requests that come one by one", async () => {
  let together = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const requests = requestsOf(random);
    const [alone, pieces] = [new RespBench(), new RespBench()];
    const client = alone.connect();
    let wanted = "";
    for (const request of requests) wanted += await client.send(request);
    const given = await sendInPieces(pieces.connect(), requests.join(""), random);
    assertEquals(given, wanted, `seed ${seed}`);
    assertEquals(pieces.node.machine.digest, alone.node.machine.digest, `seed ${seed}`);
    assertEquals(alone.node.runs, []);
    for (const count of pieces.node.runs) together += count;
    const figures = [alone, pieces].map(async (bench) => {
      const text = await bench.connect().ask("INFO commandstats");
      return text.replaceAll(/usec[^,]*,/g, "").replaceAll(/cmdstat_info[^\r]*\r\n/g, "").replace(/^\$\d+/, "");
    });
    assertEquals(await figures[1], await figures[0], `seed ${seed}`);
  }
  assert(together > 200, `${together} in runs`);
});

Deno.test("bytes are taken from the buffer of a connection only where it begins with the input", async () => {
  const client = new RespBench().connect();
  const sets = ["a", "b", "c", "d"].map((key) => encodeRequest("SET", key, "1"));
  const first = encodeRequest("SET", "e", "x".repeat(100));
  // What waits is as long as a request: in the buffer each stands where the one before it stands in the input.
  const cut = first.lastIndexOf("$") + (sets[0]?.length ?? 0);
  client.session.receive(first.slice(0, cut), stringToBytes(first.slice(0, cut)));
  const rest = first.slice(cut) + sets.join("");
  client.session.receive(rest, stringToBytes(rest));
  assertEquals(await client.take(), "+OK\r\n".repeat(5));
  assertEquals(await client.ask("EXISTS a b c d e"), ":5\r\n");
});

Deno.test("the commands of a run are those of its requests, with the login of who sent them", () => {
  const requests = [["SET", "k", "v"], ["SET", "", ""], ["SET", "\xff".repeat(300), "\r\n".repeat(5_000)]] as const;
  for (const login of [undefined, 7, Number.MAX_SAFE_INTEGER]) {
    const bytes = stringToBytes(`?${requests.map((words) => encodeRequest(...words)).join("")}*`);
    const run = readWriteRun(new Span().set(bytes, 1, bytes.length), { ...BOUNDS, login });
    const commands = requests.map(([, key, value]) => encodeCommand({ type: "Put", key, value }, undefined, login));
    assertEquals(run && decodeCommands(run.commands), commands);
    assertEquals(run?.requestBytes, bytes.length - 2);
    assertEquals(requests.map((_, place) => run?.wordsAt(place)), requests.map((words) => [...words]));
  }
});

Deno.test("a run ends before what is not whole, too long, too much or another command", () => {
  const countOf = (text: string, bounds: Partial<RunBounds> = {}) =>
    readWriteRun(Span.of(stringToBytes(text)), { ...BOUNDS, ...bounds })?.commands.count;
  const set = encodeRequest("SET", "key", "value");
  assertEquals(countOf(set), undefined, "one alone is no run");
  assertEquals(countOf(set.repeat(3)), 3);
  assertEquals(countOf(set.repeat(3), { countMax: 2 }), 2);
  assertEquals(countOf(set.repeat(3), { countMax: 1 }), undefined);
  assertEquals(countOf(set.repeat(3), { keyBytesMax: 2 }), undefined);
  assertEquals(countOf(set.repeat(3), { valueBytesMax: 4 }), undefined);
  for (let cut = 1; cut < set.length; cut++) assertEquals(countOf(set.repeat(3).slice(0, -cut)), 2, `${cut} cut off`);
  for (
    const other of ["GET k\r\n", encodeRequest("SET", "k"), encodeRequest("INCR", "k"), encodeRequest("set", "k", "v")]
  ) {
    assertEquals(countOf(set + set + other + set), 2, other);
  }
  for (
    const bad of [
      "$+3\r\nkey",
      "$03\r\nkey",
      "$-1\r\nkey",
      "$\r\nkey",
      "$3\nkey",
      "$3\rkey",
      "$999999999\r\nkey",
      ":3\r\nkey",
    ]
  ) {
    assertEquals(countOf(set + set + set.replace("$3\r\nkey", bad) + set), 2, bad);
  }
  const long = encodeRequest("SET", "key", "x".repeat(30_000));
  assertEquals(countOf(long.repeat(4)), 2, "64 KiB and no more");
});

Deno.test("each write of a run is entered into the slow log with its words, and its error into the statistics", async () => {
  const bench = new RespBench({ slowCommandMs: 0 });
  const client = bench.connect();
  await client.ask("SET t text", "SET n 1");
  const replies = await client.ask("INCR n", "INCR t", "INCR n");
  assertEquals(replies, ":2\r\n-ERR value is not an integer or out of range\r\n:3\r\n");
  assertEquals(bench.node.runs, [2, 3]);
  assertEquals(bench.statistics.slowLog.newest(5).map(({ words }) => words.join(" ")), [
    "INCR n",
    "INCR t",
    "INCR n",
    "SET n 1",
    "SET t text",
  ]);
  assertEquals(bench.statistics.errors.total, 1);
});

Deno.test("nothing is taken together in a MULTI, without replies, or where requests are counted", async () => {
  const sets = [encodeRequest("SET", "a", "1"), encodeRequest("SET", "b", "2")].join("");
  for (const before of ["MULTI", "CLIENT REPLY OFF"]) {
    const bench = new RespBench();
    const client = bench.connect();
    await client.ask(before);
    await client.send(sets);
    assertEquals(bench.node.runs, [], before);
  }
  for (const options of [{ connectionRequestsPerSecond: 1 }, { clusterMode: true }]) {
    const bench = new RespBench(options);
    await bench.connect().send(sets);
    assertEquals(bench.node.runs, []);
  }
});
