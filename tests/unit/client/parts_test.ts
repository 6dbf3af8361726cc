import { assertEquals, assertThrows } from "@std/assert";
import { TOKEN_USER } from "../../../lib/access/tokens.ts";
import { formatAddress, parseAddress } from "../../../lib/client/address.ts";
import { accessOf, accessOfRequest } from "../../../lib/client/command_table.ts";
import { deleteRequest, putRequest } from "../../../lib/client/conditions.ts";
import { Fifo } from "../../../lib/client/fifo.ts";
import { credentialsOf, settle } from "../../../lib/client/options.ts";
import { isInterruption, Scope } from "../../../lib/client/scope.ts";
import { Timers } from "../../../lib/client/timers.ts";
import { transactionWords } from "../../../lib/client/transaction.ts";
import { decodeText, keyAfter } from "../../../lib/client/words.ts";

Deno.test("addresses are host:port or [ipv6]:port, and nothing else", () => {
  assertEquals(parseAddress("127.0.0.1:5000"), { host: "127.0.0.1", port: 5000 });
  assertEquals(parseAddress("[::1]:65535"), { host: "::1", port: 65_535 });
  for (const text of ["127.0.0.1:5000", "[::1]:1", "db-1.example:5002"]) {
    const address = parseAddress(text);
    assertEquals(address === undefined ? undefined : formatAddress(address), text);
  }
  for (const bad of ["", "5000", ":5000", "a:", "a:0", "a:65536", "a:5x", "::1:5000", "a b:1", "[]:1", "http://a:1"]) {
    assertEquals(parseAddress(bad), undefined, bad);
  }
});

Deno.test("options out of their range are refused by name", () => {
  const servers = ["a:1"];
  assertThrows(() => settle({ servers: [] }), TypeError, "servers is empty");
  assertThrows(() => settle({ servers: ["nowhere"] }), TypeError, `"nowhere"`);
  assertThrows(() => settle({ servers, timeoutMs: 0 }), RangeError, "timeoutMs");
  assertThrows(() => settle({ servers, connections: 0 }), RangeError, "connections");
  assertThrows(() => settle({ servers, operationsMax: 1.5 }), RangeError, "operationsMax");
  assertThrows(() => settle({ servers, sessionTtlMs: 999 }), RangeError, "sessionTtlMs");
});

Deno.test("a token stands for user and password, under the name that servers know it by, and goes with neither", () => {
  const servers = ["a:1"];
  assertEquals(credentialsOf({ servers }), undefined);
  assertEquals(credentialsOf({ servers, username: "alice" }), undefined);
  assertEquals(credentialsOf({ servers, password: "p" }), { username: "default", password: "p" });
  assertEquals(credentialsOf({ servers, token: "kvs_7_x" }), { username: TOKEN_USER, password: "kvs_7_x" });
  for (const other of [{ username: "alice" }, { password: "p" }]) {
    assertThrows(() => credentialsOf({ servers, token: "kvs_7_x", ...other }), TypeError, "by itself whose it is");
  }
});

Deno.test("conditions become the options of one command, and exclude each other", () => {
  const pair = ["k", "v"] as const;
  const words = (options: Parameters<typeof putRequest>[1]) => putRequest(pair, options).words.join(" ");
  assertEquals(words({}), "SET k v");
  assertEquals(words({ ttlMs: 5, ifAbsent: true }), "SET k v PX 5 NX");
  assertEquals(words({ keepTtl: true, ifPresent: true }), "SET k v KEEPTTL XX");
  assertEquals(words({ ifValue: "" }), "SET k v IFEQ ");
  assertEquals(words({ ifRevision: 7, ttlMs: 5 }), "TXN 1 k MOD = 7 1 5 SET k v PX 5 0");
  assertEquals(deleteRequest("k", { ifValue: "v" }).words, ["DELEX", "k", "IFEQ", "v"]);
  assertEquals(deleteRequest("k", { ifRevision: 3 }).words.join(" "), "TXN 1 k MOD = 3 1 2 DEL k 0");
  assertThrows(() => putRequest(pair, { ifAbsent: true, ifRevision: 1 }), TypeError, "ifAbsent and ifRevision");
  assertThrows(() => putRequest(pair, { ttlMs: 1, keepTtl: true }), TypeError, "ttlMs and keepTtl");
  assertThrows(() => deleteRequest("k", { ifValue: "", ifRevision: 1 }), TypeError, "ifValue and ifRevision");
});

Deno.test("a transaction names its counts before its parts", () => {
  const words = transactionWords({
    if: [
      { key: "a", field: "value", is: "<", operand: "m" },
      { key: "b", field: "exists", is: "=", operand: false },
      { key: "c", field: "created", is: "!=", operand: 9 },
    ],
    then: [["SET", "a", 1], ["DEL", "b"]],
    else: [["GET", "a"]],
  });
  assertEquals(
    words.join(" "),
    "TXN 3 a VALUE < m b EXISTS = 0 c CREATE != 9 2 3 SET a 1 2 DEL b 1 2 GET a",
  );
  assertEquals(transactionWords({}), ["TXN", 0, 0, 0]);
});

Deno.test("a command about the server is never numbered by a session", () => {
  for (const name of ["SLOWLOG", "LATENCY", "CONFIG", "WAIT", "SESSION", "ONCE"]) {
    assertEquals(accessOf(name), "Server", name);
  }
});

Deno.test("an unknown command is taken for a write, in whatever letters", () => {
  assertEquals(accessOf("get"), "Read");
  assertEquals(accessOf(new TextEncoder().encode("Mget")), "Read");
  assertEquals(accessOf("SET"), "Write");
  assertEquals(accessOf("new-command"), "Write");
  assertEquals(accessOf("config"), "Server");
  assertEquals(accessOf("multi"), "Forbidden");
  assertEquals(accessOf("subscribe"), "Forbidden");
});

Deno.test("a transaction that only reads is a read; one that is not understood is a write", () => {
  const compare = { key: "SET", field: "value", is: "=", operand: "SET" } as const;
  const get = ["GET", "SET"];
  const set = ["SET", "GET", "1"];
  const access = (...parts: Parameters<typeof transactionWords>) => accessOfRequest(transactionWords(...parts));
  assertEquals(access({ if: [compare], then: [get, get], else: [get] }), "Read");
  assertEquals(access({}), "Read");
  assertEquals([access({ then: [get, set] }), access({ else: [set] })], ["Write", "Write"]);
  assertEquals(accessOfRequest(["txn", "0", "1", "2", "get", "k", "0"]), "Read");
  const odd = [
    "TXN",
    "TXN 0",
    "TXN 0 0",
    "TXN x 0 0",
    "TXN 0 1 2 GET 0",
    "TXN 0 1 9 GET k 0",
    "TXN 0 0 0 0",
    "TXN 0 -1 0",
  ];
  for (const line of odd) assertEquals(accessOfRequest(line.split(" ")), "Write", line);
  assertEquals(accessOfRequest(["TXN", 0, 1e15, -1, "GET"]), "Write");
  assertEquals([accessOfRequest([]), accessOfRequest([new Uint8Array()])], ["Forbidden", "Forbidden"]);
});

Deno.test("text is strict UTF-8, and the next key is one zero byte longer", () => {
  assertEquals(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
  assertThrows(() => decodeText(Uint8Array.of(0xff)), TypeError);
  assertEquals(keyAfter(Uint8Array.of(1, 255)), Uint8Array.of(1, 255, 0));
});

Deno.test("a queue gives back what it took in, in order, through every compaction", () => {
  const queue = new Fifo<number>();
  const taken: (number | undefined)[] = [];
  for (let item = 0; item < 10_000; item++) {
    queue.push(item);
    if (item % 3 !== 0) taken.push(queue.shift());
  }
  while (queue.length > 0) taken.push(queue.shift());
  assertEquals(taken, Array.from({ length: 10_000 }, (_, item) => item));
  assertEquals([queue.shift(), queue.length], [undefined, 0]);
});

Deno.test("timers fire in the order of their time, and not at all when they were removed", async () => {
  const timers = new Timers();
  const fired: string[] = [];
  const removed = timers.add(20, () => fired.push("removed"));
  await new Promise<void>((resolve) => {
    timers.add(90, () => {
      fired.push("late");
      resolve();
    });
    timers.add(1, () => fired.push("early"));
    timers.add(40, () => fired.push("middle"));
    timers.remove(removed);
  });
  assertEquals(fired, ["early", "middle", "late"]);
});

Deno.test("a scope ends every wait, at its deadline or by its signal, and gives back its timer", async () => {
  const timers = new Timers();
  const unhurried = new Scope(timers, { timeoutMs: 60_000, signal: undefined });
  assertEquals(await unhurried.wait<string>((settle) => settle("now")), "now");
  assertEquals(await unhurried.wait<string>(() => {}, 1), { type: "Late" });
  unhurried.end();

  const started = performance.now();
  const scope = new Scope(timers, { timeoutMs: 30, signal: undefined });
  assertEquals(isInterruption(await scope.waitFor(new Promise<void>(() => {}))), true);
  assertEquals([scope.isOver, performance.now() - started >= 30], [true, true]);
  assertEquals(await scope.wait<string>((settle) => settle("too late")), { type: "Over" });
  scope.end();

  const controller = new AbortController();
  const aborted = new Scope(timers, { timeoutMs: 60_000, signal: controller.signal });
  const waiting = aborted.wait<string>(() => {});
  controller.abort(new Error("enough"));
  assertEquals(await waiting, { type: "Over" });
  assertThrows(() => aborted.throwIfAborted(), Error, "enough");
  aborted.end();
});
