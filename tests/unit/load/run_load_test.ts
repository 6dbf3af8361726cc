import { assert, assertEquals, assertRejects } from "@std/assert";
import { LoadError, type LoadOptions, type LoadProgress } from "../../../lib/load/options.ts";
import { runLoad } from "../../../lib/load/run_load.ts";
import { CLOSE, ScriptedServer } from "../../support/resp/scripted_server.ts";

function optionsFor(server: { readonly port: number }, changed: Partial<LoadOptions> = {}): LoadOptions {
  return {
    addresses: [{ hostname: "127.0.0.1", port: server.port }],
    connections: 4,
    pipeline: 1,
    command: "set",
    valueBytes: 16,
    keys: 100,
    keyOrder: "random",
    readShare: 0,
    rate: undefined,
    limit: { requests: 1_000 },
    warmupSeconds: 0,
    seed: 1,
    ...changed,
  };
}

Deno.test("exactly the number of requests asked for is sent, in the closed and in the open loop", async () => {
  for (const changed of [{}, { pipeline: 16 }, { rate: 20_000 }, { rate: 20_000, pipeline: 7 }, { connections: 1 }]) {
    await using server = new ScriptedServer(() => "+OK\r\n");
    const result = await runLoad(optionsFor(server, changed));
    assertEquals(server.requests.length, 1_000);
    assertEquals(result.requests, 1_000);
    assertEquals(result.errors, 0);
    assert(result.perSecond > 0 && result.latencyMs.p50 > 0 && result.latencyMs.max >= result.latencyMs.p9999);
    assertEquals(result.sentLateMs === null, !("rate" in changed));
  }
});

Deno.test("errors are counted by their first word and have no part in the latencies; absent keys are counted", async () => {
  let asked = 0;
  await using server = new ScriptedServer(() => {
    asked += 1;
    if (asked % 100 === 0) return "-CLUSTERDOWN no leader is known\r\n";
    return asked % 2 === 0 ? "$-1\r\n" : "$3\r\nabc\r\n";
  });
  const result = await runLoad(optionsFor(server, { command: "get", pipeline: 50 }));
  assertEquals(result.errorsByWord, { CLUSTERDOWN: { count: 10, example: "CLUSTERDOWN no leader is known" } });
  assertEquals([result.requests, result.errors, result.misses], [990, 10, 490]);
});

Deno.test("in the open loop a server that stands still shows in every request it kept waiting", async () => {
  const stallMs = 300;
  for (const rate of [undefined, 1_000]) {
    let asked = 0;
    let stall: Promise<void> | undefined;
    await using server = new ScriptedServer(async () => {
      asked += 1;
      if (asked === 200) stall = new Promise((resolve) => setTimeout(resolve, stallMs));
      await stall;
      return "+OK\r\n";
    });
    const result = await runLoad(optionsFor(server, { rate, limit: { requests: 800 } }));
    assert(result.latencyMs.max >= stallMs * 0.9, `max ${result.latencyMs.max}`);
    // The closed loop has four slow requests; at 1 000 a second 300 ms delay 300 of 800.
    if (rate === undefined) assert(result.latencyMs.p90 < stallMs / 2, `p90 ${result.latencyMs.p90}`);
    else assert(result.latencyMs.p90 > stallMs / 2, `p90 ${result.latencyMs.p90}`);
  }
});

Deno.test("a lost connection costs its open requests and is opened again at the next address", async () => {
  let asked = 0;
  await using fragile = new ScriptedServer(() => ++asked > 20 ? CLOSE : "+OK\r\n");
  await using steady = new ScriptedServer(() => "+OK\r\n");
  const addresses = [fragile, steady].map(({ port }) => ({ hostname: "127.0.0.1", port }));
  const result = await runLoad(optionsFor(steady, { addresses, connections: 2, limit: { seconds: 0.3 } }));
  assertEquals(result.errorsByWord["CONNECTION"]?.count, 1);
  assertEquals(result.errors, 1);
  assertEquals(result.requests, 20 + steady.requests.length);
  assertEquals([fragile.accepted, steady.accepted], [1, 2]);
});

Deno.test("what is no RESP is an error of its own, and a server that never answers ends with the run", async () => {
  let asked = 0;
  await using server = new ScriptedServer(() => ++asked === 1 ? "Error: unknown command\n" : "+OK\r\n");
  const result = await runLoad(optionsFor(server, { connections: 1, limit: { requests: 10 } }));
  assertEquals(Object.keys(result.errorsByWord), ["PROTOCOL"]);
  assertEquals(result.requests, 9);
});

Deno.test("warm-up requests come on top and are not counted; progress and stop work meanwhile", async () => {
  await using server = new ScriptedServer(() => "+OK\r\n");
  const progress: LoadProgress[] = [];
  let halt = () => {};
  const stop = new Promise<void>((resolve) => halt = resolve);
  const onProgress = (report: LoadProgress) => {
    progress.push(report);
    if (report.seconds > 0) halt();
  };
  const result = await runLoad(optionsFor(server, {
    connections: 1,
    warmupSeconds: 2.2,
    limit: { seconds: 600 },
    stop,
    onProgress,
  }));
  assert((progress[0]?.seconds ?? 0) < 0 && (progress.at(-1)?.seconds ?? 0) > 0);
  assert((progress[0]?.perSecond ?? 0) > 0);
  assert(result.requests > 0 && result.requests < server.requests.length);
  assert(result.seconds < 30);
});

Deno.test("a server that cannot be reached is an error at once", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertRejects(() => runLoad(optionsFor({ port })), LoadError, `Cannot connect to 127.0.0.1:${port}`);
});
