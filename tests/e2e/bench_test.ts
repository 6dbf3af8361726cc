import { assert, assertEquals, assertMatch } from "@std/assert";
import { findFreePorts } from "../support/ports.ts";
import { runProgram } from "../support/program.ts";
import { ScriptedServer } from "../support/resp/scripted_server.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";

/** redis-server where it is installed, else a stand-in that takes every SET. */
async function startTarget(): Promise<AsyncDisposable & { readonly port: number; readonly isRedis: boolean }> {
  const [port = 0] = findFreePorts(1);
  const directory = await Deno.makeTempDir({ prefix: "kvstore-bench-" });
  const line = ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  let server: ServerProcess;
  try {
    server = new ServerProcess(line, { directory });
  } catch {
    await Deno.remove(directory, { recursive: true });
    const standIn = new ScriptedServer(() => "+OK\r\n");
    return { port: standIn.port, isRedis: false, [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose]() };
  }
  await waitFor(async () => {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  }, { what: "redis-server listens" });
  const dispose = async (): Promise<void> => {
    await server.end("SIGKILL");
    await Deno.remove(directory, { recursive: true });
  };
  return { port, isRedis: true, [Symbol.asyncDispose]: dispose };
}

Deno.test("bench measures a server of the Redis protocol, as JSON and as text", async () => {
  await using target = await startTarget();
  const connect = ["--connect", `127.0.0.1:${target.port}`];
  const filled = await runProgram(["bench", ...connect, "--sequential", "--keys=500", "--requests=500", "--json"]);
  assertEquals([filled.code, filled.stderr], [0, ""]);
  const { options, result } = JSON.parse(filled.stdout);
  assertEquals([options.keys, result.requests, result.errors], [500, 500, 0]);
  const read = await runProgram([
    ...["bench", ...connect, "--command=get", "--keys=500", "--duration=0.5"],
    ...["--rate=2000", "--pipeline=4", "--warmup=0.2"],
  ]);
  assertEquals([read.code, read.stderr], [0, ""]);
  assertMatch(read.stdout, /^GET, 50 connections, pipeline 4, 2 000 requests\/s due, 500 random keys\n/);
  assertMatch(read.stdout, /\n\d[\d ]* requests in \d/);
  // Every key was filled: a GET that finds nothing would show.
  assertMatch(read.stdout, /\n0 errors\n/);
  if (!target.isRedis) return;
  const wrong = await runProgram(["bench", ...connect, "--command=incr", "--keys=10", "--requests=100", "--json"]);
  assertEquals(JSON.parse(wrong.stdout).result.requests, 100);
});

Deno.test("bench of a server that refuses everything: errors by word, exit 1", async () => {
  await using server = new ScriptedServer(() => "-CLUSTERDOWN no leader\r\n");
  const { code, stdout } = await runProgram(["bench", "--connect", String(server.port), "--requests=100"]);
  assertEquals(code, 1);
  assertMatch(stdout, /\n100 errors\n {2}CLUSTERDOWN +100 +CLUSTERDOWN no leader\n/);
});

Deno.test("bench with wrong flags or without a server: one line and the exit code", async () => {
  const [port = 0] = findFreePorts(1);
  for (
    const [args, code, message] of [
      [["--pipeline=0"], 2, /^kvstore: --pipeline must be a whole number from 1 to 10000/],
      [["--duration=1", "--requests=1"], 2, /^kvstore: --duration and --requests exclude each other/],
      [["SET"], 2, /^kvstore: Unexpected argument "SET"/],
      [["--connect", String(port)], 1, /^kvstore: Cannot connect to 127\.0\.0\.1:\d+: is a node running there\?$/],
    ] as const
  ) {
    const result = await runProgram(["bench", ...args]);
    assertEquals([result.code, result.stdout], [code, ""]);
    assertMatch(result.stderr.trimEnd(), message);
    assert(result.stderr.indexOf("\n") === result.stderr.length - 1, result.stderr);
  }
});
