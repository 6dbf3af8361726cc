/** The program itself: it finds nothing between two servers that are the same, and what is wrong with one that is not. */

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { ConnectionPairs, execute } from "./execute.ts";
import { makeSequence } from "./generator.ts";
import { nameOf } from "./known.ts";
import { runDifferential, type RunResult } from "./run.ts";
import { startRedis } from "./servers.ts";
import { plain, type Sequence, type Step } from "./sequence.ts";
import { type Changes, ClientProxy, replaceAll } from "../support/proxy/client_proxy.ts";
import { REDIS_SERVER, testWith } from "../support/needs.ts";

interface Comparison {
  readonly result: RunResult;
  readonly lines: readonly string[];
}

/** Compares redis-server with another one behind a proxy. */
async function compareAltered(changes: Changes, count: number): Promise<Comparison> {
  await using left = await startRedis();
  await using right = await startRedis();
  await using proxy = new ClientProxy(left.addresses, changes);
  const lines: string[] = [];
  const result = await runDifferential({
    sides: { left: [proxy.address], right: right.addresses },
    seed: 1,
    first: 0,
    count,
    jobs: 4,
    say: (line) => void lines.push(line),
    progress: () => {},
  });
  return { result, lines };
}

testWith([REDIS_SERVER], `Two redis-servers give the same replies to random sequences`, async () => {
  const { result, lines } = await compareAltered({}, 400);
  assertEquals(lines, []);
  assertEquals(result.sequences, 400);
});

testWith([REDIS_SERVER], `A reply with another text is noticed and shrunk to the command that gives it`, async () => {
  const { result, lines } = await compareAltered({ replies: replaceAll("ERR no such key", "ERR no such kex") }, 40);
  const shortest = Math.min(...result.differences.map(({ sequence }) => sequence.steps.length));
  assertEquals(shortest, 1);
  assert(lines.some((line) => line.includes('left:  Error "ERR no such kex"')));
  assert(lines.some((line) => line.includes('right: Error "ERR no such key"')));
  assert(lines.some((line) => /Replay: deno task differential --seed 1 --sequence \d+$/.test(line)));
});

testWith(
  [REDIS_SERVER],
  `A command that does something else is noticed, also where its own reply is the same`,
  async () => {
    const { result } = await compareAltered({ requests: replaceAll("$6\r\nEXPIRE\r\n", "$8\r\nEXPIREAT\r\n") }, 200);
    const elsewhere = result.differences.filter(({ step }) => nameOf(step.command) !== "EXPIRE");
    assertGreater(elsewhere.length, 0);
    for (const { sequence } of elsewhere) assertLessOrEqual(sequence.steps.length, 6);
  },
);

testWith([REDIS_SERVER], `An EXEC that hides that a watched key was changed is noticed`, async () => {
  const { result } = await compareAltered({ replies: replaceAll("*-1\r\n", "*0\r\n") }, 200);
  assertGreater(result.differences.length, 0);
  assertEquals(new Set(result.differences.map(({ step }) => nameOf(step.command))), new Set(["EXEC"]));
});

const COMMANDS =
  "PING ECHO SELECT DBSIZE OBJECT HELLO RESET QUIT CLIENT NOSUCHCOMMAND MULTI EXEC DISCARD WATCH UNWATCH " +
  "GET SET SETNX SETEX PSETEX GETSET GETDEL GETEX MGET MSET MSETNX APPEND STRLEN GETRANGE SETRANGE INCR INCRBY DECR " +
  "DECRBY INCRBYFLOAT DEL UNLINK EXISTS EXPIRE PEXPIRE EXPIREAT PEXPIREAT TTL PTTL EXPIRETIME PEXPIRETIME PERSIST TYPE " +
  "KEYS SCAN RENAME RENAMENX COPY TOUCH RANDOMKEY FLUSHDB FLUSHALL";

function firstSequences(): readonly Sequence[] {
  return Array.from({ length: 2_000 }, (_, number) => makeSequence(7, number));
}

Deno.test("Two thousand sequences contain every command, in every way of sending", () => {
  const sequences = firstSequences();
  const sent = new Set(sequences.flatMap(({ steps }) => steps.map(({ command }) => (command[0] ?? "").toUpperCase())));
  assertEquals([...sent].sort(), COMMANDS.split(" ").sort());
  const ways = new Set(sequences.map(({ isExclusive, isPipelined, protocols }) => {
    return `${isExclusive} ${isPipelined} ${protocols.join()}`;
  }));
  assertEquals(ways.size, 2 * 2 * (2 + 4));
  assert(sequences.some(({ steps }) => steps.some(({ isScan }) => isScan)));
});

Deno.test("The same seed and number make the same sequence, others make others", () => {
  assertEquals(makeSequence(7, 3), makeSequence(7, 3));
  const distinct = new Set(
    [makeSequence(7, 3), makeSequence(7, 4), makeSequence(8, 3)].map((one) => JSON.stringify(one)),
  );
  assertEquals(distinct.size, 3);
});

Deno.test("A sequence that does not run alone names only keys with its own prefix, and never the whole keyspace", () => {
  for (const { isExclusive, number, keys, steps } of firstSequences()) {
    if (isExclusive) continue;
    for (const key of keys) assertEquals(key.startsWith(`q${number}:`), true, key);
    for (const { command: [name = "", ...rest], isScan } of steps) {
      const isWide = ["DBSIZE", "FLUSHDB", "FLUSHALL", "RANDOMKEY"].includes(name.toUpperCase());
      assertEquals(isWide, false, name);
      const pattern = isScan ? rest[1] : name.toUpperCase() === "KEYS" && rest.length === 1 ? rest[0] : undefined;
      if (pattern !== undefined) assertEquals(pattern.startsWith(`q${number}:`), true, pattern);
    }
  }
});

function sequenceOf(steps: readonly Step[]): Sequence {
  const isScan = (step: Step): Step => ({ ...step, isScan: step.command[0] === "SCAN" });
  return {
    seed: 0,
    number: 0,
    isExclusive: true,
    isPipelined: true,
    protocols: [2, 3],
    keys: ["k"],
    steps: steps.map(isScan),
  };
}

testWith([REDIS_SERVER], `A whole scan, QUIT and clients in turn run to the end`, async () => {
  await using left = await startRedis();
  await using right = await startRedis();
  using pairs = new ConnectionPairs({ left: left.addresses, right: right.addresses }, 0);
  const many = Array.from({ length: 100 }, (_, at) => plain(at % 2, "SET", `k${at}`, "v"));
  const sequence = sequenceOf([
    ...many,
    plain(0, "SCAN", "COUNT", "3"),
    plain(0, "SCAN", "COUNT", "x"),
    plain(1, "QUIT"),
    plain(1, "RANDOMKEY"),
    plain(1, "KEYS", "*"),
  ]);
  assertEquals(await execute(pairs, sequence, { isAlone: true }), undefined);
});

testWith([REDIS_SERVER], `A whole scan that misses a key is noticed`, async () => {
  await using left = await startRedis();
  await using right = await startRedis();
  await using proxy = new ClientProxy(left.addresses, { replies: replaceAll("$3\r\nk77\r\n", "$3\r\nk78\r\n") });
  using pairs = new ConnectionPairs({ left: [proxy.address], right: right.addresses }, 0);
  const many = Array.from({ length: 100 }, (_, at) => plain(0, "SET", `k${at}`, "v"));
  const difference = await execute(pairs, sequenceOf([...many, plain(0, "SCAN")]), { isAlone: true });
  assertEquals(difference?.step.command, ["SCAN"]);
});
