import { assertEquals, assertRejects } from "@std/assert";
import { type Client, connect } from "../../../lib/client/client.ts";
import { ServerError } from "../../../lib/client/errors.ts";
import { withRedisServer } from "../../clients/support/redis_server.ts";
import { REDIS_SERVER, testWith } from "../../support/needs.ts";

async function valuesAndConditions(client: Client): Promise<void> {
  assertEquals(await client.get("k"), undefined);
  assertEquals(await client.put("k", "gr\u00fcn"), true);
  assertEquals((await client.get("k"))?.text(), "gr\u00fcn");
  assertEquals([await client.put("k", "x", { ifAbsent: true }), await client.put("l", "x", { ifPresent: true })], [
    false,
    false,
  ]);
  assertEquals((await client.getMany(["k", "none"])).map((entry) => entry?.text()), ["gr\u00fcn", undefined]);
  assertEquals([await client.exists("k"), await client.delete("k"), await client.delete("k")], [true, true, false]);
}

async function everyByte(client: Client): Promise<void> {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  await client.put(bytes, bytes);
  await client.put("empty", "");
  assertEquals((await client.get(bytes))?.value, bytes);
  assertEquals((await client.get("empty"))?.value, new Uint8Array());
  assertEquals(await client.deleteMany([bytes, "empty", "none"]), 2);
}

async function countersAndDeadlines(client: Client): Promise<void> {
  assertEquals([await client.increment("n"), await client.increment("n", 2n ** 53n)], [1, 2n ** 53n + 1n]);
  await client.put("n", "no number");
  const failure = await assertRejects(() => client.increment("n"), ServerError, "not an integer");
  assertEquals(failure.code, "ERR");
  assertEquals([await client.ttl("n"), await client.ttl("none")], [Infinity, undefined]);
  assertEquals(await client.expire("n", 60_000), true);
  const ttl = await client.ttl("n") ?? 0;
  assertEquals(ttl > 50_000 && ttl <= 60_000, true);
  assertEquals([await client.persist("n"), await client.persist("n")], [true, false]);
  await client.put("n", "v", { ttlMs: 60_000 });
  await client.put("n", "w", { keepTtl: true });
  assertEquals((await client.ttl("n") ?? 0) > 50_000, true);
}

testWith(
  [REDIS_SERVER],
  "values, bytes, counters and deadlines against redis-server",
  () =>
    withRedisServer({ clusterMode: false }, async (port) => {
      await using client = await connect({ servers: [`127.0.0.1:${port}`] });
      await valuesAndConditions(client);
      await everyByte(client);
      await countersAndDeadlines(client);
      assertEquals(await client.command(["CONFIG", "GET", "appendonly"]), [
        new TextEncoder().encode("appendonly"),
        new TextEncoder().encode("no"),
      ]);
      const many = await Promise.all(Array.from({ length: 5_000 }, () => client.increment("many")));
      assertEquals(new Set(many).size, 5_000);
    }),
);
