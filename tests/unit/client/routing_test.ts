import { assertEquals, assertRejects } from "@std/assert";
import { NotDoneError, ServerError } from "../../../lib/client/errors.ts";
import { findFreePorts } from "../../support/ports.ts";
import { connectTo, serverOf } from "./support/clients.ts";
import { FakeStore } from "./support/fake_store.ts";
import { bulk, error, OK, status } from "../../support/resp/encode.ts";
import { ScriptedServer } from "../../support/resp/scripted_server.ts";
import { connect } from "../../../lib/client/client.ts";

Deno.test("the client talks to the leader that any server names, even one it was not told of", async () => {
  await using leader = new ScriptedServer();
  await using follower = new ScriptedServer();
  follower.leader = leader.address;
  leader.leader = leader.address;
  await using client = await connectTo([follower]);
  await client.put("k", "v");
  assertEquals([leader.named("SET").length, follower.named("SET").length], [1, 0]);
});

Deno.test("a leader that cannot be reached does not matter: the others forward", async () => {
  const [port = 0] = findFreePorts(1);
  await using follower = new ScriptedServer();
  follower.leader = `127.0.0.1:${port}`;
  await using client = await connectTo([follower]);
  assertEquals(await client.put("k", "v"), true);
  assertEquals(follower.named("SET").length, 1);
});

Deno.test("servers that do not answer are passed over", async () => {
  const [dead = 0] = findFreePorts(1);
  await using server = new ScriptedServer();
  await using client = await connect({ servers: [`127.0.0.1:${dead}`, server.address] });
  assertEquals(await client.put("k", "v"), true);
});

Deno.test("when the leader is lost the next server is asked, and who leads then", async () => {
  const store = new FakeStore();
  const leader = serverOf(store);
  await using second = serverOf(store);
  await using third = serverOf(store);
  for (const server of [leader, second, third]) server.leader = leader.address;
  await using client = await connectTo([leader, second, third]);
  await client.put("k", "1");
  assertEquals(leader.named("SET").length, 1);
  for (const server of [second, third]) server.leader = third.address;
  await leader[Symbol.asyncDispose]();
  assertEquals((await client.get("k"))?.text(), "1");
  await third.seen("HELLO");
  await client.put("k", "2");
  assertEquals(third.named("SET").length + second.named("SET").length, 1);
});

Deno.test("a server that knows no leader is left for one that does", async () => {
  await using cutOff = new ScriptedServer((words) => words[0] === "SET" ? error("CLUSTERDOWN no leader") : undefined);
  await using well = new ScriptedServer();
  await using client = await connectTo([cutOff, well]);
  assertEquals(await client.put("k", "v"), true);
  assertEquals([cutOff.named("SET").length, well.named("SET").length], [1, 1]);
});

Deno.test("MOVED leads to the server that it names", async () => {
  await using leader = new ScriptedServer();
  await using follower = new ScriptedServer((words) =>
    words[0] === "SET" ? error(`MOVED 866 ${leader.address}`) : undefined
  );
  await using client = await connectTo([follower]);
  assertEquals(await client.put("k", "v"), true);
  assertEquals(leader.named("SET").length, 1);
});

Deno.test("no server at all: connect fails when its time is over and names them", async () => {
  const [port = 0] = findFreePorts(1);
  const failure = await assertRejects(
    () => connect({ servers: [`127.0.0.1:${port}`], timeoutMs: 500 }),
    NotDoneError,
    `127.0.0.1:${port}`,
  );
  assertEquals(failure.code, "UNREACHABLE");
});

Deno.test("connect stops when its signal is aborted", async () => {
  const [port = 0] = findFreePorts(1);
  const controller = new AbortController();
  const connecting = connect({ servers: [`127.0.0.1:${port}`], signal: controller.signal });
  const reason = new Error("changed my mind");
  controller.abort(reason);
  assertEquals(await connecting.catch((error) => error), reason);
});

Deno.test("a server without HELLO is spoken to in RESP2", async () => {
  await using server = new ScriptedServer((words) => {
    if (words[0] === "HELLO") return error("ERR unknown command 'HELLO'");
    return words[0] === "GET" ? "$-1\r\n" : undefined;
  });
  await using client = await connectTo([server]);
  assertEquals(await client.get("k"), undefined);
});

Deno.test("credentials go with the greeting, and a refusal ends connecting at once", async () => {
  const script = (words: readonly string[]) => {
    if (words[0] !== "HELLO") return undefined;
    return words.join(" ") === "HELLO 3 AUTH default secret" ? status("OK") : error("WRONGPASS invalid");
  };
  await using server = new ScriptedServer(script);
  await using client = await connectTo([server], { password: "secret" });
  assertEquals(await client.put("k", "v"), true);
  const failure = await assertRejects(() => connectTo([server], { password: "wrong" }), ServerError);
  assertEquals([failure.code, server.named("HELLO").length], ["WRONGPASS", 2]);
  await using older = new ScriptedServer((words) => {
    if (words[0] === "HELLO") return error("ERR unknown command");
    return words[0] === "AUTH" && words[2] === "secret" ? OK : undefined;
  });
  await using second = await connectTo([older], { password: "secret" });
  assertEquals(await second.put("k", "v"), true);
});

Deno.test("a client with a password logs in again where its connection has no login any more; one without is told so", async () => {
  for (
    const [options, outcome] of [[{ password: "secret" }, true], [{ password: "old" }, "WRONGPASS"], [
      {},
      "NOAUTH",
    ]] as const
  ) {
    let [hasUsers, isInside] = [false, false];
    await using server = new ScriptedServer((words) => {
      if (words[0] !== "HELLO") return hasUsers && !isInside ? error("NOAUTH Authentication required.") : undefined;
      isInside = words.at(-1) === "secret";
      return hasUsers && !isInside ? error("WRONGPASS invalid") : status("OK");
    });
    await using client = await connectTo([server], options);
    // As when the first user is made: what was said before counts no more.
    [hasUsers, isInside] = [true, false];
    const done = await client.put("k", "v").catch((failure) => failure instanceof ServerError ? failure.code : failure);
    assertEquals(done, outcome);
    assertEquals(server.named("SET").length, outcome === true ? 2 : 1);
  }
});

Deno.test("requests of one turn leave together and are answered in order", async () => {
  await using server = new ScriptedServer((words) => words[0] === "GET" ? bulk(words[1]) : undefined);
  await using client = await connectTo([server]);
  const keys = Array.from({ length: 500 }, (_, at) => `key-${at}`);
  const entries = await Promise.all(keys.map((key) => client.get(key)));
  assertEquals(entries.map((entry) => entry?.text()), keys);
  assertEquals(server.named("GET").map((words) => words[1]), keys);
  assertEquals(server.accepted, 1);
});

Deno.test("a second connection is opened under load, and no more than asked for", async () => {
  const held = Promise.withResolvers<string>();
  await using server = new ScriptedServer((words) => words[0] === "GET" ? held.promise : undefined);
  await using client = await connectTo([server], { connections: 2 });
  const reads = [client.get("a"), client.get("b")];
  await server.seen("HELLO", 2);
  for (let count = 0; count < 20; count++) reads.push(client.get("c"));
  held.resolve(bulk("v"));
  await Promise.all(reads);
  assertEquals(server.accepted, 2);
});
