/** Reads that are confirmed and answered together show, refuse and hold back what each of them would alone. */

import { assertEquals } from "@std/assert";
import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { readReadRun, RUN_KEYS_BYTES_MAX, RUN_REPLY_BYTES_MAX } from "../../../../lib/protocol/resp/read_run.ts";
import { Span } from "../../../../lib/store/span.ts";
import { MemoryCluster } from "../../../support/memory/memory_cluster.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import { RespBench } from "./session_support.ts";

const GETS = ["GET a", "GET none", "GET empty", "GET long"] as const;

/** A server with some keys, and how often its node was asked for a read since. */
async function makeBench(long: string) {
  const bench = new RespBench();
  const client = bench.connect();
  await client.send(encodeRequest("MSET", "a", "\x00\r\n\xff", "empty", "", "long", long));
  const before = bench.node.asked.length;
  return { bench, client, reads: () => bench.node.asked.length - before };
}

Deno.test("values, empty ones and keys that are not there are answered in both versions, with one confirmation", async () => {
  const long = "v".repeat(12_345);
  const { client, reads } = await makeBench(long);
  const wanted = (none: string) => `$4\r\n\x00\r\n\xff\r\n${none}\r\n$0\r\n\r\n$12345\r\n${long}\r\n`;
  assertEquals(await client.ask(...GETS), wanted("$-1"));
  assertEquals(reads(), 1);
  await client.ask("HELLO 3");
  assertEquals(await client.ask(...GETS), wanted("_"));
  assertEquals(reads(), 2);
});

Deno.test("replies that are too long to be made at once are made one by one, as the client has room for them, and hold back what is behind", async () => {
  const long = "v".repeat(RUN_REPLY_BYTES_MAX * 6);
  const { bench, client, reads } = await makeBench(long);
  const one = `$${long.length}\r\n${long}\r\n`;
  assertEquals(await client.ask("GET long", "GET none", "GET long"), `${one}$-1\r\n${one}`);
  client.link.reading = false;
  client.session.receive(encodeRequest("GET", "long").repeat(9) + encodeRequest("SET", "long", "new"));
  let output = await client.take();
  assertEquals([output, reads()], [one.repeat(3), 2], "as many as there is room for");
  while (output.length < 9 * one.length) {
    assertEquals(reads(), 2, "the write waits for every one of the reads");
    client.link.unsentBytes = 0;
    client.session.outputSent();
    output += await client.take();
  }
  client.link.unsentBytes = 0;
  client.session.outputSent();
  assertEquals(output + await client.take(), `${one.repeat(9)}+OK\r\n`);
  assertEquals([bench.node.asked.at(-1), client.session.full], ["Write", false]);
});

Deno.test("reads that a client has not taken the replies to yet are refused once the state is known not to be sound", async () => {
  const long = "v".repeat(RUN_REPLY_BYTES_MAX * 6);
  const { bench, client } = await makeBench(long);
  const one = `$${long.length}\r\n${long}\r\n`;
  client.link.reading = false;
  client.session.receive(encodeRequest("GET", "long").repeat(4));
  client.session.receive(encodeRequest("GET", "a") + encodeRequest("GET", "none"));
  assertEquals(await client.take(), one.repeat(3));
  bench.node.isQuarantined = true;
  client.link.unsentBytes = 0;
  client.session.outputSent();
  const replies = (await client.take()).split("\r\n");
  assertEquals(replies.map((reply) => reply.slice(0, 9)), ["-TRYAGAIN", "-TRYAGAIN", "-TRYAGAIN", ""]);
  assertEquals(client.session.full, false);
});

Deno.test("each read of a run is refused where the run could not be confirmed", async () => {
  const { bench, client, reads } = await makeBench("");
  bench.node.refusal = "Timeout";
  const replies = (await client.ask("GET a", "GET none", "GET a")).split("\r\n");
  assertEquals(replies.map((reply) => reply.slice(0, 9)), ["-TRYAGAIN", "-TRYAGAIN", "-TRYAGAIN", ""]);
  assertEquals([reads(), bench.statistics.errors.total], [1, 3]);
});

Deno.test("a run of reads ends before what is not whole, too long, too much or another command", () => {
  const get = encodeRequest("GET", "key");
  const countOf = (text: string, bounds: { readonly countMax?: number; readonly keyBytesMax?: number } = {}) =>
    readReadRun(Span.of(stringToBytes(text)), { countMax: 100, keyBytesMax: 65_536, ...bounds })?.count;
  assertEquals(countOf(get), undefined, "one alone is no run");
  assertEquals(countOf(get.repeat(3)), 3);
  assertEquals(countOf(get.repeat(3), { countMax: 2 }), 2);
  assertEquals(countOf(get.repeat(3), { keyBytesMax: 2 }), undefined);
  for (let cut = 1; cut < get.length; cut++) assertEquals(countOf(get.repeat(3).slice(0, -cut)), 2, `${cut} cut off`);
  for (const other of ["GET k\r\n", encodeRequest("GET"), encodeRequest("Get", "k"), encodeRequest("TTL", "k")]) {
    assertEquals(countOf(get + get + other + get), 2, other);
  }
  assertEquals(countOf(encodeRequest("GET", "k".repeat(RUN_KEYS_BYTES_MAX / 2)).repeat(3)), 2);
  const run = readReadRun(Span.of(stringToBytes(get + encodeRequest("GET", "") + get)), {
    countMax: 9,
    keyBytesMax: 9,
  });
  assertEquals([0, 1, 2].map((place) => run?.wordsAt(place)), [["GET", "key"], ["GET", ""], ["GET", "key"]]);
});

Deno.test("reads of a run count one by one among those of a node", async () => {
  const cluster = new MemoryCluster(1, 66);
  await cluster.start();
  const leader = await cluster.leader();
  const counter = leader.metrics.counter(METRIC.reads);
  const before = counter.value;
  let type = "";
  leader.read((outcome) => type = outcome.type, 5);
  await cluster.clock.until(() => type !== "", 5_000, "the read is confirmed");
  assertEquals([type, counter.value - before], ["Ready", 5]);
  await cluster.stop();
});
