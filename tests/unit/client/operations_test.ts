import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Client } from "../../../lib/client/client.ts";
import { ProtocolError, ServerError } from "../../../lib/client/errors.ts";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { connectTo, serverOf } from "./support/clients.ts";
import { FakeStore } from "./support/fake_store.ts";
import { bulk, error, integer, list, NOTHING, OK } from "../../support/resp/encode.ts";
import { type Answer, CLOSE, ScriptedServer } from "../../support/resp/scripted_server.ts";

interface Case {
  readonly run: (client: Client) => Promise<unknown>;
  readonly sent: string;
  readonly answer: string;
  readonly result: unknown;
}

const REVISED = { ifRevision: 9 };
const CASES: readonly Case[] = [
  { run: (c) => c.put("k", "v", { ifAbsent: true }), sent: "SET k v NX", answer: OK, result: true },
  { run: (c) => c.put("k", "v", { ifAbsent: true }), sent: "SET k v NX", answer: NOTHING, result: false },
  { run: (c) => c.cas("k", { expected: "a", next: "b" }), sent: "SET k b IFEQ a", answer: OK, result: true },
  { run: (c) => c.cas("k", { expected: undefined, next: "b" }), sent: "SET k b NX", answer: "$-1\r\n", result: false },
  {
    run: (c) => c.put("k", "v", REVISED),
    sent: "TXN 1 k MOD = 9 1 3 SET k v 0",
    answer: list([integer(1), list([OK])]),
    result: true,
  },
  {
    run: (c) => c.delete("k", REVISED),
    sent: "TXN 1 k MOD = 9 1 2 DEL k 0",
    answer: list([integer(0), list([])]),
    result: false,
  },
  { run: (c) => c.delete("k"), sent: "DEL k", answer: integer(1), result: true },
  { run: (c) => c.delete("k", { ifValue: "v" }), sent: "DELEX k IFEQ v", answer: integer(0), result: false },
  { run: (c) => c.deleteMany(["a", "b"]), sent: "DEL a b", answer: integer(2), result: 2 },
  { run: (c) => c.increment("n"), sent: "INCRBY n 1", answer: integer(8), result: 8 },
  { run: (c) => c.increment("n", -3n), sent: "INCRBY n -3", answer: integer(2n ** 60n), result: 2n ** 60n },
  { run: (c) => c.exists("k"), sent: "EXISTS k", answer: integer(0), result: false },
  { run: (c) => c.ttl("k"), sent: "PTTL k", answer: integer(1500), result: 1500 },
  { run: (c) => c.ttl("k"), sent: "PTTL k", answer: integer(-1), result: Infinity },
  { run: (c) => c.ttl("k"), sent: "PTTL k", answer: integer(-2), result: undefined },
  { run: (c) => c.expire("k", 250), sent: "PEXPIRE k 250", answer: integer(1), result: true },
  { run: (c) => c.persist("k"), sent: "PERSIST k", answer: integer(0), result: false },
  {
    run: (c) => c.revision("k"),
    sent: "REVISION k",
    answer: list([integer(3), integer(9), integer(2)]),
    result: { created: 3, modified: 9, version: 2 },
  },
  { run: (c) => c.revision("k"), sent: "REVISION k", answer: NOTHING, result: undefined },
  {
    run: async (c) => (await c.getMany(["a", "b"])).map((entry) => entry?.text()),
    sent: "MGET a b",
    answer: list([bulk("1"), NOTHING]),
    result: ["1", undefined],
  },
  {
    run: (c) => c.txn({ if: [{ key: "k", field: "exists", is: "=", operand: true }], then: [["INCR", "n"]] }),
    sent: "TXN 1 k EXISTS = 1 1 2 INCR n 0",
    answer: list([integer(1), list([integer(5)])]),
    result: { succeeded: true, replies: [5] },
  },
  {
    run: async (c) => {
      const { entry, ageMs } = await c.getStale("k");
      return [entry?.text(), ageMs];
    },
    sent: "KV.GET k STALE",
    answer: list([bulk("1"), integer(350)]),
    result: ["1", 350],
  },
  {
    run: (c) => c.getStale("k"),
    sent: "KV.GET k STALE",
    answer: list([NOTHING, NOTHING]),
    result: { entry: undefined, ageMs: undefined },
  },
  { run: (c) => c.command(["STRLEN", "k"]), sent: "STRLEN k", answer: integer(3), result: 3 },
];

Deno.test("each operation sends its command and says what the answer means", async () => {
  for (const { run, sent, answer, result } of CASES) {
    const name = sent.split(" ")[0] ?? "";
    await using server = new ScriptedServer((words) => words[0] === name ? answer : undefined);
    await using client = await connectTo([server]);
    assertEquals(await run(client), result, sent);
    assertEquals(server.named(name).map((words) => words.join(" ")), [sent]);
  }
});

Deno.test("nothing is asked for nothing", async () => {
  await using server = new ScriptedServer();
  await using client = await connectTo([server]);
  assertEquals([await client.getMany([]), await client.deleteMany([])], [[], 0]);
  assertEquals(server.named("MGET").length + server.named("DEL").length, 0);
});

Deno.test("an answer of another kind than expected is a ProtocolError", async () => {
  await using server = new ScriptedServer((words) => words[0] === "EXISTS" ? bulk("yes") : undefined);
  await using client = await connectTo([server]);
  await assertRejects(() => client.exists("k"), ProtocolError, "another kind");
});

Deno.test("an error within a transaction is a value, and thrown where one command was asked for", async () => {
  const answer = list([integer(1), list([error("WRONGTYPE no"), OK])]);
  await using server = new ScriptedServer((words) => words[0] === "TXN" ? answer : undefined);
  await using client = await connectTo([server]);
  const { succeeded, replies } = await client.txn({ then: [["INCR", "a"], ["SET", "b", "1"]] });
  assertEquals([succeeded, replies[0] instanceof ServerError, replies[1]], [true, true, "OK"]);
  await assertRejects(() => client.put("k", "v", { ifRevision: 1 }), ServerError, "WRONGTYPE no");
});

Deno.test("a value is read with the revision that it had, at one moment, and again when the answer is lost", async () => {
  const answers: Answer[] = [CLOSE, list([integer(1), list([list([integer(3), integer(9), integer(2)]), bulk("v")])])];
  const store = new FakeStore();
  await using server = serverOf(store, (words) => words[0] === "TXN" ? answers.shift() ?? "" : undefined);
  await using client = await connectTo([server], { session: true });
  const entry = await client.get("k", { revision: true });
  assertEquals([entry?.text(), entry?.revision], ["v", { created: 3, modified: 9, version: 2 }]);
  answers.push(list([integer(1), list([NOTHING, NOTHING])]), list([integer(1), list([])]));
  assertEquals(await client.get("k", { revision: true }), undefined);
  await assertRejects(() => client.get("k", { revision: true }), ProtocolError, "another kind");
  assertEquals(
    server.named("TXN").map((words) => words.join(" ")),
    Array(4).fill("TXN 0 2 2 REVISION k 2 GET k 0"),
  );
});

/** A store with keys of every first byte, and one that begins like another. */
function filled(): FakeStore {
  const store = new FakeStore();
  for (let byte = 0; byte < 256; byte++) {
    store.values.set(String.fromCharCode(byte), `value ${byte}`);
    store.values.set(`p${String.fromCharCode(byte)}`, "");
  }
  return store;
}

Deno.test("a scan gives every key once, in byte order, page by page", async () => {
  const store = filled();
  await using server = serverOf(store);
  await using client = await connectTo([server]);
  const keys: Uint8Array[] = [];
  for await (const { key, value } of client.scan()) {
    keys.push(key);
    assertEquals(value.length > 0, key.length === 1);
  }
  assertEquals(keys, [...store.values.keys()].sort().map(stringToBytes));
  const prefixed: Uint8Array[] = [];
  for await (const key of client.scan({ prefix: "p", keysOnly: true })) prefixed.push(key);
  assertEquals(prefixed, keys.filter((key) => key[0] === 0x70));
  assertEquals(server.named("RANGE").length > 2 && server.named("PREFIX").length > 2, true);
  assertEquals(server.named("PREFIX").every((words) => words.at(-1) === "KEYS"), true);
});

Deno.test("a scan keeps its bounds and its limit, and asks for no page that is not wanted", async () => {
  await using server = serverOf(filled());
  await using client = await connectTo([server]);
  const found: string[] = [];
  for await (const entry of client.scan({ start: "a", end: "d" })) found.push(entry.keyText());
  assertEquals(found, ["a", "b", "c"]);
  let count = 0;
  for await (const _ of client.scan({ limit: 40, keysOnly: true })) count += 1;
  assertEquals([count, server.named("RANGE").slice(1).map((words) => words[4])], [40, ["16", "24"]]);
  for await (const _ of client.scan({ prefix: "p" })) break;
  assertEquals(server.named("PREFIX").length, 1);
  for await (const _ of client.scan({ limit: 0 })) count += 1;
  assertEquals([count, server.named("RANGE").length], [40, 3]);
  assertThrows(() => client.scan({ prefix: "p", start: "a" }), TypeError, "by prefix and by start");
  assertThrows(() => client.scan({ limit: -1 }), RangeError, "limit");
});

Deno.test("a scan goes on behind the last key when keys come and go between its pages", async () => {
  const store = new FakeStore();
  for (let at = 10; at < 60; at++) store.values.set(`k${at}`, "v");
  await using server = serverOf(store);
  await using client = await connectTo([server]);
  const found: string[] = [];
  for await (const key of client.scan({ prefix: "k", keysOnly: true })) {
    found.push(new TextDecoder().decode(key));
    if (found.length === 16) {
      store.values.delete("k25"); // The last one of the page.
      store.values.set("k0", "v"); // Behind the scan.
      store.values.set("k99", "v"); // Before it.
    }
  }
  assertEquals(found, [...Array.from({ length: 50 }, (_, at) => `k${at + 10}`), "k99"]);
});

Deno.test("pages of long values become short", async () => {
  const store = new FakeStore();
  for (let at = 0; at < 64; at++) store.values.set(`k${at}`, "v".repeat(100_000));
  await using server = serverOf(store);
  await using client = await connectTo([server]);
  let count = 0;
  for await (const entry of client.scan()) count += entry.value.length === 100_000 ? 1 : 0;
  assertEquals(count, 64);
  const pages = server.named("RANGE").map((words) => Number(words[4]));
  assertEquals([pages[0], Math.max(...pages), pages.at(-1)], [16, 16, 2]);
});

Deno.test("a page that no reply can hold is asked for again, shorter", async () => {
  const store = new FakeStore();
  for (let at = 10; at < 90; at++) store.values.set(`k${at}`, at < 50 ? "v" : "v".repeat(1_000));
  await using server = serverOf(store, (words) => {
    if (words[0] !== "RANGE") return undefined;
    const page = store.apply(words) ?? "";
    return page.length > 5_000 ? error("ERR the reply is too long") : page;
  });
  await using client = await connectTo([server]);
  const keys: string[] = [];
  for await (const entry of client.scan()) keys.push(entry.keyText());
  assertEquals(keys, [...store.values.keys()]);
  store.values.set("l", "v".repeat(6_000));
  const scan = client.scan({ start: "k89" });
  await assertRejects(() => Array.fromAsync(scan), ServerError, "too long");
});
