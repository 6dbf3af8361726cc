/** The Redis protocol against generated and mutated bytes: requests are found alike in every split, and sessions answer and end. */

import type { Random } from "../../lib/base/random.ts";
import type { NotDoneReason } from "../../lib/node/api.ts";
import { METRIC } from "../../lib/observe/names.ts";
import { UNSENT_BYTES_MAX } from "../../lib/net/limits.ts";
import { MemoryBudget } from "../../lib/net/memory_budget.ts";
import { COMMANDS } from "../../lib/protocol/resp/commands.ts";
import { RequestReader } from "../../lib/protocol/resp/request_reader.ts";
import { readReply, ReplySyntaxError } from "../support/resp/reply.ts";
import { RespBench, type RespClient } from "../unit/protocol/resp/session_support.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate, numberText } from "./mutators.ts";
import { randomSplit, waysToSplit } from "./splits.ts";
import { encodeRequest } from "../support/resp/encode.ts";

const NAMES = [...COMMANDS.keys()];
const WORDS = [
  ...["a", "b", "", "0", "1", "2", "3", "-1", "*", "[a-", "x=y", "=", "nosuch"],
  ...["EX", "NX", "GET", "SET", "MATCH", "COUNT", "LIMIT", "OPEN", "ON", "OFF", "SKIP", "ID", "VALUE", "EXISTS"],
  ...["LIST", "KILL", "INFO", "DOCS", "GETKEYS", "SLOTS", "REPLY", "SETNAME", "AUTH", "raft", "9223372036854775807"],
];
const WORD_BYTES_MAX = 600;
/** What one piece of input may cost beside its bytes. */
const PIECE_BYTES = 256;
const REFUSALS: readonly NotDoneReason[] = [
  "NoLeader",
  "Overloaded",
  "NoSpace",
  "OutOfMemory",
  "TooLarge",
  "Stopping",
  "Timeout",
];

function anyRequest(random: Random): string {
  const words = [random.chance(0.95) ? random.pick(NAMES) : anyBytes(random, 8)];
  for (let count = random.below(6); count > 0; count--) {
    words.push(random.chance(0.8) ? random.pick(WORDS) : anyBytes(random, 12));
  }
  if (random.chance(0.02)) words.push("x".repeat(random.between(WORD_BYTES_MAX - 2, WORD_BYTES_MAX + 2)));
  return random.chance(0.9) ? encodeRequest(...words) : `${words.join(" ")}\r\n`;
}

/** Counts and lengths that lie about what follows. */
function anyLie(random: Random): string {
  const count = numberText(random);
  return random.chance(0.5)
    ? `*${count}\r\n${anyRequest(random)}`
    : `*2\r\n$3\r\nGET\r\n$${count}\r\n${anyBytes(random, 20)}`;
}

function anyInput(random: Random): string {
  if (random.chance(0.05)) return anyBytes(random, 60);
  const requests = Array.from({ length: random.between(1, 6) }, () => {
    return random.chance(0.03) ? anyLie(random) : anyRequest(random);
  });
  return random.chance(0.5) ? requests.join("") : mutate(requests.join(""), random);
}

interface Reading {
  readonly seen: string;
  readonly outcome: string;
}

/** Reads the pieces; what is held stays below what was sent and is given back. */
function readAll(pieces: readonly string[], memoryBytesMax: number): Reading {
  const budget = new MemoryBudget(memoryBytesMax);
  const reader = new RequestReader(budget, { wordBytesMax: WORD_BYTES_MAX, isBeforeLogin: () => false });
  const seen: unknown[] = [];
  let sent = 0;
  for (const piece of pieces) {
    if (reader.problem !== undefined) break;
    reader.push(piece);
    sent += piece.length + PIECE_BYTES;
    for (let next = reader.next(); next !== undefined; next = reader.next()) seen.push(next);
    // A word counts a few bytes more than it has, and takes five at the least.
    require(budget.bytes >= 0 && budget.bytes <= 8 * sent, `${budget.bytes} bytes are held of ${sent}`);
  }
  const { problem } = reader;
  if (problem !== undefined) requireSame(budget.bytes, 0, "Memory held after a problem");
  reader.clear();
  requireSame(budget.bytes, 0, "Memory that is not given back");
  const isRefused = seen.some((request) => !Array.isArray(request));
  return {
    seen: JSON.stringify([...seen, problem]),
    outcome: problem !== undefined ? "problem" : isRefused ? "refused" : "read",
  };
}

fuzz("requests of the Redis protocol", {
  make: anyInput,
  check: (input, random) => {
    const whole = readAll([input], 1_000_000);
    for (const way of waysToSplit(input, random)) {
      requireSame(readAll(way, 1_000_000).seen, whole.seen, `${way.length} pieces`);
      readAll(way, random.below(200));
    }
    return whole.outcome;
  },
  outcomes: ["problem", "refused", "read"],
});

/** A conversation, and the conditions it takes place under. */
interface Conversation {
  readonly input: string;
  readonly clusterMode: boolean;
  readonly leaderId: number | undefined;
  readonly refusal: NotDoneReason | undefined;
  readonly unknown: boolean;
  readonly memoryBytesMax: number | undefined;
  /** The client reads only now and then. */
  readonly slow: boolean;
}

function anyConversation(random: Random): Conversation {
  return {
    input: anyInput(random),
    clusterMode: random.chance(0.2),
    leaderId: random.chance(0.6) ? 0 : random.chance(0.5) ? 1 : undefined,
    refusal: random.chance(0.15) ? random.pick(REFUSALS) : undefined,
    unknown: random.chance(0.1),
    memoryBytesMax: random.chance(0.1) ? random.below(200) : undefined,
    slow: random.chance(0.1),
  };
}

/** Steps in which a conversation must end, and those for each byte of it. */
const STEPS_MIN = 200;
const STEPS_PER_BYTE = 8;

async function converse(plan: Conversation, pieces: readonly string[]): Promise<string> {
  const { clusterMode, memoryBytesMax } = plan;
  const bench = new RespBench({
    clusterMode,
    valueBytesMax: WORD_BYTES_MAX,
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
  });
  const { node } = bench;
  [node.refusal, node.leaderId, node.unknown] = [plan.refusal, plan.leaderId, plan.unknown];
  const client = bench.connect();
  const { link, session } = client;
  link.reading = !plan.slow;
  let stepsLeft = STEPS_MIN + STEPS_PER_BYTE * plan.input.length;
  const isOver = () => link.finished || link.aborted;
  const step = async () => {
    require(--stepsLeft > 0, "The session is stuck");
    require(link.unsentBytes <= UNSENT_BYTES_MAX + 1_000_000, "Replies are piled up");
    await Promise.resolve();
    if (link.unsentBytes === 0) return;
    link.unsentBytes = 0;
    session.outputSent();
  };
  for (const piece of pieces) {
    while (session.full && !isOver()) await step();
    if (!isOver()) session.receive(piece);
  }
  while (session.full && !isOver()) await step();
  if (!isOver()) session.inputEnded();
  while (!isOver()) await step();
  return closeDown(bench, client);
}

/** What is left when the connection has ended: whole replies, one for each request, and no memory. */
function closeDown({ node, budget, warnings }: RespBench, { link, session }: RespClient): string {
  const value = (name: string) => node.metrics.counters.get(name)?.value ?? 0;
  const received = value(METRIC.requestsReceived);
  const answered = value(METRIC.requestsSucceeded) + value(METRIC.requestsFailed);
  const { output } = link;
  // What cannot be read is no request, and is answered all the same; a warning tells of it.
  const expected = received + warnings.length;
  require(link.aborted || answered === expected, `${received} received, ${answered} answered`);
  const replies = countReplies(output);
  require(link.aborted || replies <= answered, `${replies} replies to ${answered} requests`);
  session.closed();
  requireSame(budget.bytes, 0, "Memory that is not given back");
  return output;
}

/** Replies one behind the other, to the last byte; throws where one is none. */
function countReplies(bytes: string): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    const read = readReply(bytes, at);
    if (read === undefined) throw new ReplySyntaxError(`Half a reply: ${JSON.stringify(bytes.slice(at, at + 200))}`);
    at = read.end;
  }
  return count;
}

/** What it tells is as old as its place in the input, and that depends on when the bytes came. */
const TELLS_OF_NOW = /info|client/i;

fuzz("sessions of the Redis protocol", {
  make: anyConversation,
  check: async (plan, random) => {
    const whole = await converse(plan, [plan.input]);
    const parts = await converse(plan, randomSplit(plan.input, random));
    const isSteady = plan.memoryBytesMax === undefined && !TELLS_OF_NOW.test(plan.input);
    if (isSteady) requireSame(parts, whole, "Another split");
    if (whole.includes("-ERR Protocol error")) return "problem";
    if (whole === "") return "silent";
    // A length of -1 is no error, and a minus within a value is none.
    return /(^|\n)-[A-Z]/.test(whole) ? "errors" : "good";
  },
  outcomes: ["problem", "silent", "errors", "good"],
  share: 2,
});
