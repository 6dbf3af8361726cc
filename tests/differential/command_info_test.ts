/** COMMAND INFO and COMMAND DOCS tell of a command what Redis tells of it. */

import { assertEquals } from "@std/assert";
import { COMMANDS } from "../../lib/protocol/resp/commands.ts";
import { REDIS_SERVER, testWith } from "../support/needs.ts";
import { Connection } from "../support/resp/connection.ts";
import { describeReply, type Reply } from "../support/resp/reply.ts";
import { startNodeHere, startRedis } from "./servers.ts";

/** Name, arity, flags, first key, last key, step, categories, tips: what follows is how each finds its keys. */
const COMPARED = 8;
/** Members of a set: their order says nothing. */
const SETS: readonly number[] = [2, 6, 7];

testWith([REDIS_SERVER], "COMMAND INFO and DOCS tell of each command what Redis tells", async () => {
  await using redis = await startRedis();
  await using node = await startNodeHere();
  using theirs = await Connection.open(redis.addresses[0] ?? "");
  using ours = await Connection.open(node.addresses[0] ?? "");
  const paths = [...COMMANDS.values()].flatMap(({ path, subcommands }) => {
    return [path, ...Array.from(subcommands.values(), (subcommand) => subcommand.path)];
  });
  const missing: string[] = [];
  for (const path of paths) {
    const commands = [["COMMAND", "INFO", path], ["COMMAND", "DOCS", path]];
    const wanted = factsIn(await theirs.exchange(commands));
    if (wanted === undefined) missing.push(path);
    else assertEquals(factsIn(await ours.exchange(commands)), wanted, path);
  }
  assertEquals(missing.filter((path) => !OWN.test(path)), []);
});

/** Beyond Redis 7.0. */
const OWN = /^(kv\..*|delex|revision|range|prefix|once|txn|session(\|.*)?|client\|(setinfo|no-touch))$/;

/** What is compared; undefined for a command that the server does not have. */
function factsIn([info, docs]: readonly Reply[]): readonly unknown[] | undefined {
  const [entry] = itemsOf(info);
  if (entry === undefined || itemsOf(entry).length === 0) return undefined;
  const facts = itemsOf(entry).slice(0, COMPARED).map((item, at) => {
    return SETS.includes(at) ? itemsOf(item).map(textOf).sort() : textOf(item);
  });
  // Documentation of a subcommand stands in that of its command.
  const words = itemsOf(itemsOf(docs)[1]).map(textOf);
  const after = (word: string) => words[words.indexOf(word) + 1];
  return words.length === 0 ? facts : [...facts, after("since"), after("group")];
}

function itemsOf(reply: Reply | undefined): readonly Reply[] {
  return reply !== undefined && "items" in reply ? reply.items : [];
}

function textOf(reply: Reply): string {
  if ("text" in reply) return reply.text;
  return "value" in reply ? String(reply.value) : describeReply(reply);
}
