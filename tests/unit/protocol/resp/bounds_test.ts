/** What one client may ask for: requests in flight, replies unread, queues, keys, and commands within commands. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMAND_BYTES_MAX, VALUE_BYTES_MAX } from "../../../../lib/kv/commands.ts";
import { REPLY_BYTES_MAX } from "../../../../lib/kv/reply_bounds.ts";
import { REQUESTS_IN_FLIGHT_MIN, UNSENT_BYTES_MAX } from "../../../../lib/net/limits.ts";
import { COMMANDS } from "../../../../lib/protocol/resp/commands.ts";
import { QUEUED_COMMANDS_MAX } from "../../../../lib/protocol/resp/limits.ts";
import { RespBench, type RespClient } from "./session_support.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";

const ABORTED = "-EXECABORT Transaction discarded because of previous errors.\r\n";

/** More than any of these tests needs. */
const TURNS_MAX = 200;

/** Lets turns of the event loop go by as long as the session waits for them; gives back all that came. */
async function takeAll(bench: RespBench, client: RespClient): Promise<string> {
  let output = await client.take();
  for (let turn = 0; client.session.full; turn++) {
    assert(turn < TURNS_MAX, "the session is stuck");
    await bench.clock.advance(0);
    output += await client.take();
  }
  return output;
}

Deno.test("ten thousand pipelined requests are answered in order, in more than one turn", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  const count = 10_000;
  client.session.receive(encodeRequest("INCR", "n").repeat(count));
  assertEquals(client.session.full, true);
  const expected = Array.from({ length: count }, (_, at) => `:${at + 1}\r\n`).join("");
  assertEquals(await takeAll(bench, client), expected);
});

Deno.test("no more requests are under way than the limit says, and the rest goes on as they are answered", async () => {
  const bench = new RespBench();
  bench.node.holding = true;
  const client = bench.connect();
  const count = REQUESTS_IN_FLIGHT_MIN + 10;
  client.session.receive(encodeRequest("INCRBY", "n", "1").repeat(count));
  await client.take();
  assertEquals([bench.node.asked.length, client.session.full], [REQUESTS_IN_FLIGHT_MIN, true]);
  bench.node.release();
  assertEquals([await client.take(), bench.node.asked.length], [":1\r\n", REQUESTS_IN_FLIGHT_MIN + 1]);
  while (bench.node.waiting.length > 0) bench.node.release();
  assertEquals((await client.take()).endsWith(`:${count}\r\n`), true);
  assertEquals(client.session.full, false);
});

Deno.test("writes that are taken together count one by one towards that limit, and the next ones are taken once all of them are answered", async () => {
  const bench = new RespBench();
  bench.node.holding = true;
  const client = bench.connect();
  const count = REQUESTS_IN_FLIGHT_MIN + 10;
  client.session.receive(encodeRequest("PING") + encodeRequest("INCR", "n").repeat(count));
  assertEquals([await client.take(), bench.node.runs], ["+PONG\r\n", [REQUESTS_IN_FLIGHT_MIN]]);
  assertEquals([bench.node.asked.length, client.session.full], [REQUESTS_IN_FLIGHT_MIN, true]);
  while (bench.node.waiting.length > 1) bench.node.release();
  assertEquals([await client.take(), bench.node.runs.length], ["", 1]);
  bench.node.release();
  assertEquals((await client.take()).endsWith(`:${REQUESTS_IN_FLIGHT_MIN}\r\n`), true);
  assertEquals(bench.node.runs, [REQUESTS_IN_FLIGHT_MIN, 10]);
  while (bench.node.waiting.length > 0) bench.node.release();
  assertEquals((await client.take()).endsWith(`:${count}\r\n`), true);
  assertEquals(client.session.full, false);
});

Deno.test("writes that are taken together count one by one towards the requests of a turn", () => {
  const bench = new RespBench({ requestsPerTurnMax: 10 });
  const client = bench.connect();
  client.session.receive(encodeRequest("INCR", "n").repeat(30));
  assertEquals([bench.node.runs, client.session.full], [[10], true]);
});

Deno.test("requests whose replies nobody wants and that are known at once go on all the same", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  const many = encodeRequest("PING").repeat(5 * REQUESTS_IN_FLIGHT_MIN);
  client.session.receive(encodeRequest("CLIENT", "REPLY", "OFF") + many + encodeRequest("CLIENT", "REPLY", "ON"));
  assertEquals(await takeAll(bench, client), "+OK\r\n");
});

Deno.test("a client that does not read is not answered further, and gets the rest once it reads", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  const value = "v".repeat(300_000);
  assertEquals(await client.send(encodeRequest("SET", "k", value)), "+OK\r\n");
  client.link.reading = false;
  client.session.receive(encodeRequest("GET", "k").repeat(20));
  let output = await client.take();
  assert(output.length < UNSENT_BYTES_MAX + 400_000, `${output.length} bytes wait`);
  assertEquals(client.session.full, true);
  for (let round = 0; round < 20 && client.session.full; round++) {
    client.link.unsentBytes = 0;
    client.session.outputSent();
    output += await client.take();
  }
  assertEquals(output, `$${value.length}\r\n${value}\r\n`.repeat(20));
});

Deno.test("queues count for the memory of all clients, and give it back", async () => {
  const bench = new RespBench({ memoryBytesMax: 1_000_000 });
  const [first, second] = [bench.connect(), bench.connect()];
  const set = encodeRequest("SET", "k", "v".repeat(400_000));
  assertEquals(await first.send(`${encodeRequest("MULTI")}${set.repeat(3)}`), `+OK\r\n${"+QUEUED\r\n".repeat(3)}`);
  const small = encodeRequest("SET", "k", "v");
  const replies = await second.send(
    `${encodeRequest("MULTI")}${encodeRequest("SET", "k", "v".repeat(70_000))}${small}`,
  );
  assertStringIncludes(replies, "-ERR too many commands are queued\r\n+QUEUED\r\n");
  assert(bench.budget.bytes >= 1_200_000);
  assertEquals(await first.ask("DISCARD"), "+OK\r\n");
  assertEquals(await second.ask("EXEC"), ABORTED);
  assertEquals(bench.budget.bytes, 0);
  await first.ask("WATCH abc", "MULTI", "PING");
  assert(bench.budget.bytes > 0);
  first.session.closed();
  assertEquals(bench.budget.bytes, 0);
});

Deno.test("a queue holds no more than a command of the log can", async () => {
  const client = new RespBench().connect();
  const value = "v".repeat(1_000_000);
  const fitting = Math.floor(COMMAND_BYTES_MAX / (value.length + 100));
  const sets = (count: number) => encodeRequest("SET", "k", value).repeat(count);
  assertEquals(
    await client.send(`${encodeRequest("MULTI")}${sets(fitting)}${encodeRequest("EXEC")}`),
    `+OK\r\n${"+QUEUED\r\n".repeat(fitting)}*${fitting}\r\n${"+OK\r\n".repeat(fitting)}`,
  );
  const replies = await client.send(`${encodeRequest("MULTI")}${sets(fitting + 1)}${encodeRequest("EXEC")}`);
  assertEquals(replies, `+OK\r\n${"+QUEUED\r\n".repeat(fitting)}-ERR too many commands are queued\r\n${ABORTED}`);
  // Replies that are known already, such as those of ECHO, count as well.
  const echoes = await client.send(
    `${encodeRequest("MULTI")}${encodeRequest("ECHO", value).repeat(fitting + 1)}${encodeRequest("EXEC")}`,
  );
  assertEquals(echoes.endsWith(`-ERR too many commands are queued\r\n${ABORTED}`), true);
});

Deno.test("a queue has a longest length", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  client.session.receive(
    encodeRequest("MULTI") + encodeRequest("PING").repeat(QUEUED_COMMANDS_MAX + 1) + encodeRequest("EXEC"),
  );
  const replies = (await takeAll(bench, client)).split("\r\n");
  assertEquals(replies.slice(-4), ["+QUEUED", "-ERR too many commands are queued", ABORTED.trim(), ""]);
});

Deno.test("a connection watches a bounded number of bytes", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  const keys = (count: number, tag: string) => Array.from({ length: count }, (_, at) => `${tag}${at}`.padEnd(60_000));
  assertEquals(await client.send(encodeRequest("WATCH", ...keys(100, "a"))), "+OK\r\n");
  assertEquals(await client.send(encodeRequest("WATCH", ...keys(100, "a"))), "+OK\r\n");
  assertEquals(await client.send(encodeRequest("WATCH", ...keys(100, "b"))), "-ERR too many keys are watched\r\n");
  assertEquals(await client.ask("UNWATCH"), "+OK\r\n");
  assertEquals(await client.send(encodeRequest("WATCH", ...keys(100, "b"))), "+OK\r\n");
});

Deno.test("no command takes a key beyond the limit, those that hold other commands included", async () => {
  const bench = new RespBench({ keyBytesMax: 4 });
  const client = bench.connect();
  const refusal = "-ERR the key of 5 bytes is too long (limit 4)\r\n";
  const lines = [
    "GET 12345",
    "MSET a b 12345 v",
    "RENAME a 12345",
    "WATCH a 12345",
    "ONCE 1 1 SET 12345 v",
    "TXN 0 1 3 SET 12345 v 0",
    "TXN 0 0 1 3 SET 12345 v",
    "TXN 1 12345 EXISTS = 0 0 0",
    "ONCE 1 1 TXN 0 1 3 SET 12345 v 0",
  ];
  for (const line of lines) assertEquals(await client.ask(line), refusal, line);
  assertEquals(await client.ask("MULTI", "SET 12345 v", "EXEC"), `+OK\r\n${refusal}${ABORTED}`);
  assertEquals(await client.ask("DBSIZE"), ":0\r\n");
});

Deno.test("a command within a command within a command ends soon", async () => {
  const client = new RespBench().connect();
  const words = Array.from({ length: 20_000 }, () => ["ONCE", "1", "1"]).flat();
  assertEquals(
    await client.send(encodeRequest(...words, "SET", "a", "b")),
    "-ERR ONCE takes a command on keys, or TXN\r\n",
  );
  for (const inner of ["MULTI", "QUIT", "SESSION OPEN", "ONCE 1 2 SET a b", "CLIENT KILL ID 1 SKIPME no", "SAVE"]) {
    assertEquals(await client.ask(`ONCE 1 1 ${inner}`), "-ERR ONCE takes a command on keys, or TXN\r\n", inner);
  }
  assertEquals(await client.ask("PING", "EXEC"), "+PONG\r\n-ERR EXEC without MULTI\r\n");
});

Deno.test("a wrong number of words is told by the name of the command, for every command", async () => {
  for (const { name, arity } of COMMANDS.values()) {
    const client = new RespBench().connect();
    const counts = arity > 0 ? [arity - 1, arity + 1] : [-arity - 1];
    for (const count of counts.filter((words) => words > 0)) {
      const words = [name.toLowerCase(), ...Array.from({ length: count - 1 }, () => "1")];
      const code = name === "EXEC" ? "EXECABORT Transaction discarded because of:" : "ERR";
      const expected = `-${code} wrong number of arguments for '${name.toLowerCase()}' command\r\n`;
      assertEquals(await client.send(encodeRequest(...words)), expected);
    }
  }
});

Deno.test("names and subcommands that nothing has are told in the words of Redis, and not at length", async () => {
  const client = new RespBench().connect();
  const notOffered = "(KVStore does not offer it; COMMAND LIST and docs/redis.md show which commands it does)";
  assertEquals(
    await client.ask("NoSuch a b"),
    `-ERR unknown command 'NoSuch', with args beginning with: 'a' 'b' ${notOffered}\r\n`,
  );
  const plain = "x".repeat(5_000);
  assertEquals(
    await client.ask(`config get ${plain}`, `config get ${plain}*`),
    "*0\r\n-ERR the pattern is too long\r\n",
  );
  assertEquals(await client.ask("client nosuch"), "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n");
  assertEquals(await client.ask("Client SetName"), "-ERR wrong number of arguments for 'client|setname' command\r\n");
  assertEquals(await client.ask("config get"), "-ERR wrong number of arguments for 'config|get' command\r\n");
  assertEquals(await client.ask("OBJECT nosuch k"), "-ERR unknown subcommand 'nosuch'. Try OBJECT HELP.\r\n");
  const long = "x".repeat(1_000_000);
  for (const words of [[long], ["foo", long, long], ["CLIENT", long], ["OBJECT", long, "k"], [`foo\r\n+OK\r\n`]]) {
    const reply = await client.send(encodeRequest(...words));
    assert(reply.length < 500 && reply.startsWith("-ERR unknown "), reply.slice(0, 600));
    assertEquals(reply.indexOf("\r\n"), reply.length - 2);
  }
});

Deno.test("RESET brings the connection back to its beginning", async () => {
  const bench = new RespBench({ clusterMode: true });
  const [client, other] = [bench.connect(), bench.connect()];
  await client.ask("HELLO 3 SETNAME me", "READONLY", "WATCH a", "MULTI", "SET a 1");
  assertEquals(await other.ask("SET a 2"), "+OK\r\n");
  assertEquals(await client.ask("RESET"), "+RESET\r\n");
  assertEquals(await client.ask("CLIENT GETNAME", "EXEC"), "$-1\r\n-ERR EXEC without MULTI\r\n");
  assertEquals(await client.ask("MULTI", "GET a", "EXEC"), "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n2\r\n");
  bench.node.leaderId = 1;
  assertStringIncludes(await client.ask("GET a"), "-MOVED ");
  assertEquals(await client.ask("CLIENT REPLY OFF", "PING", "RESET", "PING"), "+RESET\r\n+PONG\r\n");
});

Deno.test("a snapshot that a client asks for holds back what comes behind it, and tells of a failure", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  const saved = Promise.withResolvers<{ readonly type: "Failed"; readonly message: string }>();
  bench.node.snapshotOutcome = () => saved.promise;
  assertEquals(await client.ask("SET a 1", "SAVE", "INCR a"), "+OK\r\n");
  saved.resolve({ type: "Failed", message: "no space" });
  assertEquals(await client.take(), "-ERR no space\r\n:2\r\n");
  assertEquals(await client.ask("BGSAVE", "BGSAVE SCHEDULE"), "+Background saving started\r\n".repeat(2));
  bench.node.snapshotOutcome = () => Promise.resolve({ type: "NotSound" });
  assertMatch(await client.ask("SAVE"), /^-TRYAGAIN the state of this node is not sound, /);
  bench.node.snapshotOutcome = () => Promise.reject(new Error("broken"));
  assertEquals(await client.ask("SAVE", "BGSAVE"), "-ERR broken\r\n+Background saving started\r\n");
});

Deno.test("CLIENT KILL finds by address, type and id, and spares the asking client unless told otherwise", async () => {
  const bench = new RespBench();
  const [one, two, three] = [bench.connect(), bench.connect(), bench.connect()];
  assertEquals(await one.ask("CLIENT KILL 10.0.0.1:1"), "-ERR No such client\r\n");
  assertEquals(await one.ask("CLIENT KILL ADDR 10.0.0.1:1"), ":0\r\n");
  assertEquals(await one.ask("CLIENT KILL TYPE pubsub"), ":0\r\n");
  assertEquals(await one.ask("CLIENT KILL ID 3 ADDR 10.0.0.1:1"), ":0\r\n");
  for (const line of ["CLIENT KILL ID 0", "CLIENT KILL FOO 1", "CLIENT KILL ID 1 ADDR", "CLIENT KILL TYPE x"]) {
    assertStringIncludes(await one.ask(line), "-ERR ", line);
  }
  assertEquals([two.link.aborted, three.link.aborted], [false, false]);
  assertEquals(await one.ask(`CLIENT KILL ADDR ${two.link.remote}`), ":2\r\n");
  assertEquals([one.link.finished, two.link.aborted, three.link.aborted], [false, true, true]);
  assertEquals(await one.ask(`CLIENT KILL ${one.link.remote}`), "+OK\r\n");
  assertEquals(one.link.finished, true);
});

Deno.test("CLIENT LIST and INFO show one line for each client, as tools parse it", async () => {
  const bench = new RespBench();
  const [one] = [bench.connect(), bench.connect()];
  const fields = async (line: string) => {
    const text = (await one.ask(line)).split("\r\n")[1] ?? "";
    return text.split("\n").map((shown) =>
      new Map(shown.split(" ").map((field) => field.split("=") as [string, string]))
    );
  };
  await one.ask("HELLO 2 SETNAME me", "MULTI", "SET a 1");
  await one.ask("DISCARD");
  const [info] = await fields("CLIENT INFO");
  assertEquals([info?.get("name"), info?.get("cmd"), info?.get("multi")], ["me", "client|info", "-1"]);
  const list = await fields("CLIENT LIST");
  assertEquals(list.map((client) => client.get("id")), ["1", "2", undefined]);
  assertEquals(list[1]?.get("cmd"), "NULL");
  assertEquals((await fields("CLIENT LIST ID 2 7")).map((client) => client.get("id")), ["2", undefined]);
});

Deno.test("CLUSTER tells who leads in every form that cluster clients read", async () => {
  const bench = new RespBench({ clusterMode: true });
  const client = bench.connect();
  bench.node.leaderId = 1;
  const [self, leader] = [0, 1].map((id) => id.toString(16).padStart(40, "0"));
  assertEquals(await client.ask("CLUSTER MYID"), `$40\r\n${self}\r\n`);
  const nodes = (await client.ask("CLUSTER NODES")).split("\r\n")[1]?.split("\n");
  assertEquals(nodes, [
    `${leader} 127.0.0.1:5001@15001 master - 0 0 3 connected 0-16383`,
    `${self} 127.0.0.1:5000@15000 myself,slave ${leader} 0 0 3 connected`,
    "",
  ]);
  assertStringIncludes(
    await client.ask("CLUSTER SHARDS"),
    "*1\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:16383\r\n$5\r\nnodes",
  );
  assertStringIncludes(await client.ask("INFO cluster", "HELLO 3"), "cluster_enabled:1");
  const role = "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:5001\r\n$9\r\nconnected\r\n:42\r\n";
  assertEquals(await client.ask("ROLE"), role);
  // A member that has no address yet is no replica to connect to.
  bench.node.leaderId = 0;
  assertStringIncludes(await client.ask("ROLE"), "*3\r\n$6\r\nmaster\r\n:42\r\n*1\r\n");
  assertEquals((await client.ask("INFO replication")).includes("slave1:"), false);
});

Deno.test("EXEC of reads makes no more copies than one reply holds, and answers the rest with an error", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  await client.send(encodeRequest("SET", "k", "v".repeat(VALUE_BYTES_MAX)));
  let reads = 0;
  const { node } = bench;
  const answer = node.answer.bind(node);
  node.answer = (call) => {
    reads += 1;
    return answer(call);
  };
  const fitting = Math.floor(REPLY_BYTES_MAX / VALUE_BYTES_MAX) - 1;
  await client.send(encodeRequest("MULTI") + encodeRequest("GET", "k").repeat(fitting + 3));
  const output = await client.ask("EXEC");
  const errors = `-ERR the reply is too long (limit ${REPLY_BYTES_MAX} bytes)\r\n`.repeat(3);
  assertEquals([output.slice(0, 5), output.slice(-errors.length), reads], [`*${fitting + 3}\r\n`, errors, fitting + 1]);
});
