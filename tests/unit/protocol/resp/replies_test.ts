import { assertEquals } from "@std/assert";
import { RespBench } from "./session_support.ts";

Deno.test("COMMAND tells the arity and the places of the keys", async () => {
  const client = new RespBench().connect();
  const count = Number((await client.ask("COMMAND COUNT")).slice(1, -2));
  const names = (await client.ask("COMMAND LIST")).split("\r\n").filter((line) => /^[a-z]/.test(line));
  assertEquals(names.filter((name) => !name.includes("|")).length, count);
  assertEquals(
    (await client.ask("COMMAND INFO get nosuch")).startsWith(
      "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n",
    ),
    true,
  );
  assertEquals(await client.ask("COMMAND GETKEYS MSET a 1 b 2"), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  assertEquals(await client.ask("COMMAND GETKEYS PING x"), "-ERR The command has no key arguments\r\n");
  assertEquals((await client.ask("COMMAND DOCS set")).startsWith("*2\r\n$3\r\nset\r\n*6\r\n$7\r\nsummary\r\n"), true);
});

Deno.test("CONFIG GET matches by pattern and INFO by section", async () => {
  const client = new RespBench().connect();
  assertEquals(
    await client.ask("CONFIG GET append*"),
    "*4\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n",
  );
  assertEquals(await client.ask("CONFIG GET nosuch"), "*0\r\n");
  const raft = await client.ask("INFO raft");
  for (const line of ["# Raft", "raft_node_id:0", "raft_role:leader", "raft_term:3", "raft_leader_id:0"]) {
    assertEquals(raft.split("\r\n").includes(line), true, `${line} in ${raft}`);
  }
  const all = await client.ask("INFO");
  for (const line of ["loading:0", "role:master", "redis_version:7.0.15"]) {
    assertEquals(all.split("\r\n").includes(line), true, line);
  }
  assertEquals(await client.ask("INFO nosuch"), "$0\r\n\r\n");
});

Deno.test("TIME, WAIT, ROLE and SELECT", async () => {
  const client = new RespBench().connect();
  assertEquals(await client.ask("TIME"), "*2\r\n$10\r\n1700000000\r\n$6\r\n123000\r\n");
  assertEquals(
    await client.ask("WAIT 2 100", "WAIT 1 -1", "WAIT x 0"),
    ":1\r\n-ERR timeout is negative\r\n-ERR value is not an integer or out of range\r\n",
  );
  assertEquals((await client.ask("ROLE")).startsWith("*3\r\n$6\r\nmaster\r\n:42\r\n"), true);
  assertEquals(
    await client.ask("SELECT 0", "SELECT 1", "SELECT x"),
    "+OK\r\n-ERR DB index is out of range\r\n-ERR value is not an integer or out of range\r\n",
  );
});
