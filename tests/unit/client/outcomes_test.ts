import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NotDoneError, OutcomeUnknownError, ServerError } from "../../../lib/client/errors.ts";
import { connectTo, serverOf } from "./support/clients.ts";
import { FakeStore } from "./support/fake_store.ts";
import { bulk, error, OK } from "../../support/resp/encode.ts";
import { type Answer, CLOSE, ScriptedServer } from "../../support/resp/scripted_server.ts";

/** Answers in turn, the last one again and again. */
function inTurn(name: string, answers: readonly Answer[]): (words: readonly string[]) => Answer | undefined {
  let at = 0;
  return (words) => words[0] === name ? answers[Math.min(at++, answers.length - 1)] : undefined;
}

Deno.test("what was certainly not done is done again, reads and writes alike", async () => {
  const refusals = ["CLUSTERDOWN no leader", "TRYAGAIN", "BUSY too much", "LOADING the data", "MOVED 3 nowhere"];
  await using server = new ScriptedServer(inTurn("SET", [...refusals.map(error), OK]));
  await using client = await connectTo([server]);
  assertEquals(await client.put("k", "v"), true);
  assertEquals(server.named("SET").length, refusals.length + 1);
});

Deno.test("a refusal that lasts is NotDoneError with the code of the server", async () => {
  await using server = new ScriptedServer(inTurn("SET", [error("CLUSTERDOWN no quorum")]));
  await using client = await connectTo([server]);
  const failure = await assertRejects(() => client.put("k", "v", { timeoutMs: 500 }), NotDoneError, "no quorum");
  assertEquals(failure.code, "CLUSTERDOWN");
  assertEquals(server.named("SET").length > 1, true);
});

Deno.test("no memory and no disk space are told at once", async () => {
  for (const code of ["OOM", "READONLY"]) {
    await using server = new ScriptedServer(inTurn("SET", [error(`${code} no room`)]));
    await using client = await connectTo([server]);
    const failure = await assertRejects(() => client.put("k", "v"), NotDoneError, "no room");
    assertEquals([failure.code, server.named("SET").length], [code, 1]);
  }
});

Deno.test("errors of the server come with code and message, and the connection goes on", async () => {
  await using server = new ScriptedServer(inTurn("SET", [error("WRONGTYPE not a string"), OK]));
  await using client = await connectTo([server]);
  const failure = await assertRejects(() => client.put("k", "v"), ServerError);
  assertEquals([failure.code, failure.message], ["WRONGTYPE", "WRONGTYPE not a string"]);
  assertStringIncludes(failure.stack ?? "", "outcomes_test.ts");
  assertEquals(await client.put("k", "v"), true);
  assertEquals(server.accepted, 1);
});

Deno.test("a write whose connection is lost behind it is unknown, and never sent twice", async () => {
  await using server = new ScriptedServer(inTurn("SET", [CLOSE, OK]));
  await using client = await connectTo([server]);
  await assertRejects(() => client.put("k", "v"), OutcomeUnknownError, "closed the connection");
  assertEquals(server.named("SET").length, 1);
  assertEquals(await client.put("k", "v"), true);
});

Deno.test("TIMEOUT is unknown for a write, and repeated for a read", async () => {
  const answers = inTurn("GET", [error("TIMEOUT no quorum"), bulk("v")]);
  await using server = new ScriptedServer((words) =>
    words[0] === "SET" ? error("TIMEOUT outcome unknown") : answers(words)
  );
  await using client = await connectTo([server]);
  await assertRejects(() => client.put("k", "v"), OutcomeUnknownError, "TIMEOUT outcome unknown");
  assertEquals((await client.get("k"))?.text(), "v");
  assertEquals(server.named("SET").length, 1);
});

Deno.test("a read is repeated when its connection is lost, on another server", async () => {
  const store = new FakeStore();
  store.values.set("k", "v");
  await using first = serverOf(store, (words) => words[0] === "GET" ? CLOSE : undefined);
  await using second = serverOf(store);
  await using client = await connectTo([first, second]);
  assertEquals((await client.get("k"))?.text(), "v");
  assertEquals([first.named("GET").length, second.named("GET").length], [1, 1]);
});

Deno.test("a write that has no answer at its deadline is unknown, a read is not done", async () => {
  await using other = new ScriptedServer((words) => ["SET", "GET"].includes(words[0] ?? "") ? silence() : undefined);
  const connected = await connectTo([other]);
  await assertRejects(() => connected.put("k", "v", { timeoutMs: 500 }), OutcomeUnknownError, "had not answered");
  const failure = await assertRejects(() => connected.get("k", { timeoutMs: 500 }), NotDoneError);
  assertEquals(failure.code, "DEADLINE");
  await connected.close();
});

/** An answer that never comes. */
function silence(): Promise<string> {
  return new Promise(() => {});
}

Deno.test("a silent server is left for another one by what can be repeated, and heard out by what cannot", async () => {
  const held = Promise.withResolvers<string>();
  await using silent = new ScriptedServer((words) =>
    ["SET", "GET"].includes(words[0] ?? "") ? held.promise : undefined
  );
  await using other = new ScriptedServer((words) => words[0] === "GET" ? bulk("v") : undefined);
  await using client = await connectTo([silent, other], { attemptTimeoutMs: 400 });
  const put = client.put("k", "v");
  assertEquals((await client.get("k"))?.text(), "v");
  assertEquals([silent.named("GET").length, other.named("GET").length], [1, 1]);
  await client.put("k", "w");
  assertEquals(other.named("SET").length, 1);
  held.resolve(OK);
  assertEquals(await put, true);
});

Deno.test("a silent server is left for another one also by operations that have less time than an attempt", async () => {
  let isSilent = false;
  await using silent = new ScriptedServer(() => isSilent ? silence() : undefined);
  await using other = new ScriptedServer();
  const client = await connectTo([silent, other], { attemptTimeoutMs: 600 });
  isSilent = true;
  let unknown = 0;
  while (unknown < 10 && !await client.put("k", "v", { timeoutMs: 200 }).catch(() => false)) unknown += 1;
  assertEquals([unknown, other.named("SET").length], [silent.named("SET").length, 1]);
  assertEquals(unknown > 0 && unknown < 10, true, `${unknown} writes were lost`);
  await client.close();
});

Deno.test("an aborted request rejects with the signal's reason, and its reply disturbs nobody", async () => {
  const held = Promise.withResolvers<string>();
  await using server = new ScriptedServer((words) => {
    if (words[0] !== "GET") return undefined;
    return words[1] === "slow" ? held.promise : bulk(words[1]);
  });
  await using client = await connectTo([server]);
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const slow = client.get("slow", { signal: controller.signal });
  const behind = client.get("behind");
  await server.seen("GET", 2);
  controller.abort(reason);
  assertEquals(await slow.catch((error) => error), reason);
  held.resolve(bulk("too late"));
  assertEquals((await behind)?.text(), "behind");
  assertEquals((await client.get("after"))?.text(), "after");
  assertEquals(server.accepted, 1);
  assertEquals(await client.get("never", { signal: controller.signal }).catch((error) => error), reason);
  assertEquals(server.named("GET").length, 3);
});

Deno.test("one operation more than the limit is refused at once, and harmless", async () => {
  const held = Promise.withResolvers<string>();
  await using server = new ScriptedServer((words) => words[0] === "GET" ? held.promise : undefined);
  await using client = await connectTo([server], { operationsMax: 2 });
  const waiting = [client.get("a"), client.get("b")];
  const failure = await assertRejects(() => client.get("c"), NotDoneError);
  assertEquals(failure.code, "TOOMANY");
  held.resolve(bulk("v"));
  assertEquals((await Promise.all(waiting)).map((entry) => entry?.text()), ["v", "v"]);
  assertEquals((await client.get("c"))?.text(), "v");
});

Deno.test("a closed client refuses, and closing lets what is under way end", async () => {
  const held = Promise.withResolvers<string>();
  await using server = new ScriptedServer((words) => words[0] === "SET" ? held.promise : undefined);
  const client = await connectTo([server]);
  const put = client.put("k", "v");
  await server.seen("SET");
  const closing = client.close();
  const failure = await assertRejects(() => client.get("k"), NotDoneError);
  assertEquals(failure.code, "CLOSED");
  held.resolve(OK);
  assertEquals(await put, true);
  await closing;
  await client.close();
});

Deno.test("what is no RESP ends the connection with a clear error and is not read again and again", async () => {
  await using server = new ScriptedServer(inTurn("GET", ["what?\r\n"]));
  await using client = await connectTo([server]);
  const failure = await assertRejects(() => client.get("k"), NotDoneError, "what?");
  assertEquals([failure.code, server.named("GET").length], ["PROTOCOL", 1]);
});

Deno.test("commands that would change the shared connection, and words that cannot be sent, are refused before they leave", async () => {
  await using server = new ScriptedServer();
  await using client = await connectTo([server]);
  await assertRejects(() => client.command(["multi"]), TypeError, "multi");
  await assertRejects(() => client.command([]), TypeError);
  await assertRejects(() => client.increment("k", 0.5), TypeError, "0.5");
  await assertRejects(() => client.put("k", "v", { timeoutMs: -1 }), RangeError, "timeoutMs");
  assertEquals(server.requests.map(([name]) => name), ["HELLO", "INFO", "PING"]);
});
