/** What is kept of a request for long is kept without the rest of it: words are cut from the text in which they came. */

import { assert, assertEquals } from "@std/assert";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import { ACL_LOG_LENGTH_MAX } from "../../../../lib/access/acl_log.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";
import { COLLECTOR, keptBy } from "../../../support/garbage.ts";
import { testWith } from "../../../support/needs.ts";
import { rightsOf, setUser } from "../../../support/users.ts";
import { RespBench, type RespClient } from "./session_support.ts";

const REQUESTS = 48;
const VALUE = "v".repeat(1_048_576);
const PIECE = "v".repeat(65_536);
const WAYS = [
  [["CLIENT", "SETNAME"], "+OK\r\n"],
  [["CLIENT", "SETINFO", "LIB-NAME"], "+OK\r\n"],
  [["CLIENT", "SETINFO", "LIB-VER"], "+OK\r\n"],
  [["HELLO", "2", "SETNAME"], "*"],
] as const;
/** Some of what was sent. */
const KEPT_BYTES_MAX = (REQUESTS * VALUE.length) / 4;
const PASSWORD = "correct-horse";

async function enter(bench: RespBench, name: string): Promise<RespClient> {
  const client = bench.connect();
  let reply = await client.ask(`AUTH ${name} ${PASSWORD}`);
  for (let wait = 0; reply === "" && wait < 1_000; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    reply = await client.take();
  }
  assertEquals(reply, "+OK\r\n");
  return client;
}

testWith([COLLECTOR], "ACL LOG keeps of a refused request the key alone", async () => {
  const bench = new RespBench();
  const hash = await hashPassword(PASSWORD);
  const granted = { revoked: NO_RIGHTS, granted: rightsOf("both:p:") };
  for (const command of [setUser("root", { hash }), setUser("alice", { hash, change: granted })]) {
    const login = bench.node.users.find("root")?.login ?? 0;
    await new Promise((resolve) => bench.node.submit(command, resolve, { login }));
  }
  const alice = await enter(bench, "alice");
  let number = 0;
  const kept = await keptBy(async () => {
    for (let request = 0; request < REQUESTS; request++) {
      number += 1;
      const key = `q:a-key-of-somebody-else-${number}`;
      const reply = await alice.send(encodeRequest("MSET", "p:a", VALUE, key, "v"));
      assert(reply.startsWith("-NOPERM "), reply);
    }
  });
  assertEquals(bench.aclLog.newest(ACL_LOG_LENGTH_MAX).length, 2 * REQUESTS);
  assert(kept < KEPT_BYTES_MAX, `${kept} bytes are kept`);
});

testWith([COLLECTOR], "the slow log keeps of a command what it shows", async () => {
  const bench = new RespBench({ slowCommandMs: 0 });
  const client = bench.connect();
  const kept = await keptBy(async () => {
    for (let request = 0; request < REQUESTS; request++) {
      assertEquals(await client.send(encodeRequest("SET", "a-key-that-is-some-bytes-long", VALUE)), "+OK\r\n");
    }
  });
  assertEquals(bench.statistics.slowLog.length, 2 * REQUESTS);
  assert(kept < KEPT_BYTES_MAX, `${kept} bytes are kept`);
});

testWith([COLLECTOR], "names that a connection gives itself are kept without what came with them", async () => {
  const bench = new RespBench();
  const clients: RespClient[] = [];
  const kept = await keptBy(async () => {
    for (let request = 0; request < REQUESTS; request++) {
      const client = bench.connect();
      clients.push(client);
      const name = `worker-of-some-kind-${request}`;
      // Each way alone: the second name of a connection takes the place of the first.
      const [way = [], expected = "+OK\r\n"] = WAYS[request % WAYS.length] ?? [];
      const reply = await client.send(encodeRequest("STRLEN", PIECE) + encodeRequest(...way, name));
      assert(reply.startsWith(`:0\r\n${expected}`), reply);
    }
  });
  assertEquals(clients.length, 2 * REQUESTS);
  assert(kept < (REQUESTS * PIECE.length) / WAYS.length / 2, `${kept} bytes are kept`);
});
