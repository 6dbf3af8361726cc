/** redis-cli of Debian: one command, a session by a pipe and on a terminal, mass insertion, --scan, RESP3, fail-over. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CliLoad } from "./support/cli_load.ts";
import { isRedisTarget, type Target, withTarget } from "./support/cluster.ts";
import { failOver } from "./support/fail_over.ts";
import { redisCli, runTool } from "./support/redis_cli.ts";
import { SCRIPTS } from "./support/scripts.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";
import { PYTHON, REDIS_CLI, testWith } from "../support/needs.ts";
import { encodeRequest } from "../support/resp/encode.ts";

testWith(
  [REDIS_CLI, PYTHON],
  "redis-cli connects, uses the server and survives a fail-over",
  (t) =>
    withTarget({ clusterMode: false }, async (target) => {
      for (const port of target.ports) {
        const node = `through port ${port}`;
        await t.step(`one command, ${node}`, () => oneCommand(port));
        await t.step(`a session by a pipe, ${node}`, () => sessionByPipe(port));
        await t.step(`a session on a terminal, ${node}`, () => sessionOnTerminal(port));
        await t.step(`mass insertion with --pipe, then --scan, ${node}`, () => massInsertion(port));
        await t.step(`figures of --stat, ${node}`, () => figures(port));
        await t.step(`RESP3 with -3, ${node}`, () => resp3(port));
      }
      await t.step({
        name: `redis-cli goes on after the death of a leader${isRedisTarget() ? " (needs KVStore: left out)" : ""}`,
        ignore: target.cluster === undefined,
        fn: () => killLeaders(target),
      });
    }),
);

/** What KVStore adds to the words of Redis. */
const NOT_OFFERED = isRedisTarget()
  ? ""
  : "(KVStore does not offer it; COMMAND LIST and docs/redis.md show which commands it does)";

async function oneCommand(port: number): Promise<void> {
  assertEquals(await redisCli(port, ["PING"]), "PONG");
  assertEquals(await redisCli(port, ["FLUSHALL"]), "OK");
  assertEquals(await redisCli(port, ["SET", "one", "a value"]), "OK");
  assertEquals(await redisCli(port, ["GET", "one"]), "a value");
  assertEquals(await redisCli(port, ["--no-raw", "GET", "none"]), "(nil)");
  assertEquals(await redisCli(port, ["--no-raw", "INCR", "count"]), "(integer) 1");
  assertEquals(await redisCli(port, ["MGET", "one", "none", "count"]), "a value\n\n1");
  assertEquals(await redisCli(port, ["INCR", "one"]), "ERR value is not an integer or out of range\n");
  assertEquals(await redisCli(port, ["-x", "SET", "binary"], { input: Uint8Array.of(0, 13, 10, 255, 254) }), "OK");
  assertEquals(await redisCli(port, ["GET", "binary"]), "\x00\r\n\xff\xfe");
  assertEquals(await redisCli(port, ["--no-raw", "GET", "binary"]), '"\\x00\\r\\n\\xff\\xfe"');
}

async function sessionByPipe(port: number): Promise<void> {
  const lines = [
    "SET s 5",
    "INCR s",
    "GET none",
    "MULTI",
    "INCR s",
    "EXEC",
    "NOSUCH",
    'SET "a b" "\\x00\\xff"',
    'GET "a b"',
  ];
  const said = await redisCli(port, [], { input: `${lines.join("\n")}\n` });
  assertEquals(said.split("\n").filter((line) => line !== ""), [
    ...["OK", "6", "OK", "QUEUED", "7"],
    `ERR unknown command 'NOSUCH', with args beginning with: ${NOT_OFFERED}`,
    ...["OK", "\x00\xff"],
  ]);
}

async function sessionOnTerminal(port: number): Promise<void> {
  const lines = ["SET t 1", "INCR t", "GET none", "MGET t none", "NOSUCH"];
  const shown = await runTool(["/usr/bin/python3", `${SCRIPTS}/pty_session.py`, "127.0.0.1", String(port), ...lines]);
  const prompt = `127.0.0.1:${port}> `;
  const replies = shown.replaceAll("\r", "").split(prompt).filter((part) => part !== "");
  assertEquals(replies.map((reply) => reply.trim()), [
    ...["SET t 1\nOK", "INCR t\n(integer) 2", "GET none\n(nil)", 'MGET t none\n1) "2"\n2) (nil)'],
    `NOSUCH\n(error) ERR unknown command 'NOSUCH', with args beginning with: ${NOT_OFFERED}`.trim(),
  ]);
}

async function massInsertion(port: number): Promise<void> {
  const keys = Array.from({ length: 1_000 }, (_, n) => `mass:${String(n).padStart(4, "0")}`);
  const commands = keys.map((key) => encodeRequest("SET", key, "v"));
  const said = await redisCli(port, ["--pipe"], { input: commands.join("") });
  assertStringIncludes(said, "errors: 0, replies: 1000");
  const found = (await redisCli(port, ["--scan", "--pattern", "mass:*"])).split("\n").sort();
  assertEquals(found, keys);
  const few = await redisCli(port, ["--scan", "--pattern", "mass:000[0-1]"]);
  assertEquals(few.split("\n").sort(), ["mass:0000", "mass:0001"]);
}

/** `redis-cli --stat` shows keys, memory, clients, requests and connections, and how many requests came since the last line. */
async function figures(port: number): Promise<void> {
  await redisCli(port, ["SET", "figure", "1"]);
  const keys = await redisCli(port, ["DBSIZE"]);
  const stat = new ServerProcess(["redis-cli", "-h", "127.0.0.1", "-p", String(port), "--stat", "-i", "0.1"]);
  try {
    const shown = () => {
      return stat.lines.flatMap((line): Readonly<Record<string, string>>[] => {
        const groups = STAT_LINE.exec(line)?.groups;
        return groups === undefined ? [] : [groups];
      });
    };
    const first = await waitFor(() => shown()[0], { what: "redis-cli --stat shows a line" });
    assertEquals(first["keys"], keys);
    assertEquals(Number(first["memory"]) > 0 && Number(first["connections"]) > 0, true, JSON.stringify(first));
    await redisCli(port, ["-r", "50", "PING"]);
    const more = () => shown().some(({ requests }) => Number(requests) >= Number(first["requests"]) + 50) || undefined;
    assert(await waitFor(more, { what: "redis-cli --stat counts 50 requests more" }));
  } finally {
    await stat.end("SIGKILL");
  }
}

/** Keys, memory (any unit), clients, blocked ones, requests and their increase, connections. */
const STAT_LINE =
  /^(?<keys>\d+) +(?<memory>[\d.]+)[BKMG] +\d+ +\d+ +(?<requests>\d+) \(\+\d+\) +(?<connections>\d+) *$/;

async function resp3(port: number): Promise<void> {
  const hello = (await redisCli(port, ["-3", "HELLO"])).split("\n");
  assert(hello.some((line) => /^proto 3$/.test(line)), `HELLO answered ${hello.join(" | ")}`);
  assertEquals(await redisCli(port, ["-3", "SET", "three", "3"]), "OK");
  assertEquals(await redisCli(port, ["-3", "--no-raw", "GET", "none"]), "(nil)");
  assertEquals(await redisCli(port, ["-3", "--no-raw", "MGET", "three", "none"]), '1) "3"\n2) (nil)');
  assertEquals(await redisCli(port, ["-3", "INCR", "three"]), "4");
}

async function killLeaders({ cluster, ports }: Target): Promise<void> {
  const [onlyPort = 0] = ports;
  if (cluster === undefined) throw new Error("Cannot kill a leader: there is one server only");
  await using driver = new CliLoad(onlyPort);
  await failOver({ client: "redis-cli", driver, cluster, onlyPort });
}
