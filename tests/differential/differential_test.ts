/** KVStore gives the replies of redis-server 7.0, but for the known differences. `deno task differential` runs many more. */

import { assertEquals } from "@std/assert";
import type { Command } from "../support/resp/connection.ts";
import { ConnectionPairs } from "./execute.ts";
import { findKnown, KNOWN_DIFFERENCES, type ReplyPair } from "./known.ts";
import { describeReply } from "../support/resp/reply.ts";
import { runDifferential } from "./run.ts";
import { startNodeHere, startRedis } from "./servers.ts";
import { REDIS_SERVER, testWith } from "../support/needs.ts";

const SEQUENCES = 400;

testWith([REDIS_SERVER], `${SEQUENCES} random command sequences give the replies of redis-server`, async () => {
  await using redis = await startRedis();
  await using node = await startNodeHere();
  const lines: string[] = [];
  const result = await runDifferential({
    sides: { left: node.addresses, right: redis.addresses },
    seed: 4,
    first: 0,
    count: SEQUENCES,
    jobs: 8,
    say: (line) => void lines.push(line),
    progress: () => {},
  });
  assertEquals(lines.join("\n"), "");
  assertEquals(result.sequences, SEQUENCES);
});

/** What both servers reply to the last of some commands. */
async function lastReplies(pairs: ConnectionPairs, commands: readonly Command[]): Promise<ReplyPair> {
  const { left, right } = await pairs.open(0);
  const sent: readonly Command[] = [["FLUSHALL"], ...commands];
  const [ours, theirs] = await Promise.all([left.exchange(sent), right.exchange(sent)]);
  const none = { type: "Broken", text: "no reply" } as const;
  return {
    command: commands.at(-1) ?? [],
    before: sent.slice(0, -1),
    left: ours.at(-1) ?? none,
    right: theirs.at(-1) ?? none,
  };
}

testWith([REDIS_SERVER], `Every known difference is there, and is the one that is written down`, async () => {
  await using redis = await startRedis();
  await using node = await startNodeHere();
  using pairs = new ConnectionPairs({ left: node.addresses, right: redis.addresses }, 0);
  for (const { name, example } of KNOWN_DIFFERENCES) {
    const pair = await lastReplies(pairs, example);
    assertEquals(findKnown(pair)?.name, name, `${describeReply(pair.left)} and ${describeReply(pair.right)}`);
  }
});
