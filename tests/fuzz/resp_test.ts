/** The Redis protocol against generated and mutated bytes: requests are found alike in every split, and sessions answer and end. */

import type { Random } from "../../lib/base/random.ts";
import { MemoryBudget } from "../../lib/protocol/memory_budget.ts";
import { COMMANDS } from "../../lib/protocol/resp/commands.ts";
import { RequestReader } from "../../lib/protocol/resp/request_reader.ts";
import { request, RespBench } from "../unit/protocol/resp/session_support.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate } from "./mutators.ts";
import { randomSplit } from "./splits.ts";

const NAMES = [...COMMANDS.keys()];
const WORDS = [
  "a",
  "b",
  "",
  "0",
  "1",
  "-1",
  "EX",
  "NX",
  "GET",
  "MATCH",
  "*",
  "OPEN",
  "ON",
  "9223372036854775807",
  "nosuch",
];

function anyRequest(random: Random): string {
  const words = [random.chance(0.95) ? random.pick(NAMES) : anyBytes(random, 8)];
  for (let count = random.below(5); count > 0; count--) {
    words.push(random.chance(0.8) ? random.pick(WORDS) : anyBytes(random, 12));
  }
  return random.chance(0.9) ? request(...words) : `${words.join(" ")}\r\n`;
}

function anyInput(random: Random): string {
  const bytes = Array.from({ length: random.between(1, 6) }, () => anyRequest(random)).join("");
  if (random.chance(0.1)) return anyBytes(random, 40);
  return random.chance(0.5) ? bytes : mutate(bytes, random);
}

function readAll(chunks: readonly string[]): { readonly seen: string; readonly held: number; readonly ended: boolean } {
  const budget = new MemoryBudget(1_000_000);
  const reader = new RequestReader(budget, { wordBytesMax: 4_096 });
  const seen: unknown[] = [];
  for (const chunk of chunks) {
    if (reader.problem !== undefined) break;
    reader.push(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) seen.push(next);
  }
  const ended = reader.problem !== undefined;
  seen.push(reader.problem);
  reader.clear();
  return { seen: JSON.stringify(seen), held: budget.bytes, ended };
}

fuzz("requests of the Redis protocol", {
  make: anyInput,
  check: (input, random) => {
    const whole = readAll([input]);
    requireSame(readAll(randomSplit(input, random)).seen, whole.seen, "split and whole");
    require(whole.held === 0, `${whole.held} bytes are still held`);
    return whole.ended ? "problem" : "read";
  },
  outcomes: ["problem", "read"],
});

fuzz("sessions of the Redis protocol", {
  make: anyInput,
  check: async (input, random) => {
    const bench = new RespBench({ valueBytesMax: 4_096, clusterMode: random.chance(0.2) });
    const client = bench.connect();
    if (random.chance(0.2)) bench.node.refusal = "NoLeader";
    for (const chunk of randomSplit(input, random)) if (!client.session.full) client.session.receive(chunk);
    client.session.inputEnded();
    const output = await client.take();
    require(isWholeReplies(output), `the replies are not whole: ${JSON.stringify(output.slice(-200))}`);
    require(client.link.finished || client.link.aborted || client.session.full, "the session has not ended");
    client.session.closed();
    require(bench.budget.bytes === 0, `${bench.budget.bytes} bytes are still held`);
    return output.includes("-ERR Protocol error") ? "problem" : output === "" ? "silent" : "answered";
  },
  outcomes: ["problem", "silent", "answered"],
  share: 4,
});

/** Whether bytes are replies one behind the other. */
function isWholeReplies(bytes: string): boolean {
  let at = 0;
  while (at < bytes.length && at >= 0) at = endOfReply(bytes, at);
  return at === bytes.length;
}

/** The place behind the reply that begins at `at`; -1 when there is none. */
function endOfReply(bytes: string, at: number): number {
  const end = bytes.indexOf("\r\n", at);
  if (end === -1) return -1;
  const count = Number(bytes.slice(at + 1, end));
  const kind = bytes[at] ?? "";
  if (kind === "+" || kind === "-" || kind === ":" || kind === "_" || count === -1) return end + 2;
  if (kind === "$" || kind === "=") return bytes.startsWith("\r\n", end + 2 + count) ? end + 4 + count : -1;
  if (!"*%~".includes(kind)) return -1;
  let next = end + 2;
  for (let left = kind === "%" ? count * 2 : count; left > 0 && next !== -1; left--) next = endOfReply(bytes, next);
  return next;
}
