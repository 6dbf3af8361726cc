/** Every line of the table of docs/text-protocol.md: what is typed, and the exact reply. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { NotDoneReason } from "../../../../lib/node/api.ts";
import { toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { TEXT_COMMANDS } from "../../../../lib/protocol/text/commands.ts";
import { SessionBench } from "./session_support.ts";

const USAGE_PUT = "Error: Usage: PUT <key> <value>";
const USAGE_GET = "Error: Usage: GET <key> [STALE]";
const USAGE_DELETE = "Error: Usage: DELETE <key>";

/** What SET says of a line that ends in Redis's options. */
function optionsRefused(quoted: string): string {
  return `${USAGE_PUT} (options are not known here: to store them as they are write ${quoted}, to use them a Redis client)`;
}

/** Each row is a conversation on a connection of its own: lines and their replies. */
const CONVERSATIONS: readonly (readonly (readonly [line: string, reply: string])[])[] = [
  [["PUT key1 value1", "key1 added successfully."], ["GET key1", "value of key1: value1"]],
  [["PUT key1 value1\r", "key1 added successfully."], ["GET key1\r", "value of key1: value1"]],
  [['PUT key1 "a b"', "key1 added successfully."], ["GET key1", "value of key1: a b"]],
  [["PUT key1 'a \"b'", "key1 added successfully."], ["GET key1", 'value of key1: a "b']],
  [["PUT key1   a  b \t ", "key1 added successfully."], ["GET key1", "value of key1: a  b"]],
  [['  put   "a key"   v', "a key added successfully."], ["GET 'a key'", "value of a key: v"]],
  [["PUT --key k --value v", "k added successfully."], ["GET --key k", "value of k: v"]],
  [["PUT -k k -v v", "k added successfully."], ["GET -k k", "value of k: v"]],
  [["PUT --value v --key k", "k added successfully."], ["GET --key=k", "value of k: v"]],
  [["PUT --key=k --value=v w", "k added successfully."], ["DELETE --key=k", "k deleted successfully."]],
  [['PUT --key="a b" --value="c d"', "a b added successfully."], ['GET -k "a b"', "value of a b: c d"]],
  [["PUT -k k -v hello -v", "k added successfully."], ["GET k", "value of k: hello -v"]],
  [["PUT k hello EX 60", "k added successfully."], ["GET k", "value of k: hello EX 60"]],
  [["SET k EX 60", "k added successfully."], ["GET k", "value of k: EX 60"]],
  [['SET k "hello EX 60"', "k added successfully."], ["GET k", "value of k: hello EX 60"]],
  [["SET k hello EX", "k added successfully."], ["SET k NX or not", "k added successfully."]],
  [["SET k hello EX 60", optionsRefused('SET k "hello EX 60"')], ["GET k", "Error: k does not exist."]],
  [["set lock b nx px 5000", optionsRefused('SET lock "b nx px 5000"')], ["ADD lock b NX", "lock added successfully."]],
  [['SET "a key" say "hi" KEEPTTL GET', optionsRefused('SET "a key" "say \\"hi\\" KEEPTTL GET"')]],
  [["SET -k k -v b XX", optionsRefused('SET k "b XX"')]],
  [["PUT -x 5", "-x added successfully."], ["GET -x", "value of -x: 5"]],
  [["PUT --keys 5", "--keys added successfully."], ["GET --keys", "value of --keys: 5"]],
  [['PUT "-k" 5', "-k added successfully."], ['GET "-k"', "value of -k: 5"]],
  [["PUT k --value v", "k added successfully."], ["GET k", "value of k: --value v"]],
  [['PUT k ""', "k added successfully."], ["GET k", "value of k: "]],
  [["PUT it's fine", "it's added successfully."], ["GET it's", "value of it's: fine"]],
  [['PUT k say "hi"', "k added successfully."], ["GET k", 'value of k: say "hi"']],
  [['PUT k "a\\nb"', "k added successfully."], ["GET k", 'value of k: "a\\nb"']],
  [['PUT k "a\\x00\\xFF"', "k added successfully."], ["GET k", 'value of k: "a\\x00\\xff"']],
  [['PUT "a\\tb" v', '"a\\tb" added successfully.'], ['DELETE "a\\tb"', '"a\\tb" deleted successfully.']],
  [["PUT schl\xc3\xbcssel \xe2\x82\xac", "schl\xc3\xbcssel added successfully."]],
  [["PUT k v", "k added successfully."], ["GET k STALE", "value of k (at most 0 ms old): v"]],
  [["PUT 'a b' v", "a b added successfully."], ["get  'a b' \t stale ", "value of a b (at most 0 ms old): v"]],
  [["PUT --key k --value v", "k added successfully."], ["GET --key k STALE", "value of k (at most 0 ms old): v"]],
  [["GET nothing STALE", "Error: nothing (at most 0 ms old) does not exist."]],
  [["PUT STALE v", "STALE added successfully."], ["GET STALE", "value of STALE: v"]],
  [["PUT STALE v", "STALE added successfully."], ["GET STALE STALE", "value of STALE (at most 0 ms old): v"]],
  [["PUT xSTALE v", "xSTALE added successfully."], ["GET xSTALE", "value of xSTALE: v"]],
  [["PUT 'x STALE' v", "x STALE added successfully."], ["GET 'x STALE'", "value of x STALE: v"]],
  [["PUT k v STALE", "k added successfully."], ["GET k", "value of k: v STALE"]],
  [['GET k "STALE"', USAGE_GET], ["GET k x STALE", USAGE_GET], ["GET k STALE STALE", USAGE_GET], [
    "GET --key STALE STALE x",
    USAGE_GET,
  ]],
  [["GET nothing", "Error: nothing does not exist."], ["DELETE nothing", "Error: nothing does not exist."]],
  [["PUT k v", "k added successfully."], ["DELETE k", "k deleted successfully."], [
    "GET k",
    "Error: k does not exist.",
  ]],
  [["PUT", USAGE_PUT], ["PUT k", USAGE_PUT], ["PUT k   ", USAGE_PUT], ['PUT "" v', USAGE_PUT]],
  [["PUT --key k", USAGE_PUT], ["PUT -v v", USAGE_PUT], ["PUT -k", USAGE_PUT], ["PUT --key= --value=v", USAGE_PUT]],
  [["PUT -k a -k b", USAGE_PUT], ["PUT -v a b -k c", USAGE_PUT], ["PUT -k a b", USAGE_PUT]],
  [['PUT k "a" b', `${USAGE_PUT} (text after the closing quote)`]],
  [['PUT k "a"b', `${USAGE_PUT} (text after the closing quote)`]],
  [['PUT k "a', `${USAGE_PUT} (unterminated quote)`], ["PUT k 'a", `${USAGE_PUT} (unterminated quote)`]],
  [['PUT k "a\\', `${USAGE_PUT} (unterminated quote)`], ['PUT "k v', `${USAGE_PUT} (unterminated quote)`]],
  [['PUT k "\\q"', `${USAGE_PUT} (unknown escape; known are \\" \\\\ \\n \\t \\xNN)`]],
  [['PUT k "\\xg0"', `${USAGE_PUT} (\\x needs two hexadecimal digits)`]],
  [["GET", USAGE_GET], ["GET a b", USAGE_GET], ['GET ""', USAGE_GET], ["GET -k", USAGE_GET]],
  [["GET -v a", USAGE_GET], ["GET --key a b", USAGE_GET]],
  [["DELETE", USAGE_DELETE], ["DELETE a b", USAGE_DELETE]],
  [["STATUS now", "Error: Usage: STATUS"], ["EXIT now", "Error: Usage: EXIT"], [
    "SNAPSHOT 1",
    "Error: Usage: SNAPSHOT",
  ]],
  [["LOGS 0", "Error: Usage: LOGS [count]"], ["LOGS 10001", "Error: Usage: LOGS [count]"]],
  [["LOGS -1", "Error: Usage: LOGS [count]"], ["LOGS 1e3", "Error: Usage: LOGS [count]"]],
  [["LOGS 1 2", "Error: Usage: LOGS [count]"], ["LOGS 99999999999999999999", "Error: Usage: LOGS [count]"]],
  [["WATCH 0", "Error: Usage: WATCH [seconds]"], ["WATCH 3601", "Error: Usage: WATCH [seconds]"]],
  [["WATCH 1.5", "Error: Usage: WATCH [seconds]"]],
  [["FOO", "Error: Unknown command 'FOO'. Type HELP for the command reference."]],
  [["foo bar", "Error: Unknown command 'foo'. Type HELP for the command reference."]],
  [["HELP foo", "Error: Unknown command 'foo'. Type HELP for the command reference."]],
  [["__proto__", "Error: Unknown command '__proto__'. Type HELP for the command reference."]],
  [["\x00\x01", "Error: Unknown command '\\x00\\x01'. Type HELP for the command reference."]],
  [["x".repeat(50), `Error: Unknown command '${"x".repeat(40)}'. Type HELP for the command reference.`]],
  [["\xff".repeat(50), `Error: Unknown command '${"\\xff".repeat(10)}'. Type HELP for the command reference.`]],
  [["\xc3\xbc".repeat(90), `Error: Unknown command '${"\xc3\xbc".repeat(40)}'. Type HELP for the command reference.`]],
  [["SNAPSHOT", "Snapshot created at index 42 (term 3)."]],
  [["CLEAR", "\x1b[H\x1b[2J"]],
  // redis-benchmark reads to the line end of its own protocol.
  [["PING\r", "+PONG\r"], ["ping", "+PONG\r"], ["PING hello", "Error: Usage: PING"]],
  [["!!", "Error: Unknown event '!!'. Type HISTORY for the numbers."]],
  [["GET k", "Error: k does not exist."], ["!!", "Repeating: GET k\nError: k does not exist."]],
  [["GET k", "Error: k does not exist."], ["!1", "Repeating: GET k\nError: k does not exist."]],
  [["!0", "Error: Unknown event '!0'. Type HISTORY for the numbers."]],
  [["! 1", "Error: Unknown event '! 1'. Type HISTORY for the numbers."]],
  [["EXIT", "Goodbye."]],
];

for (const [number, conversation] of CONVERSATIONS.entries()) {
  Deno.test(`Conversation ${number}: ${JSON.stringify(conversation[0]?.[0].slice(0, 40))}`, async () => {
    const bench = new SessionBench();
    for (const [line, reply] of conversation) assertEquals(await bench.ask(line), `${reply}\n`);
  });
}

const ALIASES: readonly (readonly [name: string, aliases: string])[] = [
  ["GET", "G FETCH READ RETRIEVE"],
  ["PUT", "P SET ADD UPDATE WRITE"],
  ["DELETE", "D DEL REMOVE RM"],
  ["STATUS", "S"],
  ["METRICS", "M"],
  ["HELP", "H ?"],
  ["EXIT", "Q QUIT BYE"],
  ["AUTH", "LOGIN"],
];

Deno.test("Every alias means its command, in any case", async () => {
  for (const [name, aliases] of ALIASES) {
    for (const alias of aliases.split(" ").flatMap((word) => [word, word.toLowerCase(), capitalized(word)])) {
      const line = (word: string) => name === "PUT" ? `${word} k v` : "GETDELETE".includes(name) ? `${word} k` : word;
      const memoryFree = (text: string) => text.replace(/^Memory .*$/gm, "").replaceAll(alias, name);
      assertEquals(
        memoryFree(await new SessionBench().ask(line(alias))),
        memoryFree(await new SessionBench().ask(line(name))),
      );
    }
  }
  assertEquals(TEXT_COMMANDS.filter((command) => command.aliases.length > 0).length, ALIASES.length);
});

function capitalized(word: string): string {
  return word.slice(0, 1) + word.slice(1).toLowerCase();
}

/** Of a node that answers alone. */
const ALONE = "Reachable 1 of 3 nodes, need 2. No other node answers. " +
  "Start node 1 (127.0.0.1:5001), or mend the network. GET <key> STALE shows what this node has.";

const REFUSALS: Readonly<Record<NotDoneReason, string>> = {
  NotLeader: "Error: Not leader. Current leader is Node 2",
  NoLeader: `Error: No leader. ${ALONE}`,
  Overloaded: "Error: Overloaded. Too many requests are waiting; try again later.",
  NoSpace: "Error: No space. The leader's disk is full; reads go on.",
  OutOfMemory: "Error: Out of memory. The leader's memory limit is reached; reads and DELETE go on.",
  TooLarge: "Error: Too large. A key may have 65536 bytes, a value 8388608 bytes.",
  Stopping: "Error: Stopping. This node is shutting down; use another one.",
  Timeout: `Error: Timeout. No majority confirmed the request in time. ${ALONE}`,
  NotLoggedIn: "Error: Authentication required. AUTH <user> <password> logs you in.",
  Quarantined:
    "Error: Quarantine. The state of this node is not sound, and it waits for another one; use another node.",
  TooOld:
    "Error: Not yet. Some member is not known to understand this: try again in a moment, or upgrade the older ones.",
};

Deno.test("What is certainly not done says why, for writes and reads", async () => {
  for (const [reason, reply] of Object.entries(REFUSALS)) {
    const bench = new SessionBench();
    bench.node.refusal = reason as NotDoneReason;
    bench.node.leaderId = 2;
    bench.node.reachable = 1;
    for (const line of ["PUT k v", "DELETE k", "GET k"]) assertEquals(await bench.ask(line), `${reply}\n`);
    const redirected = reason === "NotLeader" ? 3 : 0;
    const { metrics } = bench;
    assertEquals([metrics.received.value, metrics.redirected.value, metrics.failed.value], [
      3,
      redirected,
      3 - redirected,
    ]);
  }
});

Deno.test("A node in quarantine tells nothing of its state, not even what it was asked for as it is", async () => {
  const bench = new SessionBench();
  await bench.ask("PUT k v");
  bench.node.isQuarantined = true;
  assertEquals(await bench.ask("GET k STALE"), `${REFUSALS.Quarantined}\n`);
});

Deno.test("A read that the node's own disk kept from being served says how far the node is behind, and why", async () => {
  const bench = new SessionBench();
  bench.node.refusal = "Timeout";
  bench.node.healthNow = { stopping: false, failed: false, hasSpace: false };
  assertEquals(
    await bench.ask("GET k"),
    "Error: Timeout. No majority confirmed the request in time. Reachable 3 of 3 nodes, need 2. Try again in a moment.\n",
  );
  bench.node.entriesBehind = 12;
  assertEquals(
    await bench.ask("GET k"),
    "Error: Timeout. This node is 12 entries behind: its disk is full (/data/node-0).\n",
  );
});

Deno.test("A follower that does not know the leader any more says that there is none", async () => {
  const bench = new SessionBench();
  bench.node.refusal = "NotLeader";
  bench.node.leaderId = undefined;
  assertEquals(
    await bench.ask("PUT k v"),
    "Error: No leader. Reachable 3 of 3 nodes, need 2. An election is under way: try again in a moment.\n",
  );
});

Deno.test("An unknown outcome is told as such", async () => {
  const bench = new SessionBench();
  bench.node.unknown = true;
  assertEquals(await bench.ask("PUT k v"), "Error: Outcome unknown. The write may or may not take effect.\n");
  assertEquals(await bench.ask("GET k"), "value of k: v\n");
});

Deno.test("A snapshot that is not made says why", async () => {
  const bench = new SessionBench();
  bench.node.snapshotOutcome = () => Promise.resolve({ type: "UpToDate", id: { index: toIndex(7), term: toTerm(1) } });
  assertEquals(await bench.ask("SNAPSHOT"), "Snapshot is up to date at index 7 (term 1).\n");
  bench.node.snapshotOutcome = () => Promise.resolve({ type: "Failed", message: "disk\nfull" });
  assertEquals(await bench.ask("SNAPSHOT"), 'Error: Snapshot failed: "disk\\nfull"\n');
  bench.node.snapshotOutcome = () => Promise.resolve({ type: "NotSound" });
  assertEquals(await bench.ask("SNAPSHOT"), `${REFUSALS.Quarantined}\n`);
  bench.node.snapshotOutcome = () => Promise.reject(new Error("no more"));
  assertEquals(await bench.ask("SNAPSHOT"), "Error: Snapshot failed: no more\n");
});

Deno.test("STATUS shows the state of the node and its peers", async () => {
  const bench = new SessionBench();
  assertEquals(
    await bench.ask("STATUS"),
    `Status
Node ID: 0
Role: Leader
Term: 3
Leader ID: 0
Voted For: 0
Commit Index: 42
Last Applied: 42
Log Size: 33 entries
Last Log Index: 43
Last Snapshot Index: 10
Keys: 0
State Digest: 1:0123456789abcdef
Quorum: reachable 3 of 3 nodes, needed 2
Client Address: 127.0.0.1:5000
Data Directory: /data/node-0
Peers: 2
Peer 1: 127.0.0.1:15001, Match Index: 40, Last Contact: 12 ms ago, Reachable: yes
Peer 2: 127.0.0.1:15002, Match Index: unknown, Last Contact: never, Reachable: no
Clock Offset: -0.012 s
Clocks Off: node 2 600.000 s ahead of the majority's
Cluster ID: none
Uptime: 1 h 2 m 3 s

`,
  );
  bench.node.leaderId = undefined;
  assertStringIncludes(await bench.ask("S"), "Leader ID: none\nVoted For: none\n");
});

Deno.test("LOGSIZE, LOGS and CLUSTER show what the node tells", async () => {
  const bench = new SessionBench();
  bench.node.logLines = [41, 42, 43].map((index) => ({
    id: { index: toIndex(index), term: toTerm(3) },
    text: `PUT "k" "${index}"`,
  }));
  assertEquals(
    await bench.ask("LOGSIZE"),
    `Log Size
Entries: 33
First Index: 11
Last Index: 43
Last Term: 3
Memory: 1536 bytes (1.5 KiB)
Disk: 67108864 bytes (64.0 MiB)
Segments: 1
Snapshot Index: 10
Snapshot Term: 2
Snapshots: 1
Snapshot Disk: 100 bytes

`,
  );
  assertEquals(
    await bench.ask("LOGS 2"),
    'Log Entries\nIndex 42, Term 3: PUT "k" "42"\nIndex 43, Term 3: PUT "k" "43"\n\n',
  );
  assertEquals(
    await bench.ask("CLUSTER"),
    `Cluster
Node 0: 127.0.0.1:5000, Peer Address: 127.0.0.1:15000, Role: Leader, Term: 3, Match Index: 43, Lag: 0, Reachable: yes, Voter: yes, Protocol: 6-7
Node 1: 127.0.0.1:5001, Peer Address: 127.0.0.1:15001, Role: Follower, Term: 3, Match Index: 40, Lag: 2, Reachable: yes, Voter: yes, Protocol: 6-6
Node 2: unknown, Peer Address: 127.0.0.1:15002, Role: unknown, Term: unknown, Match Index: unknown, Lag: unknown, Reachable: no, Voter: no, Protocol: unknown
Level: 6

`,
  );
  const [member] = bench.node.members();
  assert(member !== undefined);
  bench.node.members = () => [{ ...member, quarantined: true }];
  assertStringIncludes(await bench.ask("CLUSTER"), "Voter: yes, Quarantined: yes, Protocol: 6-7\n");
});

Deno.test("METRICS counts requests by their end and shows every subject", async () => {
  const bench = new SessionBench();
  await bench.send("PUT a 1\nGET a\nGET b\nFOO\n");
  bench.node.refusal = "NotLeader";
  await bench.send("PUT a 2\n");
  bench.takeOutput();
  const report = await bench.ask("METRICS");
  const lines = new Map(report.split("\n").map((line) => line.split(": ") as [string, string]));
  assertEquals(lines.get("Client Requests Received"), "6");
  assertEquals(lines.get("Client Requests Succeeded"), "3", "METRICS counts itself");
  assertEquals(lines.get("Client Requests Failed"), "2");
  assertEquals(lines.get("Client Requests Redirected"), "1");
  assertEquals(lines.get("RPC AppendEntries Sent"), "7");
  assertEquals(lines.get("RPC AppendEntriesResult Received"), "6");
  assertEquals(lines.get("AppendEntries Success Rate"), "none");
  assertEquals(lines.get("Event Loop Lag Max"), "12.250 ms");
  assertMatch(lines.get("Memory Resident") ?? "", /^[0-9]+ bytes/);
  for (
    const name of [
      "Role",
      "Log Entries",
      "Snapshots Taken",
      "Elections Started",
      "Command Latency p50",
      "Command Latency p99",
      "fdatasync calls",
      "fdatasync Latency p50",
      "fdatasync Latency p99",
      "Uptime",
    ]
  ) assert(lines.has(name), name);
  assertEquals(bench.metrics.commandSeconds.count, 4);
});

Deno.test("STATS shows this connection and the server", async () => {
  const bench = new SessionBench();
  bench.link.bytesReceived = 2_048;
  await bench.ask("GET k");
  await bench.clock.advance(90_000);
  const report = await bench.ask("STATS");
  for (
    const line of [
      "Connection Commands: 2",
      "Connection Bytes In: 2048 bytes (2.0 KiB)",
      "Connection Open For: 1 m 30 s",
      "Server Commands: 2",
      "Server Connections: 3 (limit 100)",
      "Peer 1: 127.0.0.1:15001, Reachable: yes, Round Trip: 0.250 ms, Protocol: 6, Bytes In: 200, Bytes Out: 100, Frames Dropped: 0",
      "Problem: connection refused",
    ]
  ) assertStringIncludes(report, line);
});

Deno.test("HELP lists every command, and one in detail", async () => {
  const bench = new SessionBench();
  const all = await bench.ask("?");
  for (const command of TEXT_COMMANDS) assertStringIncludes(all, `\n${command.usage}: `);
  assertEquals(
    await bench.ask("help get"),
    `GET
Usage: GET <key> [STALE]
Summary: Shows the value of a key; on any node, never an old one; with STALE at once, and how old it may be
Aliases: G, FETCH, READ, RETRIEVE
Example: GET key1
Example: GET "a key"
Example: GET --key key1
Example: GET key1 STALE

`,
  );
});

Deno.test("Every reply of several lines has a title, `Name: value` lines, and an empty line at its end", async () => {
  for (const word of ["STATUS", "METRICS", "LOGSIZE", "LOGS", "CLUSTER", "HELP", "HELP PUT", "HISTORY", "STATS"]) {
    assertMatch(await new SessionBench().ask(word), /^[^\n:]+\n([^\n:]+: [^\n]*\n)*\n$/, word);
  }
});
