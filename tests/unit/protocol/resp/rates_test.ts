/** Requests beyond the rate of a connection or a user, in the Redis protocol. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import { setUser } from "../../../support/users.ts";
import { RespBench, type RespClient } from "./session_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const OVER_CONNECTION =
  "-ERR rate limit: a connection may send 3 requests a second; nothing was done, try again in a moment\r\n";
const OVER_USER =
  "-ERR rate limit: a user may send a node 5 requests a second; nothing was done, try again in a moment\r\n";

/** As often the same request. */
function times(count: number, request: string): string[] {
  return Array<string>(count).fill(request);
}

async function logIn(client: RespClient, name: string): Promise<void> {
  let reply = await client.ask(`AUTH ${name} ${PASSWORD}`);
  while (reply === "") {
    await new Promise((resolve) => setTimeout(resolve, 5));
    reply = await client.take();
  }
  assertEquals(reply, "+OK\r\n");
}

Deno.test("a connection has the requests of one second at once and then as many a second; what is refused was not begun", async () => {
  const bench = new RespBench({ connectionRequestsPerSecond: 3 });
  const client = bench.connect();
  assertEquals(await client.ask(...times(5, "INCR n")), ":1\r\n:2\r\n:3\r\n" + OVER_CONNECTION.repeat(2));
  assertEquals(bench.node.machine.get("n")?.value, "3");
  assertEquals(await bench.connect().ask("INCR n"), ":4\r\n", "another connection has its own");
  await bench.clock.advance(333);
  assertEquals(await client.ask("INCR n"), OVER_CONNECTION);
  await bench.clock.advance(2);
  assertEquals(await client.ask(...times(2, "INCR n")), ":5\r\n" + OVER_CONNECTION);
  await bench.clock.advance(3_600_000);
  assertEquals(await client.ask(...times(4, "PING")), "+PONG\r\n".repeat(3) + OVER_CONNECTION, "no more is saved up");
  const refused = bench.node.metrics.counterFamily(METRIC.requestsOverRate, ["limit"]);
  assertEquals([refused.counter(["connection"]).value, refused.counter(["user"]).value], [5, 0]);
  assertStringIncludes(await bench.connect().ask("INFO commandstats"), "rejected_calls=4");
});

Deno.test("a user has one rate on all connections, and another user has his own", async () => {
  const bench = new RespBench({ userRequestsPerSecond: 5 });
  for (const name of ["root", "alice"]) {
    const login = bench.node.users.list()[0]?.login ?? 0;
    await new Promise((resolve) => bench.node.submit(setUser(name, { hash: HASH }), resolve, { login }));
  }
  const [one, other, alice] = [bench.connect(), bench.connect(), bench.connect()];
  assertEquals(await one.ask(...times(7, "GET k")), "-NOAUTH Authentication required.\r\n".repeat(7));
  for (const [client, name] of [[one, "root"], [other, "root"], [alice, "alice"]] as const) await logIn(client, name);
  assertEquals(await one.ask(...times(3, "INCR n")), ":1\r\n:2\r\n:3\r\n");
  assertEquals(await other.ask(...times(3, "INCR n")), `:4\r\n:5\r\n${OVER_USER}`);
  assertEquals(await alice.ask("INCR n"), ":6\r\n");
  await bench.clock.advance(200);
  assertEquals(await one.ask(...times(2, "INCR n")), `:7\r\n${OVER_USER}`);
});

Deno.test("who sends too much may still log in, begin anew and go", async () => {
  const bench = new RespBench({ connectionRequestsPerSecond: 1 });
  const client = bench.connect();
  assertEquals(await client.ask("PING", "PING"), `+PONG\r\n${OVER_CONNECTION.replace("3", "1")}`);
  assertStringIncludes(await client.ask("HELLO"), "proto");
  assertEquals(await client.ask("RESET", "QUIT"), "+RESET\r\n+OK\r\n");
});

Deno.test("a refused command spoils the transaction, and a refused EXEC ends it", async () => {
  const bench = new RespBench({ connectionRequestsPerSecond: 3 });
  const client = bench.connect();
  const begun = "+OK\r\n+QUEUED\r\n+QUEUED\r\n";
  assertEquals(await client.ask("MULTI", "SET k 1", "SET k 2", "SET k 3"), begun + OVER_CONNECTION);
  await bench.clock.advance(1_000);
  assertEquals(await client.ask("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  await bench.clock.advance(1_000);
  const aborted = OVER_CONNECTION.replace("-ERR ", "-EXECABORT Transaction discarded because of: ");
  assertEquals(await client.ask("MULTI", "SET k 1", "SET k 2", "EXEC"), begun + aborted);
  await bench.clock.advance(1_000);
  assertEquals(await client.ask("EXEC", "GET k"), "-ERR EXEC without MULTI\r\n$-1\r\n");
});

Deno.test("without a limit there is none", async () => {
  const client = new RespBench().connect();
  assertEquals(await client.ask(...times(2_000, "PING")), "+PONG\r\n".repeat(2_000));
});
