import { assertEquals, assertRejects } from "@std/assert";
import { NotDoneError, OutcomeUnknownError, ServerError } from "../../../lib/client/errors.ts";
import { SESSION_WINDOW } from "../../../lib/client/limits.ts";
import { connectTo, serverOf } from "./support/clients.ts";
import { FakeStore } from "./support/fake_store.ts";
import { error } from "../../support/resp/encode.ts";
import { type Answer, CLOSE, type Script } from "../../support/resp/scripted_server.ts";

/** Carries out each numbered write, and loses the connection instead of the answer to every `nth`. */
function dropping(store: FakeStore, nth: number): Script {
  let writes = 0;
  return (words) => {
    if (words[0] !== "ONCE") return undefined;
    writes += 1;
    const answer = store.apply(words);
    return writes % nth === 0 ? CLOSE : answer;
  };
}

Deno.test("increments whose answers are lost count exactly once, whichever server they are repeated on", async () => {
  const store = new FakeStore();
  await using first = serverOf(store, dropping(store, 3));
  await using second = serverOf(store, dropping(store, 4));
  await using client = await connectTo([first, second], { session: true, timeoutMs: 20_000 });
  for (let count = 0; count < 10; count++) {
    await Promise.all([client.increment("n"), client.increment("n"), client.increment("n", 2)]);
  }
  assertEquals(store.values.get("n"), "40");
  assertEquals(store.applied.length, 30);
  assertEquals(first.named("ONCE").length + second.named("ONCE").length > 30, true);
});

Deno.test("a repetition has the number of the first attempt, and reads have none", async () => {
  const store = new FakeStore();
  let lost = false;
  await using server = serverOf(store, (words) => {
    if (words[0] !== "ONCE" || lost) return undefined;
    lost = true;
    return CLOSE;
  });
  await using client = await connectTo([server], { session: true });
  await client.put("k", "v");
  await client.get("k");
  await client.put("k", "w");
  assertEquals(server.named("ONCE").map((words) => words.slice(1).join(" ")), [
    "1 1 SET k v",
    "1 1 SET k v",
    "1 2 SET k w",
  ]);
  assertEquals(server.named("SESSION").map((words) => words.join(" ")), ["SESSION OPEN 60000"]);
});

Deno.test("an expired session is replaced, and the write done in the new one", async () => {
  const store = new FakeStore();
  await using server = serverOf(store);
  await using client = await connectTo([server], { session: true });
  await client.increment("n");
  store.expireSessions();
  assertEquals(await Promise.all([client.increment("n"), client.increment("n")]), [2, 3]);
  assertEquals(server.named("SESSION").length, 2);
});

Deno.test("a session that expires after a lost answer leaves the outcome unknown", async () => {
  const store = new FakeStore();
  let writes = 0;
  await using server = serverOf(store, (words) => {
    if (words[0] !== "ONCE") return undefined;
    writes += 1;
    if (writes > 1) return undefined;
    store.apply(words);
    store.expireSessions();
    return CLOSE;
  });
  await using client = await connectTo([server], { session: true });
  await assertRejects(() => client.increment("n"), OutcomeUnknownError, "NOSESSION");
  assertEquals(store.values.get("n"), "1");
  assertEquals(await client.increment("n"), 2);
});

Deno.test("a number below the window gets another one if it was certainly not done, else it is unknown", async () => {
  const store = new FakeStore();
  const answers: (Answer | undefined)[] = [error("STALESEQ too old"), undefined, CLOSE, error("STALESEQ too old")];
  let at = 0;
  await using server = serverOf(store, (words) => words[0] === "ONCE" ? answers[at++] : undefined);
  await using client = await connectTo([server], { session: true });
  assertEquals(await client.increment("n"), 1);
  await assertRejects(() => client.increment("n"), OutcomeUnknownError, "STALESEQ");
  assertEquals(server.named("ONCE").map((words) => words[2]), ["1", "2", "3", "3"]);
});

Deno.test("a number that another command has taken was certainly not used for this one, also after a lost answer", async () => {
  const store = new FakeStore();
  const reused = error("SEQREUSED another command was applied under this sequence number; this one was not");
  const answers: (Answer | undefined)[] = [CLOSE, reused];
  let at = 0;
  await using server = serverOf(store, (words) => words[0] === "ONCE" ? answers[at++] : undefined);
  await using client = await connectTo([server], { session: true });
  assertEquals(await client.increment("n"), 1);
  assertEquals(server.named("ONCE").map((words) => words[2]), ["1", "1", "2"]);
});

Deno.test("a session of a user of before, who was made again since, makes place for another one", async () => {
  const store = new FakeStore();
  const foreign = error("NOTOWNER the session belongs to another user; nothing was done");
  const answers: (Answer | undefined)[] = [foreign, undefined, CLOSE, foreign];
  let at = 0;
  await using server = serverOf(store, (words) => words[0] === "ONCE" ? answers[at++] : undefined);
  await using client = await connectTo([server], { session: true });
  assertEquals(await client.increment("n"), 1);
  assertEquals(new Set(server.named("ONCE").map((words) => words[1])).size, 2);
  await assertRejects(() => client.increment("n"), OutcomeUnknownError, "NOTOWNER");
});

Deno.test("TIMEOUT is repeated within the session until it is known", async () => {
  const store = new FakeStore();
  let writes = 0;
  await using server = serverOf(store, (words) => {
    if (words[0] !== "ONCE") return undefined;
    writes += 1;
    const answer = store.apply(words);
    return writes < 3 ? error("TIMEOUT outcome unknown") : answer;
  });
  await using client = await connectTo([server], { session: true });
  assertEquals(await client.increment("n"), 1);
  assertEquals([writes, store.values.get("n")], [3, "1"]);
});

Deno.test("at the deadline a write that may have been done is unknown, one that was refused throughout is not done", async () => {
  const store = new FakeStore();
  let answer = error("TIMEOUT outcome unknown");
  await using server = serverOf(store, (words) => words[0] === "ONCE" ? answer : undefined);
  await using client = await connectTo([server], { session: true });
  await assertRejects(() => client.increment("n", 1, { timeoutMs: 500 }), OutcomeUnknownError, "TIMEOUT");
  answer = error("CLUSTERDOWN no leader");
  await assertRejects(() => client.increment("n", 1, { timeoutMs: 500 }), NotDoneError, "CLUSTERDOWN");
  answer = error("ERR value is not an integer or out of range");
  await assertRejects(() => client.increment("n"), ServerError, "not an integer");
});

Deno.test("numbers never run further ahead of the oldest unanswered one than servers remember", async () => {
  const store = new FakeStore();
  const held = Promise.withResolvers<void>();
  let widest = 0;
  const unanswered = new Set<number>();
  await using server = serverOf(store, (words) => {
    if (words[0] !== "ONCE") return undefined;
    const sequence = Number(words[2]);
    unanswered.add(sequence);
    widest = Math.max(widest, sequence - Math.min(...unanswered));
    const answer = store.apply(words) ?? error("ERR");
    return held.promise.then(() => {
      unanswered.delete(sequence);
      return answer;
    });
  });
  await using client = await connectTo([server], { session: true });
  const writes = Array.from({ length: 500 }, () => client.increment("n"));
  const controller = new AbortController();
  const given = [1, 2, 3].map(() => client.increment("never", 1, { signal: controller.signal }).catch(() => "aborted"));
  await server.seen("ONCE", SESSION_WINDOW);
  assertEquals(server.named("ONCE").length, SESSION_WINDOW);
  controller.abort();
  assertEquals(await Promise.all(given), ["aborted", "aborted", "aborted"]);
  held.resolve();
  const sums = await Promise.all(writes);
  assertEquals(sums.map(Number).sort((a, b) => a - b), Array.from({ length: 500 }, (_, at) => at + 1));
  assertEquals([widest < SESSION_WINDOW, store.values.has("never")], [true, false]);
});

Deno.test("a session is kept alive while its client is idle, and ended with it", async () => {
  const store = new FakeStore();
  await using server = serverOf(store);
  const client = await connectTo([server], { session: true, sessionTtlMs: 1_000 });
  const verbs = (): unknown[] => server.named("SESSION").map((words) => words[1]);
  const others = (): unknown[] => verbs().filter((verb) => verb !== "KEEPALIVE");
  await server.seen("SESSION", 2);
  assertEquals(verbs().slice(0, 2), ["OPEN", "KEEPALIVE"]);
  store.expireSessions();
  await server.seen("SESSION", verbs().length + 1);
  assertEquals(others(), ["OPEN"]);
  assertEquals(await client.increment("n"), 1);
  assertEquals(others(), ["OPEN", "OPEN"]);
  await client.close();
  assertEquals(others(), ["OPEN", "OPEN", "CLOSE"]);
  assertEquals(store.sessions.size, 0);
});

Deno.test("a write waits for another session until its own time is over, not that of one attempt to open it", async () => {
  const store = new FakeStore();
  let refusals = 0;
  await using server = serverOf(store, (words) => {
    if (words[1] !== "OPEN" || refusals === 0) return undefined;
    refusals -= 1;
    return error("CLUSTERDOWN no leader");
  });
  await using client = await connectTo([server], { session: true, timeoutMs: 1_000 });
  store.expireSessions();
  refusals = 10;
  assertEquals(await client.increment("n", 1, { timeoutMs: 20_000 }), 1);
  store.expireSessions();
  refusals = Infinity;
  const failure = await assertRejects(() => client.increment("n", 1, { timeoutMs: 2_500 }), NotDoneError, "no leader");
  assertEquals([failure.code, store.values.get("n")], ["CLUSTERDOWN", "1"]);
});

async function closeWhileOpening(): Promise<void> {
  const store = new FakeStore();
  let isDown = false;
  await using server = serverOf(store, (words) => isDown && words[1] === "OPEN" ? error("CLUSTERDOWN") : undefined);
  const client = await connectTo([server], { session: true });
  store.expireSessions();
  isDown = true;
  await assertRejects(() => client.increment("n", 1, { timeoutMs: 100 }), NotDoneError);
  // Another session is still being opened, for whoever comes next.
  await client.close();
}

Deno.test({
  name: "closing leaves no timer of what the session itself had under way",
  sanitizeOps: true,
  sanitizeResources: true,
  fn: closeWhileOpening,
});

Deno.test("servers that go on refusing numbers are asked with growing pauses", async () => {
  const store = new FakeStore();
  await using server = serverOf(store, (words) => words[0] === "ONCE" ? error("STALESEQ too old") : undefined);
  await using client = await connectTo([server], { session: true });
  await assertRejects(() => client.increment("n", 1, { timeoutMs: 1_000 }), NotDoneError);
  const asked = server.named("ONCE").length;
  assertEquals(asked > 2 && asked < 20, true, `${asked} requests`);
});

Deno.test("a session that could not be kept alive is tried again before it has expired", async () => {
  const store = new FakeStore();
  const times: number[] = [];
  await using server = serverOf(store, (words) => {
    if (words[1] !== "KEEPALIVE") return undefined;
    times.push(performance.now());
    return error("READONLY the disk is full");
  });
  await using _client = await connectTo([server], { session: true, sessionTtlMs: 2_400 });
  // Where all goes well the next one comes after a third of the time. A busy machine may delay one of these, not all.
  await server.seen("SESSION", 6);
  const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  assertEquals(Math.min(...waits) < 600, true, `tried again after ${waits} ms`);
});

Deno.test("a server without sessions is told when connecting", async () => {
  await using server = serverOf(
    new FakeStore(),
    (words) => words[0] === "SESSION" ? error("ERR unknown command") : undefined,
  );
  await assertRejects(() => connectTo([server], { session: true }), ServerError, "unknown command");
});
