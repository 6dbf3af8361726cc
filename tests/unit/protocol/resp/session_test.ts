import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { NotDoneReason } from "../../../../lib/node/api.ts";
import { RespBench } from "./session_support.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";

/** How the reply to an unknown command ends. */
const NOT_OFFERED = "(KVStore does not offer it; COMMAND LIST and docs/redis.md show which commands it does)";

Deno.test("pipelined requests are answered in order, however they end", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  assertEquals(
    await client.ask("SET a 1", "INCR a", "GET a", "PING", "MGET a nothing", "DEL a", "GET a"),
    "+OK\r\n:2\r\n$1\r\n2\r\n+PONG\r\n*2\r\n$1\r\n2\r\n$-1\r\n:1\r\n$-1\r\n",
  );
});

Deno.test("writes run side by side; a read waits for the writes before it, and a write for the reads before it", async () => {
  const bench = new RespBench();
  bench.node.holding = true;
  const client = bench.connect();
  assertEquals(await client.ask("SET a 1", "SET b 2", "GET a", "Get b", "SET a 3"), "");
  assertEquals(bench.node.asked, ["Write", "Write"]);
  bench.node.release();
  bench.node.release();
  assertEquals(await client.take(), "+OK\r\n+OK\r\n");
  assertEquals(bench.node.asked.slice(2), ["Read", "Read"]);
  bench.node.release();
  assertEquals(await client.take(), "$1\r\n1\r\n");
  assertEquals(bench.node.asked.length, 4);
  bench.node.release();
  assertEquals(await client.take(), "$1\r\n2\r\n");
  assertEquals(bench.node.asked.slice(4), ["Write"]);
});

Deno.test("a transaction is done as one, with its watched keys compared", async () => {
  const bench = new RespBench();
  const [one, other] = [bench.connect(), bench.connect()];
  assertEquals(
    await one.ask("MULTI", "SET a 1", "INCR a", "PING", "EXEC"),
    "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n:2\r\n+PONG\r\n",
  );
  assertEquals(
    await one.ask("WATCH a nothing", "MULTI", "GET a", "EXEC"),
    "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\n2\r\n",
  );
  assertEquals(await one.ask("WATCH a"), "+OK\r\n");
  assertEquals(await other.ask("SET a 9"), "+OK\r\n");
  assertEquals(await one.ask("MULTI", "SET a 10", "EXEC", "GET a"), "+OK\r\n+QUEUED\r\n*-1\r\n$1\r\n9\r\n");
  assertEquals(await one.ask("WATCH a", "UNWATCH"), "+OK\r\n+OK\r\n");
  assertEquals(await other.ask("SET a 11"), "+OK\r\n");
  assertEquals(await one.ask("MULTI", "SET a 12", "EXEC"), "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
  assertEquals(await one.ask("MULTI", "SET a 13", "DISCARD", "GET a"), "+OK\r\n+QUEUED\r\n+OK\r\n$2\r\n12\r\n");
});

Deno.test("a key is watched from the first WATCH that names it until EXEC or DISCARD", async () => {
  const bench = new RespBench();
  const [one, other] = [bench.connect(), bench.connect()];
  await one.ask("WATCH a");
  await other.ask("SET a 1");
  assertEquals(await one.ask("WATCH a", "MULTI", "SET a 2", "EXEC"), "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n");
  for (const end of ["EXEC", "DISCARD"]) {
    await one.ask("WATCH a", "MULTI", end);
    await other.ask(`SET a ${end}`);
    assertEquals(await one.ask("MULTI", "SET a 2", "EXEC"), "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n", end);
  }
});

Deno.test("what cannot be queued spoils the transaction, and an error of a queued command does not undo the others", async () => {
  const client = new RespBench().connect();
  const aborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";
  assertEquals(
    await client.ask("MULTI", "GET", "SET a 1", "EXEC"),
    `+OK\r\n-ERR wrong number of arguments for 'get' command\r\n+QUEUED\r\n${aborted}`,
  );
  assertEquals(
    await client.ask("MULTI", "NOSUCH", "EXEC", "GET a"),
    `+OK\r\n-ERR unknown command 'NOSUCH', with args beginning with: ${NOT_OFFERED}\r\n${aborted}$-1\r\n`,
  );
  assertEquals(
    await client.ask("MULTI", "SET a x", "INCR a", "SET b 1", "EXEC"),
    "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n-ERR value is not an integer or out of range\r\n+OK\r\n",
  );
  assertEquals(
    await client.ask("EXEC", "DISCARD", "MULTI", "MULTI", "WATCH a"),
    "-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n+OK\r\n-ERR MULTI calls can not be nested\r\n-ERR WATCH inside MULTI is not allowed\r\n",
  );
});

Deno.test("a WATCH sees that its key has expired, whether EXEC writes or only reads", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  for (const queued of ["GET b", "SET b 1"]) {
    await client.ask("SET a 1 PX 100");
    assertEquals(await client.ask("WATCH a"), "+OK\r\n");
    bench.node.wallClockMs += 100;
    assertEquals(await client.ask("MULTI", queued, "EXEC"), "+OK\r\n+QUEUED\r\n*-1\r\n", queued);
    assertEquals(await client.ask("WATCH a", "MULTI", queued, "EXEC").then((text) => text.endsWith("*-1\r\n")), false);
  }
});

Deno.test("an EXEC with too many words ends the transaction and forgets what a WATCH before it names", async () => {
  const client = new RespBench().connect();
  const refusal = "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n";
  assertEquals(
    await client.ask("WATCH a", "EXEC x", "SET a 1", "MULTI", "EXEC"),
    `+OK\r\n${refusal}+OK\r\n+OK\r\n*0\r\n`,
  );
  assertEquals(await client.ask("MULTI", "EXEC x", "GET a"), `+OK\r\n${refusal}$1\r\n1\r\n`);
});

Deno.test("what changes the connection waits for EXEC, and is not done after DISCARD", async () => {
  const client = new RespBench().connect();
  assertEquals(
    await client.ask("MULTI", "CLIENT SETNAME a", "DISCARD", "CLIENT GETNAME"),
    "+OK\r\n+QUEUED\r\n+OK\r\n$-1\r\n",
  );
  assertEquals(
    await client.ask("MULTI", "CLIENT SETNAME a", "CLIENT REPLY OFF", "SET k 1", "EXEC"),
    "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n" +
      "*3\r\n+OK\r\n+OK\r\n+OK\r\n",
  );
  assertEquals(await client.ask("CLIENT GETNAME", "CLIENT REPLY ON", "CLIENT GETNAME"), "+OK\r\n$1\r\na\r\n");
});

Deno.test("what changes or tells of the connection waits for the commands before it", async () => {
  const client = new RespBench().connect();
  assertEquals(
    await client.ask("MULTI", "SET k 1", "CLIENT GETNAME", "EXEC", "CLIENT SETNAME a", "CLIENT GETNAME"),
    "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$-1\r\n+OK\r\n$1\r\na\r\n",
  );
});

Deno.test("an unknown command is said not to be offered, behind the words by which clients know the error", async () => {
  const client = new RespBench().connect();
  assertEquals(
    await client.ask("lpush a b", "NOSUCH a"),
    `-ERR unknown command 'lpush', with args beginning with: 'a' 'b' ${NOT_OFFERED}\r\n` +
      `-ERR unknown command 'NOSUCH', with args beginning with: 'a' ${NOT_OFFERED}\r\n`,
  );
});

/** What EXEC answers when a command before it could not be queued. */
const ABORTED = "-EXECABORT Transaction discarded because of previous errors.\r\n";

Deno.test("within MULTI, what waits itself and what is no subcommand is refused at once, and EXEC with it", async () => {
  const client = new RespBench().connect();
  const notAllowed = "-ERR Command not allowed inside a transaction\r\n";
  const cases: readonly (readonly [string, string])[] = [
    ["SAVE", notAllowed],
    ["SESSION OPEN", notAllowed],
    ["ONCE 1 1 SET a 1", notAllowed],
    ["TXN 0 1 1 DBSIZE 0", notAllowed],
    ["CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"],
    ["CONFIG FOO", "-ERR unknown subcommand 'FOO'. Try CONFIG HELP.\r\n"],
    ["COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n"],
    ["OBJECT FOO a", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP.\r\n"],
    ["CLIENT REPLY", "-ERR wrong number of arguments for 'client|reply' command\r\n"],
    ["CONFIG GET", "-ERR wrong number of arguments for 'config|get' command\r\n"],
  ];
  for (const [line, refusal] of cases) {
    assertEquals(await client.ask("MULTI", "SET a 1", line, "EXEC"), `+OK\r\n+QUEUED\r\n${refusal}${ABORTED}`, line);
  }
  assertEquals(await client.ask("GET a", "CLIENT REPLY ON"), "$-1\r\n+OK\r\n");
});

Deno.test("within MULTI, HELLO, AUTH, WAIT and CLIENT REPLY are queued and act inside EXEC, each at its place", async () => {
  const client = new RespBench().connect();
  const queued = await client.ask(
    "MULTI",
    "GET none",
    "HELLO 3",
    "GET none",
    "AUTH default x",
    "AUTH a b c",
    "WAIT 9 0",
    "PING",
  );
  assertEquals(queued, `+OK\r\n${"+QUEUED\r\n".repeat(7)}`);
  assertEquals(await client.ask("ECHO x"), "+QUEUED\r\n", "no version was chosen yet");
  const replies = await client.ask("EXEC");
  assert(replies.startsWith("*8\r\n$-1\r\n%7\r\n$6\r\nserver\r\n"), replies);
  const rest = "*0\r\n_\r\n+OK\r\n-ERR syntax error\r\n:1\r\n+PONG\r\n$1\r\nx\r\n";
  assert(replies.endsWith(rest), replies);
  assertEquals(await client.ask("GET none"), "_\r\n", "the version was chosen by EXEC");
  assertEquals(
    await client.ask("MULTI", "HELLO 9", "CLIENT REPLY OFF", "GET none", "EXEC", "PING", "CLIENT REPLY ON"),
    `+OK\r\n${"+QUEUED\r\n".repeat(3)}*3\r\n-NOPROTO unsupported protocol version\r\n+OK\r\n_\r\n+OK\r\n`,
  );
});

Deno.test("CLIENT REPLY within EXEC leaves EXEC its reply, whatever else is queued, and silences what comes behind", async () => {
  for (const [command, reply] of [["SET a 1", "+OK"], ["ECHO x", "$1\r\nx"]] as const) {
    const client = new RespBench().connect();
    const queued = `+OK\r\n${"+QUEUED\r\n".repeat(3)}`;
    const list = `*3\r\n${reply}\r\n+OK\r\n+PONG\r\n`;
    assertEquals(
      await client.ask("MULTI", command, "CLIENT REPLY SKIP", "PING", "EXEC", "ECHO skipped", "ECHO y"),
      `${queued}${list}$1\r\ny\r\n`,
      command,
    );
    assertEquals(
      await client.ask("MULTI", command, "CLIENT REPLY OFF", "PING", "EXEC", "PING", "CLIENT REPLY ON"),
      `${queued}${list}+OK\r\n`,
      command,
    );
    assertEquals(
      await client.ask("MULTI", command, "CLIENT REPLY ON", "PING", "CLIENT REPLY OFF", "EXEC", "ECHO y"),
      `${queued}+QUEUED\r\n*4\r\n${reply}\r\n+OK\r\n+PONG\r\n+OK\r\n`,
      command,
    );
    assertEquals(await client.ask("MULTI", command, "CLIENT REPLY ON", "EXEC", "ECHO z"), "$1\r\nz\r\n", command);
  }
});

Deno.test("a command of a session is done once, however often it is sent", async () => {
  const client = new RespBench().connect();
  const opened = await client.ask("SESSION OPEN 5000");
  const id = opened.slice(1, -2);
  assertEquals(
    await client.ask(`ONCE ${id} 1 INCR n`, `ONCE ${id} 1 INCR n`, `ONCE ${id} 2 INCR n`),
    ":1\r\n:1\r\n:2\r\n",
  );
  assertEquals(await client.ask(`ONCE ${id} 3 SET k v`, `ONCE ${id} 3 SET k v`, "GET k"), "+OK\r\n+OK\r\n$1\r\nv\r\n");
  const reused = "-SEQREUSED another command was applied under this sequence number; this one was not\r\n";
  assertEquals(
    await client.ask(`ONCE ${id} 3 SET k w`, `ONCE ${id} 3 DEL k`, "GET k"),
    `${reused}${reused}$1\r\nv\r\n`,
  );
  const transaction = `ONCE ${id} 4 TXN 1 n VALUE = 2 1 2 INCR n 0`;
  assertEquals(
    await client.ask(transaction, transaction),
    "*2\r\n:1\r\n*1\r\n:3\r\n*2\r\n:1\r\n*1\r\n:3\r\n",
  );
  assertEquals(await client.ask(`SESSION KEEPALIVE ${id}`, `SESSION CLOSE ${id}`), "+OK\r\n+OK\r\n");
  assertStringIncludes(await client.ask(`ONCE ${id} 5 INCR n`), "-NOSESSION ");
  assertStringIncludes(await client.ask(`SESSION KEEPALIVE ${id}`), "-NOSESSION ");
  assertEquals(
    await client.ask(`ONCE ${id} 0 INCR n`, "ONCE x 1 INCR n"),
    "-ERR value is not a positive integer or out of range\r\n".repeat(2),
  );
  assertEquals(
    await client.ask(`ONCE ${id} 1 MULTI`, "GET n"),
    "-ERR ONCE takes a command on keys, or TXN\r\n$1\r\n3\r\n",
  );
});

Deno.test("TXN compares and does one of two lists; a malformed one does nothing", async () => {
  const client = new RespBench().connect();
  assertEquals(await client.ask("TXN 1 a EXISTS = 0 1 3 SET a 1 1 2 INCR a"), "*2\r\n:1\r\n*1\r\n+OK\r\n");
  assertEquals(await client.ask("TXN 1 a EXISTS = 0 1 3 SET a 1 1 2 INCR a"), "*2\r\n:0\r\n*1\r\n:2\r\n");
  assertEquals(await client.ask("TXN 0 1 2 GET a 0"), "*2\r\n:1\r\n*1\r\n$1\r\n2\r\n");
  for (
    const line of [
      "TXN 1 a EXISTS = 0 1 3 SET a",
      "TXN x 0 0",
      "TXN 0 1 1 PING 0",
      "TXN 1 a SIZE = 0 0 0",
      "TXN 0 0 0 0",
    ]
  ) {
    assertEquals((await client.ask(line)).slice(0, 5), "-ERR ", line);
  }
  assertEquals(await client.ask("GET a"), "$1\r\n2\r\n");
});

Deno.test("HELLO chooses the version for what comes behind it", async () => {
  const client = new RespBench().connect();
  const reply = await client.ask("GET a", "HELLO 3", "GET a", "HELLO 2", "GET a", "HELLO 4");
  assertEquals(reply.startsWith("$-1\r\n%7\r\n$6\r\nserver\r\n"), true, reply);
  assertStringIncludes(reply, "_\r\n*14\r\n");
  assertEquals(reply.endsWith("$-1\r\n-NOPROTO unsupported protocol version\r\n"), true, reply);
  assertMatch(await client.ask("HELLO 3 AUTH bob x"), /^%7\r\n/, "before there are users anybody may log in");
  assertEquals(
    (await client.ask("HELLO 3 AUTH default x SETNAME me", "CLIENT GETNAME")).endsWith("$2\r\nme\r\n"),
    true,
  );
});

Deno.test("CLIENT REPLY silences one reply or all, and errors with them", async () => {
  const client = new RespBench().connect();
  assertEquals(await client.ask("CLIENT REPLY SKIP", "SET a 1", "GET a"), "$1\r\n1\r\n");
  assertEquals(
    await client.ask("CLIENT REPLY OFF", "SET a 2", "NOSUCH", "CLIENT REPLY ON", "GET a"),
    "+OK\r\n$1\r\n2\r\n",
  );
});

Deno.test("clients name themselves, see each other and are ended by their id", async () => {
  const bench = new RespBench();
  const [one, other] = [bench.connect(), bench.connect()];
  assertEquals(
    await one.ask("CLIENT SETNAME first", "CLIENT SETINFO LIB-NAME tool", "CLIENT ID"),
    "+OK\r\n+OK\r\n:1\r\n",
  );
  assertEquals(
    await one.send(encodeRequest("CLIENT", "SETNAME", "a b")),
    "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
  );
  const list = await other.ask("CLIENT LIST");
  assertEquals(list.match(/id=\d+/g), ["id=1", "id=2"]);
  assertStringIncludes(list, "name=first");
  assertStringIncludes(list, "lib-name=tool");
  assertEquals(await one.ask("CLIENT KILL ID 2"), ":1\r\n");
  assertEquals(other.link.aborted, true);
  other.session.closed();
  assertEquals((await one.ask("CLIENT LIST")).match(/id=\d+/g), ["id=1"]);
  assertEquals(await one.ask("CLIENT KILL ID 1 SKIPME NO"), ":1\r\n");
  assertEquals(one.link.finished, true);
});

Deno.test("what was certainly not done and what is unknown have words of their own", async () => {
  const words: Readonly<Record<NotDoneReason, string>> = {
    NotLeader: "CLUSTERDOWN",
    NoLeader: "CLUSTERDOWN",
    Overloaded: "BUSY",
    NoSpace: "READONLY",
    OutOfMemory: "OOM",
    TooLarge: "ERR",
    Stopping: "TRYAGAIN",
    Timeout: "TRYAGAIN",
    NotLoggedIn: "NOAUTH",
    TooOld: "TRYAGAIN",
    Quarantined: "TRYAGAIN",
  };
  const bench = new RespBench();
  const client = bench.connect();
  for (const [reason, word] of Object.entries(words)) {
    bench.node.refusal = reason as NotDoneReason;
    const replies = [await client.ask("SET a 1"), await client.ask("GET a")];
    assertEquals(replies.map((reply) => reply.split(" ")[0]), [`-${word}`, `-${word}`], reason);
  }
  bench.node.refusal = undefined;
  bench.node.unknown = true;
  assertEquals(await client.ask("SET a 1"), "-TIMEOUT outcome unknown\r\n");
});

Deno.test("QUIT and broken framing end the connection after what came before is answered", async () => {
  const quitting = new RespBench().connect();
  assertEquals(await quitting.ask("SET a 1", "QUIT", "SET a 2"), "+OK\r\n+OK\r\n");
  assertEquals(quitting.link.finished, true);
  const broken = new RespBench().connect();
  assertEquals(
    await broken.send(`${encodeRequest("PING")}*1\r\n+PING\r\n`),
    "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n",
  );
  assertEquals(broken.link.finished, true);
});

Deno.test("keys and values beyond their limits are refused, and the connection goes on", async () => {
  const bench = new RespBench({ keyBytesMax: 4, valueBytesMax: 1_024 });
  const client = bench.connect();
  assertStringIncludes(await client.ask(`SET abcde 1`), "-ERR the key of 5 bytes is too long (limit 4)");
  assertStringIncludes(
    await client.send(encodeRequest("SET", "a", "x".repeat(1_025))),
    "-ERR a word of 1025 bytes is too long",
  );
  assertEquals(await client.ask("SET abcd 1", "GET a"), "+OK\r\n$-1\r\n");
});

Deno.test("in cluster mode keys belong to the leader, and a follower says where that is", async () => {
  const bench = new RespBench({ clusterMode: true });
  const client = bench.connect();
  assertEquals(await client.ask("SET foo 1", "CLUSTER KEYSLOT foo"), "+OK\r\n:12182\r\n");
  bench.node.leaderId = 1;
  assertStringIncludes(await client.ask("SET foo 2"), "-MOVED 12182 127.0.0.1:5001");
  assertStringIncludes(await client.ask("GET foo"), "-MOVED 12182 ");
  assertEquals(await client.ask("READONLY", "GET foo"), "+OK\r\n$1\r\n1\r\n");
  assertStringIncludes(
    await client.ask("CLUSTER SLOTS"),
    "*1\r\n*4\r\n:0\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:5001\r\n",
  );
  assertStringIncludes(await client.ask("CLUSTER INFO"), "cluster_state:ok");
  bench.node.leaderId = undefined;
  assertStringIncludes(await client.ask("SET foo 3"), "-CLUSTERDOWN ");
  assertEquals(await client.ask("CLUSTER SLOTS"), "*0\r\n");
  assertEquals(
    await new RespBench().connect().ask("CLUSTER SLOTS"),
    "-ERR This instance has cluster support disabled\r\n",
  );
});

Deno.test("a stopped session answers what runs, and a closed one gives its memory back", async () => {
  const bench = new RespBench();
  bench.node.holding = true;
  const client = bench.connect();
  await client.ask("SET a 1");
  client.session.receive("*2\r\n$3\r\nGET\r\n$100\r\nxx");
  assertEquals(bench.budget.bytes > 0, true);
  client.session.stop();
  assertEquals(client.link.finished, false);
  bench.node.release();
  assertEquals(await client.take(), "+OK\r\n");
  assertEquals(client.link.finished, true);
  client.session.closed();
  assertEquals(bench.budget.bytes, 0);
});
