/** Keys of a real Redis in a real cluster: every string with its deadline, and what is left out by name. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { type Client, connect } from "../../lib/client/client.ts";
import { withRedisServer } from "../clients/support/redis_server.ts";
import { REDIS_CLI, REDIS_SERVER, testWith } from "../support/needs.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { type ProgramResult, runProgram } from "../support/program.ts";

const HOUR_MS = 3_600_000;
const KEYS = 3_000;

/** A Redis, a cluster of one, and clients of both. */
interface Both {
  readonly port: number;
  readonly redis: Client;
  readonly cluster: ProcessCluster;
  readonly store: Client;
  run(...args: string[]): Promise<ProgramResult>;
}

async function withBoth(body: (both: Both) => Promise<void>): Promise<void> {
  await withRedisServer({ clusterMode: false }, (port) =>
    withCluster({ nodes: 1 }, async (cluster) => {
      const address = `127.0.0.1:${cluster.node(0).clientPort}`;
      await using redis = await connect({ servers: [`127.0.0.1:${port}`] });
      await using store = await connect({ servers: [address] });
      const run = (...args: string[]) =>
        runProgram(["import", "--from-redis", `127.0.0.1:${port}`, "--connect", address, ...args]);
      await body({ port, redis, cluster, store, run });
    }));
}

/** What was put into the Redis: values and deadlines by key. */
async function fill(redis: Client): Promise<ReadonlyMap<string, { readonly value: string; readonly ttlMs?: number }>> {
  const ledger = new Map<string, { readonly value: string; readonly ttlMs?: number }>();
  const every = Array.from({ length: 256 }, (_, at) => String.fromCharCode(at)).join("");
  ledger.set("empty", { value: "" }).set(every, { value: every }).set("long", { value: "v".repeat(5_000_000) });
  for (let at = 0; at < KEYS; at++) {
    ledger.set(`k-${at}`, { value: `${at}`, ...(at % 3 === 0 ? { ttlMs: HOUR_MS + at * 1_000 } : {}) });
  }
  await Promise.all(Array.from(ledger, ([key, { value, ttlMs }]) => {
    const times = ttlMs === undefined ? [] : ["PX", ttlMs];
    return redis.command(["SET", stringToBytes(key), stringToBytes(value), ...times]);
  }));
  return ledger;
}

testWith(
  [REDIS_SERVER, REDIS_CLI],
  "every string of a Redis comes over, byte for byte and with its deadline, and what does not is counted and named",
  () =>
    withBoth(async ({ redis, store, run, port }) => {
      const ledger = await fill(redis);
      for (let at = 0; at < 6; at++) await redis.command(["RPUSH", `list-${at}`, "x"]);
      await redis.command(["HSET", "hash", "field", "x"]);
      await redis.command(["SETRANGE", "huge", 9_000_000, "x"]);
      const done = await run();
      assertEquals([done.code, done.stderr], [1, ""]);
      const [first, types, huge, ...rest] = done.stdout.trimEnd().split("\n");
      assertEquals([first, rest], [`Imported ${ledger.size} keys of Redis at 127.0.0.1:${port}`, []]);
      assertMatch(
        types ?? "",
        /^ {2}left out: 7 keys of other types, which KVStore has not: ("[a-z0-9-]+" \((list|hash)\), ){5}\.\.\.$/,
      );
      assertEquals(huge, '  left out: 1 key above 65536 bytes of key or 8388608 of value: "huge"');
      assertEquals(await store.command(["DBSIZE"]), ledger.size);
      for (const [key, { value, ttlMs = Infinity }] of ledger) {
        const bytes = stringToBytes(key);
        const [entry, left = 0] = await Promise.all([store.get(bytes), store.ttl(bytes)]);
        assert(entry !== undefined && bytesToString(entry.value) === value, key);
        assert(ttlMs === Infinity ? left === Infinity : left <= ttlMs && left > ttlMs - HOUR_MS / 2, `${key}: ${left}`);
      }
      await redis.command(["DEL", "huge"]);
      const again = await run("--json");
      const { written, there, otherTypes: others } = JSON.parse(again.stdout);
      assertEquals([again.code, written, there, others], [0, 0, ledger.size, 7]);
    }),
);

testWith(
  [REDIS_SERVER, REDIS_CLI],
  "a prefix means its characters, a database is one of several, and a password is asked for",
  () =>
    withBoth(async ({ redis, store, run }) => {
      // As a pattern the prefix would not match itself.
      for (const key of ["a[b]*", "a[b]*?", "ab*", "a[b]", "\\"]) await redis.put(key, key);
      assertEquals((await run("--prefix", "a[b]*")).code, 0);
      assertEquals(await keysOf(store), ["a[b]*", "a[b]*?"]);
      await redis.command(["EVAL", "redis.call('SELECT', 2) redis.call('SET', 'other', 'x') return 1", 0]);
      assertEquals((await run("--redis-db", "2")).code, 0);
      assertEquals(await keysOf(store), ["a[b]*", "a[b]*?", "other"]);
      await redis.command(["ACL", "SETUSER", "ann", "on", ">secret-word", "~*", "+@all"]);
      await redis.command(["ACL", "SETUSER", "default", "resetpass", ">default-word", "on"]);
      const refused = await run();
      assertEquals([refused.code, refused.stdout], [1, ""]);
      assertMatch(
        refused.stderr,
        /^kvstore: Redis at .* refuses SCAN: NOAUTH .*; 0 keys written; it can be repeated\n$/,
      );
      const file = await Deno.makeTempFile({ prefix: "kvstore-redis-" });
      const as = async (password: string, ...args: string[]) => {
        await Deno.writeTextFile(file, `${password}\n`);
        return (await run("--on-existing", "overwrite", "--redis-password-file", file, ...args)).code;
      };
      assertEquals(
        [await as("secret-word", "--redis-user", "ann"), await as("default-word"), await as("secret-word")],
        [0, 0, 1],
      );
      await Deno.remove(file);
      assertEquals(await keysOf(store), ["\\", "a[b]", "a[b]*", "a[b]*?", "ab*", "other"]);
    }),
);

async function keysOf(store: Client): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const key of store.scan({ keysOnly: true })) keys.push(bytesToString(key));
  return keys.sort();
}

Deno.test("a Redis that is not there, and flags that do not fit, are one line", async () => {
  const [port = 0] = findFreePorts(1);
  const { code, stdout, stderr } = await runProgram(["import", "--from-redis", `127.0.0.1:${port}`]);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^kvstore: Cannot connect to Redis at 127\.0\.0\.1:\d+: .*\n$/);
  for (const args of [["file"], ["--redis-user", "ann"], ["--redis-password", "x"]]) {
    assertEquals((await runProgram(["import", "--from-redis", `127.0.0.1:${port}`, ...args])).code, 2, args.join(" "));
  }
  assertEquals((await runProgram(["import", "--redis-db", "1"])).code, 2);
  assertEquals((await runProgram(["import", "--from-redis", "nowhere"])).code, 2);
});
