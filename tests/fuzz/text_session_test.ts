/** Whole conversations in the text protocol, under limits, refusals and slow clients: they end, and give everything back. */

import type { Random } from "../../lib/base/random.ts";
import { TEXT_COMMANDS, type TextCommand } from "../../lib/protocol/text/commands.ts";
import { UNSENT_BYTES_MAX } from "../../lib/net/limits.ts";
import { SessionBench } from "../unit/protocol/text/session_support.ts";
import type { NotDoneReason } from "../../lib/node/api.ts";
import { fuzz, require, requireSame } from "./harness.ts";
import { anyBytes, mutate } from "./mutators.ts";
import { randomSplit } from "./splits.ts";

/** Steps in which a session must go on without the clock, and steps for each byte at the most. */
const STEPS_WITHOUT_CLOCK = 60;
const STEPS_PER_BYTE = 4;
const REFUSALS: readonly NotDoneReason[] = [
  "NotLeader",
  "NoLeader",
  "Overloaded",
  "NoSpace",
  "OutOfMemory",
  "TooLarge",
  "Stopping",
  "Timeout",
];

/** A conversation, and the conditions it takes place under. */
interface Conversation {
  readonly input: string;
  readonly refusal: NotDoneReason | undefined;
  readonly leaderId: number | undefined;
  readonly unknown: boolean;
  readonly requestsPerTurnMax: number | undefined;
  readonly memoryBytesMax: number | undefined;
  /** The client reads only now and then. */
  readonly slow: boolean;
}

/** Without what shows times or traffic: its replies differ from one split to another. */
const STEADY: readonly TextCommand[] = TEXT_COMMANDS.filter(({ name }) =>
  !["STATS", "METRICS", "WATCH"].includes(name)
);

function anyCommandLine(random: Random, commands: readonly TextCommand[]): string {
  if (random.chance(0.01)) return random.pick(["POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n", "Host: x\r\n"]);
  const { name, aliases, examples } = random.pick(commands);
  const lines = [
    name,
    ...aliases,
    ...examples,
    `${name} ${anyBytes(random, 12)}`,
    `${name} k ${anyBytes(random, 12)}`,
    "!!",
    "!1",
  ];
  return `${random.pick(lines)}${random.pick(["\n", "\r\n"])}`;
}

function anyConversation(random: Random, commands = STEADY): Conversation {
  const lines = Array.from({ length: random.between(1, 5) }, () => anyCommandLine(random, commands));
  const rare = <T>(value: T): T | undefined => random.chance(0.15) ? value : undefined;
  return {
    input: random.chance(0.4) ? lines.join("") : mutate(lines.join(""), random),
    refusal: rare(random.pick(REFUSALS)),
    leaderId: rare(1) ?? 0,
    unknown: random.chance(0.1),
    requestsPerTurnMax: random.chance(0.04) ? random.pick([1, 3, 100]) : undefined,
    memoryBytesMax: rare(random.below(200)),
    slow: random.chance(0.1),
  };
}

/** A mutation may ask for them all the same. */
const SHOWS_FIGURES = /^(?:Metrics|Stats|Statistics)$/m;

/** Holds the conversation in these pieces. Gives the output and how it ended. */
async function converse(plan: Conversation, pieces: readonly string[]): Promise<string> {
  const { requestsPerTurnMax, memoryBytesMax } = plan;
  const bench = new SessionBench({
    ...(requestsPerTurnMax === undefined ? {} : { requestsPerTurnMax }),
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
  });
  const { link, node, session } = bench;
  node.refusal = plan.refusal;
  node.leaderId = plan.leaderId;
  node.unknown = plan.unknown;
  link.reading = !plan.slow;
  const isOver = () => link.finished || link.aborted;
  let steps = 0;
  const step = async () => {
    steps += 1;
    require(steps < STEPS_WITHOUT_CLOCK + STEPS_PER_BYTE * (plan.input.length + 25), "The session is stuck");
    if (link.unsentBytes > 0) {
      require(link.unsentBytes <= UNSENT_BYTES_MAX + 2_000_000, "Replies are piled up");
      link.unsentBytes = 0;
      session.outputSent();
    }
    // Microtasks are enough, unless the turn's share is used up.
    if (requestsPerTurnMax === undefined && steps < STEPS_WITHOUT_CLOCK) await Promise.resolve();
    else await bench.settle();
  };
  for (const piece of pieces) {
    while (session.full && !isOver()) await step();
    if (isOver()) break;
    session.receive(piece);
  }
  while (session.full && !isOver()) await step();
  if (!isOver()) session.inputEnded();
  while (!isOver()) await step();
  return closeDown(bench);
}

/** What is left when the connection ends: nothing but counters that add up. */
function closeDown({ link, metrics, session, budget, warnings, takeOutput }: SessionBench): string {
  const { received, succeeded, failed, redirected } = metrics;
  const answered = succeeded.value + failed.value + redirected.value;
  require(link.aborted || received.value === answered, `${received.value} received, ${answered} answered`);
  const output = takeOutput.call({ link });
  require(
    link.aborted || output === "" || output.endsWith("\n"),
    `The last line is not ended: ${JSON.stringify(output)}`,
  );
  session.closed();
  requireSame(budget.bytes, 0, "Memory that is not given back");
  return link.aborted ? `(aborted) ${warnings.length}` : output;
}

fuzz("conversations", {
  make: (random) => anyConversation(random),
  check: async (plan, random) => {
    const whole = await converse(plan, [plan.input]);
    // How much is held at a time, and so what is refused for lack of memory, depends on the split.
    const parts = await converse(plan, randomSplit(plan.input, random));
    if (plan.memoryBytesMax === undefined && !SHOWS_FIGURES.test(whole)) requireSame(parts, whole, "Another split");
    return whole.startsWith("(aborted)") ? "aborted" : whole.includes("Error: ") ? "errors" : "good";
  },
  outcomes: ["aborted", "errors", "good"],
});

fuzz("conversations about figures", {
  make: (random) => anyConversation(random, TEXT_COMMANDS),
  check: async (plan, random) => {
    const output = await converse(plan, randomSplit(plan.input, random));
    return output.includes("Watch ended.") ? "watched" : "other";
  },
  outcomes: ["watched", "other"],
  share: 4,
});
