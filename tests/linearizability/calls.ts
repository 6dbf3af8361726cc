/**
 * Calls on one key as a specification: what each answers and leaves, from the value alone. Written in the plainest way and
 * without a look at the code that is judged by it; numbers stay small here, where 64 bits and long decimals have no part.
 */

/** What a call does to its key: nothing, or it leaves a value, or removes the key. */
export type Effect = "None" | "Remove" | { readonly value: string };

/** An answer in the form of `replyToJson`. */
export type Answer = string | number | null | { readonly s: string } | { readonly e: string } | readonly Answer[];

/** What a call answers and does. */
export interface Outcome {
  readonly answer: Answer;
  readonly effect: Effect;
}

type Rule = (value: string | undefined, words: readonly string[]) => Outcome;

/** The answer of success. */
export const OK: Answer = { s: "OK" };
const NO_INTEGER: Answer = { e: "ERR value is not an integer or out of range" };
const NO_FLOAT: Answer = { e: "ERR value is not a valid float" };
const INTEGER = /^(0|-?[1-9][0-9]{0,14})$/;
const HALVES = /^-?[0-9]{1,14}(\.5)?$/;

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["GET", (value) => tell(value ?? null)],
  ["STRLEN", (value) => tell(value?.length ?? 0)],
  ["EXISTS", (value) => tell(value === undefined ? 0 : 1)],
  ["TYPE", (value) => tell({ s: value === undefined ? "none" : "string" })],
  ["GETRANGE", (value, [, , start, end]) => tell(part(value ?? "", Number(start), Number(end)))],
  ["SET", set],
  ["SETNX", (value, [, , to = ""]) => value === undefined ? leave(to, 1) : tell(0)],
  ["GETSET", (value, [, , to = ""]) => leave(to, value ?? null)],
  ["GETDEL", (value) => value === undefined ? tell(null) : { answer: value, effect: "Remove" }],
  ["DEL", (value) => value === undefined ? tell(0) : { answer: 1, effect: "Remove" }],
  ["UNLINK", (value) => value === undefined ? tell(0) : { answer: 1, effect: "Remove" }],
  ["DELEX", deleteIf],
  ["APPEND", (value, [, , more = ""]) => leave((value ?? "") + more, (value?.length ?? 0) + more.length)],
  ["SETRANGE", setRange],
  ["INCR", (value) => count(value, 1)],
  ["DECR", (value) => count(value, -1)],
  ["INCRBY", (value, [, , by]) => count(value, Number(by))],
  ["DECRBY", (value, [, , by]) => count(value, -Number(by))],
  ["INCRBYFLOAT", addHalves],
]);

/** Names of the calls that are specified here. */
export const CALLS_ON_ONE_KEY: readonly string[] = [...RULES.keys()];

/** What a call in words (name in capitals, key, arguments) does with a value. Throws `RangeError` for a call without a rule. */
export function judgeCall(value: string | undefined, words: readonly string[]): Outcome {
  const rule = RULES.get(words[0] ?? "");
  if (rule === undefined) {
    throw new RangeError(`Cannot judge the call ${JSON.stringify(words)}: there is no rule for it`);
  }
  return rule(value, words);
}

function tell(answer: Answer): Outcome {
  return { answer, effect: "None" };
}

function leave(value: string, answer: Answer): Outcome {
  return { answer, effect: { value } };
}

/** SET with NX, XX, IFEQ and GET; options about time do not concern the value. */
function set(value: string | undefined, [, , to = "", ...options]: readonly string[]): Outcome {
  const isMet = options.includes("NX")
    ? value === undefined
    : options.includes("XX")
    ? value !== undefined
    : !options.includes("IFEQ") || value === options[options.indexOf("IFEQ") + 1];
  const old = value ?? null;
  if (!isMet) return tell(options.includes("GET") ? old : null);
  return leave(to, options.includes("GET") ? old : OK);
}

function deleteIf(value: string | undefined, [, , option, operand]: readonly string[]): Outcome {
  if (value === undefined) return tell(0);
  const isMet = option === undefined || (option === "IFEQ" ? value === operand : value !== operand);
  return isMet ? { answer: 1, effect: "Remove" } : tell(0);
}

function setRange(value: string | undefined, [, , offset, words = ""]: readonly string[]): Outcome {
  let changed = value ?? "";
  if (words === "") return tell(changed.length);
  const at = Number(offset);
  while (changed.length < at) changed += "\0";
  changed = changed.slice(0, at) + words + changed.slice(at + words.length);
  return leave(changed, changed.length);
}

function count(value: string | undefined, by: number): Outcome {
  if (value !== undefined && !INTEGER.test(value)) return tell(NO_INTEGER);
  const sum = Number(value ?? "0") + by;
  return leave(`${sum}`, sum);
}

/** Decimals whose fraction is none or .5 are exact in binary. */
function addHalves(value: string | undefined, [, , by]: readonly string[]): Outcome {
  if (value !== undefined && !HALVES.test(value)) return tell(NO_FLOAT);
  const sum = `${Number(value ?? "0") + Number(by)}`;
  return leave(sum, sum);
}

/** Both ends included; negative ones count from the end. */
function part(value: string, ...[start, end]: readonly [number, number]): string {
  const from = start < 0 ? Math.max(0, value.length + start) : start;
  const to = end < 0 ? Math.max(0, value.length + end) : end;
  if (start < 0 && end < 0 && start > end) return "";
  return value.slice(from, to + 1);
}
