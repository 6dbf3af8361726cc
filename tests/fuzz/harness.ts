/**
 * Runs a parser on generated inputs and judges every outcome.
 *
 * Each input has a generator of its own, made of the seed and the number of the input, so that any one can be made again
 * alone. `FUZZ_INPUTS` is the number of inputs for each parser, `FUZZ_SEED` another seed, `FUZZ_INPUT` the only input.
 */

import { Random } from "../../lib/base/random.ts";

/** Inputs for each parser where nothing is said. */
export const INPUTS_DEFAULT = 20_000;
const SEED_DEFAULT = 20_250_607;
/** An input that takes longer, twice, is a failure. */
const INPUT_MS_MAX = 2_000;
/** From so many inputs on, every outcome must have been seen. */
const INPUTS_FOR_OUTCOMES = 2_000;
const SHOWN_CHARACTERS_MAX = 8_000;
/** Inputs that follow each other are far apart. */
export const GOLDEN = 0x9e3779b1;

/** One parser under test. */
export interface FuzzCase<T> {
  readonly make: (random: Random) => T;
  /** Calls the parser and checks what it gives. Returns the kind of outcome; throws for an outcome that is not allowed. */
  readonly check: (input: T, random: Random) => string | Promise<string>;
  /** The kinds of outcome, each of which must appear: else the generator does not reach what it is for. */
  readonly outcomes: readonly string[];
  /** One in so many of the inputs is enough, where a single one is thousands of parses. */
  readonly share?: number;
}

/** What is run, and how far. */
export interface FuzzRange {
  readonly inputs: number;
  readonly seed: number;
  /** Runs this one only. */
  readonly only?: number | undefined;
}

/** Registers a test that runs the case. The name is free of quotes: it is part of the command that replays a failure. */
export function fuzz<T>(name: string, fuzzCase: FuzzCase<T>): void {
  const range = rangeOfEnvironment(fuzzCase.share ?? 1);
  Deno.test(`${name}: ${range.inputs} inputs, seed ${range.seed}`, async () => {
    const problem = await runFuzz(name, fuzzCase, range);
    if (problem !== undefined) throw new Error(problem);
  });
}

/** Runs the inputs. A text tells the first failure and how to see it again. */
export async function runFuzz<T>(name: string, fuzzCase: FuzzCase<T>, range: FuzzRange): Promise<string | undefined> {
  const seen = new Map<string, number>();
  const { only = 0 } = range;
  const end = range.only === undefined ? range.inputs : only + 1;
  for (let number = only; number < end; number++) {
    const random = new Random((range.seed + Math.imul(number, GOLDEN)) >>> 0);
    const input = fuzzCase.make(random);
    try {
      const begun = performance.now();
      const result = fuzzCase.check(input, random);
      const outcome = typeof result === "string" ? result : await result;
      if (performance.now() - begun > INPUT_MS_MAX) await refuseSlow(fuzzCase, input, random);
      if (!fuzzCase.outcomes.includes(outcome)) throw new Error(`Outcome "${outcome}" is not one of those expected`);
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    } catch (error) {
      return describe(name, { error, input, number, seed: range.seed });
    }
  }
  if (range.only !== undefined || range.inputs < INPUTS_FOR_OUTCOMES) return undefined;
  const missing = fuzzCase.outcomes.filter((outcome) => (seen.get(outcome) ?? 0) < range.inputs / 1_000);
  if (missing.length === 0) return undefined;
  const counts = Array.from(seen, ([outcome, count]) => `${outcome} ${count}`).join(", ");
  return `The inputs hardly ever lead to "${missing.join('", "')}": ${counts} (seed ${range.seed})`;
}

/** Fails when the condition does not hold; cheaper than `assert` with a text that is put together each time. */
export function require(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Equality by what JSON shows, with bytes as text; -0 counts as 0. Keys in the same order. */
export function requireSame(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [textOf(actual), textOf(expected)];
  if (left !== right) throw new Error(`${what}\n  found:    ${left}\n  expected: ${right}`);
}

/** A value as text: JSON, with byte arrays as lists and undefined told apart from null. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, showRare) ?? "undefined";
}

function showRare(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Array.from(value).join(" ") };
  if (value instanceof Map) return Array.from(value);
  return value === undefined ? "(undefined)" : value;
}

async function refuseSlow<T>(fuzzCase: FuzzCase<T>, input: T, random: Random): Promise<void> {
  const begun = performance.now();
  await fuzzCase.check(input, random);
  const took = performance.now() - begun;
  if (took > INPUT_MS_MAX) throw new Error(`The input takes ${Math.round(took)} ms`);
}

function describe(
  name: string,
  failure: { readonly error: unknown; readonly input: unknown; readonly number: number; readonly seed: number },
): string {
  const { error, input, number, seed } = failure;
  const why = error instanceof Error ? error.stack ?? error.message : String(error);
  const shown = textOf(input);
  const cut = shown.length > SHOWN_CHARACTERS_MAX ? `${shown.slice(0, SHOWN_CHARACTERS_MAX)}... (cut)` : shown;
  return [
    `${name}: seed ${seed}, input ${number}: ${why}`,
    `Input: ${cut}`,
    `Again: FUZZ_SEED=${seed} FUZZ_INPUT=${number} deno test -A --filter '${name}' tests/fuzz`,
  ].join("\n");
}

/** What `FUZZ_INPUTS`, `FUZZ_SEED` and `FUZZ_INPUT` say, of which one in `share` inputs is enough. */
export function rangeOfEnvironment(share: number): FuzzRange {
  const only = Deno.env.get("FUZZ_INPUT");
  return {
    inputs: Math.ceil(readCount("FUZZ_INPUTS", INPUTS_DEFAULT) / share),
    seed: readCount("FUZZ_SEED", SEED_DEFAULT),
    only: only === undefined ? undefined : readCount("FUZZ_INPUT", 0),
  };
}

function readCount(variable: string, otherwise: number): number {
  const text = Deno.env.get(variable);
  if (text === undefined || text === "") return otherwise;
  if (!/^[0-9]{1,10}$/.test(text)) throw new Error(`${variable} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}
