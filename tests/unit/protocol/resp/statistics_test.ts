/** INFO, SLOWLOG, LATENCY and CLIENT LIST tell what has happened, in the fields of Redis 7. */

import { assertEquals, assertMatch } from "@std/assert";
import { Counter } from "../../../../lib/observe/metrics.ts";
import { LATENCY_SAMPLES_MAX, LatencyEvents } from "../../../../lib/protocol/resp/statistics/latency_events.ts";
import { Rates } from "../../../../lib/protocol/resp/statistics/rates.ts";
import { SLOW_LOG_LENGTH_MAX, SlowLog } from "../../../../lib/protocol/resp/statistics/slow_log.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { RespBench, type RespClient } from "./session_support.ts";

async function info(client: RespClient, section: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await client.ask(`INFO ${section}`)).split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

function counted(line: string | undefined): string | undefined {
  return line?.replace(/usec=[0-9]+,usec_per_call=[0-9.]+,/, "");
}

Deno.test("INFO has the fields that exporters and dashboards read", async () => {
  const client = new RespBench().connect();
  const fields = await info(client, "everything");
  for (
    const name of [
      ...["used_memory", "used_memory_human", "used_memory_rss", "maxmemory", "mem_allocator"],
      ...["total_connections_received", "total_commands_processed", "instantaneous_ops_per_sec"],
      ...["run_id", "redis_git_sha1", "used_cpu_sys", "used_cpu_user", "rdb_changes_since_last_save"],
    ]
  ) assertEquals(fields.has(name), true, name);
  assertMatch(fields.get("run_id") ?? "", /^[0-9a-f]{40}$/);
  assertMatch(fields.get("used_memory_human") ?? "", /^[0-9.]+[KMG]$/);
  assertEquals([fields.get("used_memory"), fields.get("maxmemory")], ["4194304", "8388608"]);
  assertEquals([fields.get("used_memory_human"), fields.get("maxmemory_human")], ["4.00M", "8.00M"]);
  assertEquals(Number(fields.get("used_memory_rss")) >= Number(fields.get("used_memory_dataset")), true);
});

Deno.test("sections of single commands are shown where they are asked for", async () => {
  const client = new RespBench().connect();
  await client.ask("SET k v", "GET");
  const sections = async (words: string) => {
    return (await client.ask(`INFO ${words}`)).split("\r\n").filter((line) => line.startsWith("# ")).map((line) =>
      line.slice(2)
    );
  };
  const usual = await sections("default");
  assertEquals(usual.includes("Commandstats") || usual.includes("Latencystats"), false);
  assertEquals(usual.includes("Errorstats") && usual.includes("Cpu"), true);
  for (const words of ["all", "everything"]) assertEquals((await sections(words)).includes("Commandstats"), true);
  assertEquals(await sections("CPU commandstats cpu"), ["Cpu", "Commandstats"]);
  assertEquals((await sections("default latencystats")).includes("Latencystats"), true);
});

Deno.test("Commandstats tells calls done, failed and rejected, of subcommands by themselves", async () => {
  const client = new RespBench().connect();
  await client.ask("SET k v", "INCR k", "SET k", "CLIENT ID", "FOO", "CLIENT FOO", "EXEC");
  const stats = await info(client, "commandstats");
  assertEquals(counted(stats.get("cmdstat_set")), "calls=1,rejected_calls=1,failed_calls=0");
  assertEquals(counted(stats.get("cmdstat_incr")), "calls=1,rejected_calls=0,failed_calls=1");
  assertEquals(counted(stats.get("cmdstat_client|id")), "calls=1,rejected_calls=0,failed_calls=0");
  assertEquals(counted(stats.get("cmdstat_exec")), "calls=1,rejected_calls=0,failed_calls=1");
  assertEquals(await info(client, "errorstats"), new Map([["errorstat_ERR", "count=5"]]));
  assertEquals((await info(client, "stats")).get("total_error_replies"), "5");
});

Deno.test("commands of a MULTI count when EXEC does them, and errors among their replies count", async () => {
  const client = new RespBench().connect();
  await client.ask("MULTI", "SET k v", "INCR k", "AUTH a");
  assertEquals((await info(client, "commandstats")).has("cmdstat_set"), false);
  await client.ask("EXEC");
  const stats = await info(client, "commandstats");
  assertEquals(counted(stats.get("cmdstat_set")), "calls=1,rejected_calls=0,failed_calls=0");
  assertEquals(counted(stats.get("cmdstat_incr")), "calls=1,rejected_calls=0,failed_calls=1");
  assertEquals(counted(stats.get("cmdstat_auth")), "calls=1,rejected_calls=0,failed_calls=1");
  assertEquals(counted(stats.get("cmdstat_exec")), "calls=1,rejected_calls=0,failed_calls=0");
  assertEquals((await info(client, "errorstats")).get("errorstat_ERR"), "count=2");
});

Deno.test("CONFIG RESETSTAT begins anew, and what Prometheus scrapes goes on", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  await client.ask("SET k v", "FOO");
  const before = bench.node.metrics.counters.get("kvstore_server_requests_received_total")?.value ?? 0;
  assertEquals(await client.ask("CONFIG RESETSTAT"), "+OK\r\n");
  assertEquals((await info(client, "errorstats")).size, 0);
  assertEquals((await info(client, "commandstats")).has("cmdstat_set"), false);
  assertEquals((await info(client, "stats")).get("total_commands_processed"), "3");
  const after = bench.node.metrics.counters.get("kvstore_server_requests_received_total")?.value ?? 0;
  assertEquals(after >= before, true);
});

Deno.test("what took as long as the threshold is in SLOWLOG and LATENCY, and in no other case", async () => {
  const bench = new RespBench({ slowCommandMs: 100 });
  const client = bench.connect();
  await client.ask("CLIENT SETNAME me", "GET k");
  assertEquals(await client.ask("SLOWLOG LEN"), ":0\r\n");
  bench.node.holding = true;
  client.session.receive("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
  await bench.clock.advance(150);
  bench.node.holding = false;
  bench.node.release();
  await client.take();
  assertEquals(await client.ask("SLOWLOG LEN"), ":1\r\n");
  assertEquals(
    await client.ask("SLOWLOG GET"),
    "*1\r\n*6\r\n:0\r\n:1700000000\r\n:150000\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$11\r\n127.0.0.1:9\r\n$2\r\nme\r\n",
  );
  assertEquals(await client.ask("LATENCY LATEST"), "*1\r\n*4\r\n$7\r\ncommand\r\n:1700000000\r\n:150\r\n:150\r\n");
  assertEquals(await client.ask("LATENCY HISTORY command"), "*1\r\n*2\r\n:1700000000\r\n:150\r\n");
  assertEquals(
    await client.ask("LATENCY HISTOGRAM set"),
    "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:262144\r\n:1\r\n",
  );
  const latency = await info(client, "latencystats");
  assertEquals(latency.get("latency_percentiles_usec_set"), "p50=150000.000,p99=150000.000,p99.9=150000.000");
  assertEquals(await client.ask("LATENCY RESET", "SLOWLOG RESET"), ":1\r\n+OK\r\n");
  assertEquals(await client.ask("LATENCY LATEST", "SLOWLOG GET -1"), "*0\r\n*0\r\n");
});

Deno.test("the slow log keeps the newest, cuts what is long, and shows no password", () => {
  const log = new SlowLog();
  const entry = { timeMs: 0, microseconds: 1, address: "", clientName: "" };
  for (let at = 0; at < SLOW_LOG_LENGTH_MAX + 2; at++) log.add({ ...entry, words: [String(at)] });
  assertEquals(log.length, SLOW_LOG_LENGTH_MAX);
  assertEquals(log.newest(2).map(({ id }) => id), [SLOW_LOG_LENGTH_MAX + 1, SLOW_LOG_LENGTH_MAX]);
  log.reset();
  log.add({ ...entry, words: ["MSET", ...Array.from({ length: 40 }, () => "x".repeat(200))] });
  log.add({ ...entry, words: ["auth", "user", "secret"] });
  log.add({ ...entry, words: ["HELLO", "3", "AUTH", "user", "secret"] });
  const [hello, auth, mset] = log.newest(3).map(({ words }) => words);
  assertEquals(hello, ["HELLO", "3", "AUTH", "(redacted)", "(redacted)"]);
  assertEquals(auth, ["auth", "(redacted)", "(redacted)"]);
  assertEquals(mset?.length, 32);
  assertEquals(mset?.slice(-2), [`${"x".repeat(128)}... (72 more bytes)`, "... (10 more arguments)"]);
});

Deno.test("of each second the slowest counts, and old seconds make room", () => {
  const events = new LatencyEvents();
  for (const milliseconds of [5, 9, 7]) events.add("command", { time: 1, milliseconds });
  assertEquals(events.histories.get("command"), { samples: [{ time: 1, milliseconds: 9 }], maxMilliseconds: 9 });
  for (let time = 2; time < 1_000; time++) events.add("command", { time, milliseconds: 1 });
  const history = events.histories.get("command");
  assertEquals([history?.samples.length, history?.samples.at(-1)?.time, history?.maxMilliseconds], [
    LATENCY_SAMPLES_MAX,
    999,
    9,
  ]);
});

Deno.test("rates are the mean of the last moments", async () => {
  const clock = new VirtualClock();
  const counter = new Counter();
  const rates = new Rates(clock, [counter]);
  assertEquals(rates.perSecond(counter), 0);
  rates.start();
  for (let at = 0; at < 100; at++) {
    counter.add(25);
    await clock.advance(50);
  }
  assertEquals(Math.round(rates.perSecond(counter)), 500);
  await clock.advance(10_000);
  assertEquals(rates.perSecond(counter), 0);
  rates.stop();
});

Deno.test("CLIENT LIST has the fields of Redis 7.0 with what each connection holds", async () => {
  const bench = new RespBench();
  const [one, two] = [bench.connect(), bench.connect()];
  await two.ask("MULTI", "SET a 1");
  const lines = (await one.ask("CLIENT LIST")).split("\r\n")[1]?.trimEnd().split("\n") ?? [];
  const [self, other] = lines.map((line) =>
    new Map(line.split(" ").map((field) => field.split("=") as [string, string]))
  );
  const names =
    "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl " +
    "oll omem tot-mem events cmd user redir resp";
  assertEquals([...self?.keys() ?? []].slice(0, -2).join(" "), names);
  // *2 $6 client $4 list, with their line ends.
  assertEquals([self?.get("qbuf"), self?.get("argv-mem"), self?.get("multi")], ["26", "10", "-1"]);
  assertEquals([other?.get("flags"), other?.get("multi"), other?.get("qbuf")], ["x", "1", "0"]);
  assertEquals(Number(other?.get("multi-mem")) > 0, true);
});
