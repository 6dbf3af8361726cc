/** Reads the value of one flag strictly and, when it is wrong, names the nearest valid one. */

import type { Flag } from "./flags.ts";
import { nearest, quoteForPeople, UsageError } from "./usage_error.ts";

/** A value as the program uses it: integers and sizes as numbers, switches as booleans. */
export type FlagValue = string | number | boolean;

/** Where a value came from, for the error text: `--port`, `KVSTORE_PORT`, `"port" in FILE`. */
export type ValueOrigin = string;

const NUMBER_WORDS = {
  integer: "a whole number",
  decimal: "a number",
  size: "a size (bytes, or with KiB, MiB or GiB)",
} as const;
const UNITS: ReadonlyMap<string, number> = new Map([["", 1], ["KIB", 2 ** 10], ["MIB", 2 ** 20], ["GIB", 2 ** 30]]);

/** The value of `flag` that `text` says. Throws `UsageError` with one line that names origin, value and remedy. */
export function readFlagValue(flag: Flag, { text, origin }: { text: string; origin: ValueOrigin }): FlagValue {
  if (flag.kind !== "switch" && text === "") throw new UsageError(`${origin} needs a value${hintFor(flag)}`);
  switch (flag.kind) {
    case "switch":
      return readSwitch(text, origin);
    case "integer":
    case "decimal":
    case "size":
      return readNumber(flag, { text, origin });
    case "choice":
      return readChoice(flag, { text, origin });
    case "text":
      return text;
  }
}

function hintFor(flag: Flag): string {
  const example = flag.default ?? (flag.min === undefined ? undefined : String(flag.min));
  return example === undefined ? `, for example --${flag.name} ${flag.placeholder}` : `, for example ${example}`;
}

function readSwitch(text: string, origin: ValueOrigin): boolean {
  const word = text.toLowerCase();
  if (word === "" || word === "true" || word === "1") return true;
  if (word === "false" || word === "0") return false;
  const near = nearest(word, ["true", "false"]);
  throw new UsageError(`${origin} is either true or false, not ${quoteForPeople(text)}; did you mean ${near}?`);
}

function readChoice(flag: Flag, { text, origin }: { text: string; origin: ValueOrigin }): string {
  const choices = flag.choices ?? [];
  if (choices.includes(text) || flag.otherwise?.test(text) === true) return text;
  const near = /^[0-9]+$/.test(text) ? nearestNumber(Number(text), choices) : nearest(text, choices);
  throw new UsageError(
    `${origin} must be ${joinWithOr(choices)}, not ${quoteForPeople(text)}; the nearest valid one is ${near}`,
  );
}

function nearestNumber(value: number, choices: readonly string[]): string | undefined {
  const distance = (choice: string) => Math.abs(Number(choice) - value);
  return [...choices].sort((left, right) => distance(left) - distance(right))[0];
}

function joinWithOr(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function readNumber(flag: Flag, { text, origin }: { text: string; origin: ValueOrigin }): number {
  const value = parseNumber(flag, text);
  const min = flag.min ?? 0;
  const max = flag.max ?? Number.MAX_SAFE_INTEGER;
  if (value !== undefined && value >= min && value <= max) return value;
  throw new UsageError(
    `${origin} must be ${
      NUMBER_WORDS[flag.kind === "size" || flag.kind === "decimal" ? flag.kind : "integer"]
    } from ${min} to ${max}, not ${quoteForPeople(text)}; ` +
      `the nearest valid one is ${nearestInRange(flag, text)}`,
  );
}

function parseNumber(flag: Flag, text: string): number | undefined {
  if (flag.kind === "decimal") {
    return /^([0-9]{1,15}(\.[0-9]{0,9})?|\.[0-9]{1,9})$/.test(text) ? Number(text) : undefined;
  }
  const match = /^([0-9]{1,16})([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const unit = UNITS.get((match[2] ?? "").toUpperCase());
  if (unit === undefined || (unit !== 1 && flag.kind !== "size")) return undefined;
  return Number(match[1]) * unit;
}

function nearestInRange(flag: Flag, text: string): string {
  const min = flag.min ?? 0;
  const max = flag.max ?? Number.MAX_SAFE_INTEGER;
  const leading = /^[0-9]+/.exec(text)?.[0];
  const value = parseNumber(flag, text) ?? (leading === undefined ? undefined : Number(leading));
  if (value !== undefined) return String(Math.min(max, Math.max(min, value)));
  return text.startsWith("-") ? String(min) : flag.default ?? String(min);
}
