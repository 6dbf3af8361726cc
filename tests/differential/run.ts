/** Runs many sequences: those with keys of their own beside each other, the exclusive ones between them. */

import { ConnectionPairs, type Difference, execute, type Sides } from "./execute.ts";
import { makeSequence } from "./generator.ts";
import { nameOf } from "./known.ts";
import { describeReply, quote } from "../support/resp/reply.ts";
import type { Sequence, Step } from "./sequence.ts";
import { shrink } from "./shrink.ts";

/** Sequences between two moments at which nothing is under way. */
const BATCH_SEQUENCES = 500;
/** After so many kinds of differences more of them tell nothing. */
const DIFFERENCES_MAX = 20;
/** Sequences of one batch that differ before the rest of it is left out. */
const FAILURES_MAX = 100;

/** What to run. */
export interface RunOptions {
  readonly sides: Sides;
  readonly seed: number;
  /** Number of the first sequence. */
  readonly first: number;
  readonly count: number;
  /** How many sequences run at the same time. */
  readonly jobs: number;
  /** Takes the lines about differences. */
  readonly say: (line: string) => void;
  /** Told from time to time. */
  readonly progress: (result: RunResult) => void;
}

/** What was run so far and what was found. */
export interface RunResult {
  readonly sequences: number;
  readonly commands: number;
  /** The first of each kind, as short as it could be made. */
  readonly differences: readonly Difference[];
  /** Sequences with a difference of any kind. */
  readonly failures: number;
  /** How often each command was sent. */
  readonly commandCounts: ReadonlyMap<string, number>;
}

/** Runs the sequences; ends early after many differences. Rejects when a server cannot be reached. */
export async function runDifferential(options: RunOptions): Promise<RunResult> {
  const workers = Array.from({ length: options.jobs }, (_, worker) => new ConnectionPairs(options.sides, worker));
  const differences: Difference[] = [];
  const commandCounts = new Map<string, number>();
  const kinds = new Set<string>();
  const result = { sequences: 0, commands: 0, failures: 0, differences, commandCounts };
  try {
    while (result.sequences < options.count && differences.length < DIFFERENCES_MAX) {
      const size = Math.min(BATCH_SEQUENCES, options.count - result.sequences);
      const start = options.first + result.sequences;
      const batch = Array.from({ length: size }, (_, at) => makeSequence(options.seed, start + at));
      const found = await runBatch(workers, batch);
      result.failures += found.length;
      for (const difference of found) {
        const kind = kindOf(difference);
        if (kinds.has(kind) || differences.length >= DIFFERENCES_MAX) continue;
        kinds.add(kind);
        differences.push(await explain(difference, { worker: workers[0], say: options.say }));
      }
      result.sequences += size;
      result.commands += countCommands(batch, commandCounts);
      options.progress(result);
    }
  } finally {
    for (const worker of workers) worker[Symbol.dispose]();
  }
  return result;
}

async function runBatch(workers: readonly ConnectionPairs[], batch: readonly Sequence[]): Promise<Difference[]> {
  const found: Difference[] = [];
  const run = async (worker: ConnectionPairs, sequence: Sequence): Promise<void> => {
    const difference = await execute(worker, sequence, { isAlone: false });
    if (difference !== undefined) found.push(difference);
  };
  const shared = batch.filter((sequence) => !sequence.isExclusive).values();
  // The workers draw from the same iterator.
  await Promise.all(workers.map(async (worker) => {
    for (const sequence of shared) {
      if (found.length >= FAILURES_MAX) return;
      await run(worker, sequence);
    }
  }));
  const [first] = workers;
  for (const sequence of batch) {
    if (first === undefined || found.length >= FAILURES_MAX) break;
    if (sequence.isExclusive) await run(first, sequence);
  }
  return found;
}

/** The command and the kinds of both replies: the same mistake shows in many sequences. */
function kindOf({ step, fault, left, right }: Difference): string {
  const kinds = [left, right].map((reply) => reply.type === "Error" ? reply.text.split(" ", 3).join(" ") : reply.type);
  return [nameOf(step.command), fault.replace(/ gave .*/, ""), ...kinds].join(" | ");
}

function countCommands(batch: readonly Sequence[], counts: Map<string, number>): number {
  let total = 0;
  for (const { steps } of batch) {
    total += steps.length;
    for (const { command } of steps) counts.set(nameOf(command), (counts.get(nameOf(command)) ?? 0) + 1);
  }
  return total;
}

interface ExplainParts {
  readonly worker: ConnectionPairs | undefined;
  readonly say: (line: string) => void;
}

/** Shrinks a difference and tells it; the shortest form of it. */
async function explain(found: Difference, { worker, say }: ExplainParts): Promise<Difference> {
  const shortest = worker === undefined
    ? undefined
    : await shrink(found, (sequence) => execute(worker, sequence, { isAlone: true }));
  const total = found.sequence.steps.length;
  for (const line of describeDifference(shortest ?? found, { isAlone: shortest !== undefined, total })) say(line);
  return shortest ?? found;
}

/** A difference in lines: what was sent, what came, and how to see it again. */
export function describeDifference(
  { sequence, step, at, fault, left, right }: Difference,
  { isAlone, total }: { readonly isAlone: boolean; readonly total: number },
): readonly string[] {
  const { seed, number, isPipelined, isExclusive, protocols, steps } = sequence;
  const sent = at === undefined ? [...steps, step] : steps.slice(0, at + 1);
  return [
    `Difference in sequence ${number} of seed ${seed}: ${fault}`,
    `  ${isPipelined ? "pipelined" : "one by one"}, ${isExclusive ? "exclusive" : "with keys of its own"}, ` +
    `protocol of each client: ${protocols.join(", ")}`,
    isAlone
      ? `  The shortest commands that still differ (${sent.length} of ${total}):`
      : `  It does not show again when the sequence runs alone. Commands up to it (${sent.length} of ${total}):`,
    ...sent.map((one) => `    ${describeStep(one)}`),
    `  left:  ${describeReply(left)}`,
    `  right: ${describeReply(right)}`,
    `  Replay: deno task differential --seed ${seed} --sequence ${number}`,
  ];
}

function describeStep({ client, command, isScan }: Step): string {
  const words = command.map((word) => /^[!#-[\]-~]+$/.test(word) ? word : quote(word)).join(" ");
  return `client ${client}: ${words}${isScan ? "  (until the cursor is 0)" : ""}`;
}
