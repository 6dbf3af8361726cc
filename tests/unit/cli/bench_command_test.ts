import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { readLoadOptions } from "../../../lib/cli/bench_command.ts";
import { showLoadJson, showLoadText, showProgress } from "../../../lib/cli/bench_report.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import type { LoadResult } from "../../../lib/load/options.ts";
import { settingsOf } from "./support.ts";

const LATENCIES = { mean: 1, p50: 0.9, p90: 1.5, p99: 2, p999: 3, p9999: 4, max: 5 };
const RESULT: LoadResult = {
  seconds: 2,
  requests: 40_000,
  perSecond: 20_000,
  misses: 0,
  errors: 3,
  errorsByWord: {
    BUSY: { count: 1, example: "BUSY too many requests" },
    CLUSTERDOWN: { count: 2, example: `CLUSTERDOWN no leader\x1b[2J ${"x".repeat(200)}` },
  },
  latencyMs: LATENCIES,
  sentLateMs: null,
  cpuSeconds: 1,
};

Deno.test("flags become the options of the load, with their defaults", () => {
  assertEquals(readLoadOptions(settingsOf("bench", "--connect", "7001,example.org:7002")), {
    addresses: [{ hostname: "127.0.0.1", port: 7001 }, { hostname: "example.org", port: 7002 }],
    connections: 50,
    pipeline: 1,
    command: "set",
    valueBytes: 64,
    keys: 100_000,
    keyOrder: "random",
    readShare: 0,
    rate: undefined,
    limit: { seconds: 10 },
    warmupSeconds: 0,
    seed: 1,
    login: undefined,
  });
  const given = readLoadOptions(settingsOf(
    ...["bench", "--command", "mset", "--requests", "5", "--rate", "100", "--warmup", "0.5", "--sequential"],
    ...["--read-share", ".25", "--value-bytes", "1KiB"],
  ));
  assertEquals([given.command, given.limit, given.rate, given.warmupSeconds], ["mset", { requests: 5 }, 100, 0.5]);
  assertEquals([given.keyOrder, given.readShare, given.valueBytes], ["sequential", 0.25, 1_024]);
  assertEquals(readLoadOptions(settingsOf("bench", "--duration", "2.5")).limit, { seconds: 2.5 });
});

Deno.test("wrong flags are refused with the nearest that is right", () => {
  const cases: readonly (readonly [args: readonly string[], message: string])[] = [
    [["--duration", "1", "--requests", "1"], "--duration and --requests exclude each other"],
    [["--duration", "0"], '--duration must be a number from 0.1 to 1000000, not "0"; the nearest valid one is 0.1'],
    [["--read-share", "1.5"], "the nearest valid one is 1"],
    [["--read-share", "1e-3"], "--read-share must be a number from 0 to 1"],
    [["--rate", "1.5"], "--rate must be a whole number"],
    [["--command", "gets"], "--command must be set, get, incr or mset"],
    [["--node-id", "1"], "--node-id is a flag of kvstore node"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => readLoadOptions(settingsOf("bench", ...args)), UsageError, message);
  }
});

Deno.test("the text names the load, the throughput, the errors and the latencies, and keeps errors on their line", () => {
  const options = readLoadOptions(settingsOf("bench", "--rate", "20000", "--read-share", "0.5"));
  const text = showLoadText(options, { ...RESULT, sentLateMs: LATENCIES });
  const lines = text.split("\n");
  assertMatch(
    lines[0] ?? "",
    /^SET with 50\.0 % GET, 50 connections, pipeline 1, 20 000 requests\/s due, 100 000 random/,
  );
  assertEquals(lines[2], "40 000 requests in 2.00 s: 20 000 requests/s");
  assertEquals(lines[3], "3 errors");
  assertMatch(lines[4] ?? "", /^ {2}CLUSTERDOWN +2 +CLUSTERDOWN no leader\\x1b\[2J x{60,}\.\.\.$/);
  assertMatch(lines[5] ?? "", /^ {2}BUSY +1 +BUSY too many requests$/);
  assertEquals(lines[6], "Processor of the load generator: 50 %");
  assertMatch(text, /mean +p50 +p90 +p99 +p99\.9 +p99\.99 +max\nlatency, ms +1\.000 +0\.900/);
  assertMatch(text, /of it sent late by the generator, ms +1\.000/);
  assertEquals(showLoadText(options, RESULT).includes("sent late"), false);
});

Deno.test("the JSON is one line with what was asked for and what was measured", () => {
  const options = { ...readLoadOptions(settingsOf("bench", "--connect", "7001")), onProgress: () => {} };
  const json = showLoadJson(options, RESULT);
  assertEquals(json.indexOf("\n"), json.length - 1);
  const { options: asked, result } = JSON.parse(json);
  assertEquals(asked.addresses, ["127.0.0.1:7001"]);
  assertEquals(asked.rate, null);
  assertEquals(asked.limit, { seconds: 10 });
  assertEquals(result, RESULT);
});

Deno.test("the progress is one line, during the warm-up too", () => {
  const progress = { seconds: 3.01, perSecond: 12_345.6, errors: 0, maxMs: 4.56 };
  assertEquals(showProgress(progress), "3 s: 12 346 requests/s, slowest 4.6 ms, 0 errors");
  assertMatch(showProgress({ ...progress, seconds: -1 }), /^warm-up: /);
});
