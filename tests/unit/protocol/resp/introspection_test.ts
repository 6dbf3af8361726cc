/** COMMAND and HELP tell what there is, in the forms of Redis 7. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../../../lib/protocol/resp/commands.ts";
import { RespBench, type RespClient } from "./session_support.ts";

async function wordsOf(client: RespClient, line: string): Promise<readonly string[]> {
  return (await client.ask(line)).split("\r\n").filter((word) => word !== "" && !/^[*$]\d/.test(word));
}

Deno.test("COMMAND LIST names subcommands, and lets filters choose", async () => {
  const client = new RespBench().connect();
  const all = await wordsOf(client, "COMMAND LIST");
  for (const name of ["get", "client", "client|list", "config|get", "object|encoding"]) {
    assertEquals(all.includes(name), true, name);
  }
  assertEquals(await wordsOf(client, "COMMAND LIST FILTERBY PATTERN se?"), ["set"]);
  assertEquals(await wordsOf(client, "COMMAND LIST FILTERBY PATTERN CONFIG|*re*"), [
    "config|resetstat",
    "config|rewrite",
  ]);
  assertEquals(await wordsOf(client, "COMMAND LIST FILTERBY ACLCAT Transaction"), [
    ...["multi", "exec", "discard", "watch", "unwatch"],
    ...["session", "session|open", "session|keepalive", "session|close", "session|help", "once", "txn"],
  ]);
  assertEquals(await client.ask("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0\r\n");
  assertEquals(await client.ask("COMMAND LIST FILTERBY MODULE nosuch"), "*0\r\n");
  for (const line of ["x", "FILTERBY", "FILTERBY x", "FILTERBY x y", "FILTERBY ACLCAT", "FILTERBY ACLCAT a b"]) {
    assertEquals(await client.ask(`COMMAND LIST ${line}`), "-ERR syntax error\r\n", line);
  }
});

Deno.test("COMMAND INFO tells flags, categories and subcommands", async () => {
  const client = new RespBench().connect();
  const set = await client.ask("COMMAND INFO set");
  const list = await client.ask("COMMAND INFO client|list");
  const config = await client.ask("COMMAND INFO config");
  assertStringIncludes(set, "*2\r\n+write\r\n+denyoom\r\n");
  assertStringIncludes(set, "*3\r\n+@write\r\n+@string\r\n+@slow\r\n");
  assertStringIncludes(list, "$11\r\nclient|list\r\n:-2\r\n*4\r\n+admin\r\n");
  assertStringIncludes(list, "+@admin\r\n+@slow\r\n+@dangerous\r\n+@connection\r\n");
  assertStringIncludes(config, "$10\r\nconfig|get\r\n:-3\r\n");
  assertEquals(await client.ask("COMMAND INFO get|key config|get|key"), "*2\r\n*-1\r\n*-1\r\n");
  assertEquals(await client.ask("COMMAND GETKEYS MEMORY USAGE key"), "*1\r\n$3\r\nkey\r\n");
});

Deno.test("every command with subcommands has HELP that names them", async () => {
  const client = new RespBench({ clusterMode: true }).connect();
  const containers = [...COMMANDS.values()].filter(({ subcommands }) => subcommands.size > 0);
  for (const name of ["OBJECT", "CLIENT", "COMMAND", "CONFIG", "MEMORY"]) {
    assertEquals(containers.some((entry) => entry.name === name), true, name);
  }
  for (const { name, subcommands } of containers) {
    const lines = await wordsOf(client, `${name} HELP`);
    assertEquals(lines[0], `${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
    assertEquals(lines.length, 1 + 2 * subcommands.size);
    for (const word of subcommands.keys()) assertEquals(lines.some((line) => line.split(" ")[0] === word), true, word);
    assertEquals(lines.slice(-2), ["HELP", "    Prints this help."]);
    const path = name.toLowerCase();
    assertEquals(
      await client.ask(`${name} HELP x`),
      `-ERR wrong number of arguments for '${path}|help' command\r\n`,
    );
  }
});

Deno.test("HELP can be queued, and an unknown subcommand spoils the queue", async () => {
  const client = new RespBench().connect();
  await client.ask("MULTI");
  assertEquals(await client.ask("OBJECT HELP"), "+QUEUED\r\n");
  assertStringIncludes(await client.ask("EXEC"), "ENCODING <key>");
  await client.ask("MULTI");
  assertEquals(await client.ask("MEMORY DOCTOR"), "-ERR unknown subcommand 'DOCTOR'. Try MEMORY HELP.\r\n");
  assertStringIncludes(await client.ask("EXEC"), "EXECABORT");
});
