import { assertEquals, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { reasonToEnd } from "../guard.ts";
import { longestIn, storeBenchmark } from "../rows/store_operation.ts";
import { SCENARIOS } from "../rows/scenarios.ts";
import { makeRequest } from "./http_loader.ts";
import { readBenchmark } from "./redis_benchmark.ts";
import { checkPipe } from "./redis_pipe.ts";

const HEAD = '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",' +
  '"max_latency_ms"\n';

Deno.test("what redis-benchmark prints is read from its last line", () => {
  const run = { requests: 50_000, cpuSeconds: 0.5 };
  const line = '"MSET (10 keys)","25000.00","0.100","0.010","0.200","0.300","0.400","9.500"\n';
  assertEquals(readBenchmark(HEAD + line, run), {
    ...{ perSecond: 25_000, requests: 50_000, p50Ms: 0.2, p99Ms: 0.4, maxMs: 9.5, generatorCpu: 0.25 },
  });
  const short = readBenchmark(`${HEAD}"SET","inf","0.072","0.048","0.055","0.127","0.127","0.127"\n`, run);
  assertEquals(short.perSecond, Infinity, "a run that ended within a millisecond");
  for (const text of ["", HEAD, "Could not connect\n", `${HEAD}"SET","0.00","0","0","0","0","0","0"\n`]) {
    assertThrows(() => readBenchmark(text, run), Error, "Cannot read", text);
  }
  assertThrows(() => readBenchmark(`Error from server: OOM full\n${HEAD}${line}`, run), Error, "OOM full");
});

Deno.test("redis-cli --pipe must have had a reply to everything, and no error", () => {
  const said = "All data transferred. Waiting for the last reply...\nLast reply received from server.\n";
  checkPipe(`${said}errors: 0, replies: 1000\n`, 1_000);
  for (const end of ["errors: 1, replies: 1000\n", "errors: 0, replies: 999\n", ""]) {
    assertThrows(() => checkPipe(said + end, 1_000), Error, "sent 1000 requests", end);
  }
});

Deno.test("requests over HTTP carry their key, and the length of their value", () => {
  const put = makeRequest("put", { key: "key:1", value: "abc" });
  assertEquals(put, "PUT /v1/kv/key:1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc");
  assertEquals(makeRequest("get", { key: "a", value: "" }), "GET /v1/kv/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const etcd = makeRequest("etcd-put", { key: "a", value: "b" });
  assertStringIncludes(etcd, 'Content-Length: 29\r\n\r\n{"key":"YQ==","value":"Yg=="}');
  assertStringIncludes(makeRequest("etcd-get", { key: "a", value: "b" }), "/v3/kv/range HTTP/1.1\r\n");
});

Deno.test("the longest operation of the store is read from its line of JSON", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: storeBenchmark(1_000), stderr: "inherit" })
    .output();
  assertGreater(longestIn(new TextDecoder().decode(stdout)), 0);
  assertEquals(longestIn('store: 1 000 keys\n{"longestWithCutMs":1.25}\n'), 1.25);
  for (const text of ["", "{}", '{"longestWithCutMs":"1"}']) assertThrows(() => longestIn(text), Error, "did not say");
});

Deno.test("a measurement is ended when its time is over or the machine's memory is", () => {
  const state = { freeMebibytes: 5_000, minutesLeft: 1, minutesMax: 10 };
  assertEquals(reasonToEnd(state), undefined);
  assertEquals(reasonToEnd({ ...state, minutesLeft: 0 }), "Ended after 10 minutes");
  assertStringIncludes(reasonToEnd({ ...state, freeMebibytes: 900 }) ?? "", "only 900 MiB of memory left");
});

Deno.test("every load has a name of its own, and one with a share of the ceiling runs on it", () => {
  assertEquals(new Set(SCENARIOS.map(({ id }) => id)).size, SCENARIOS.length);
  for (const { id, bar, hasCeiling, command } of SCENARIOS) {
    assertEquals(bar.ofCeiling !== undefined, hasCeiling, id);
    if (hasCeiling) assertEquals(command === "set" || command === "get", true, id);
  }
});
