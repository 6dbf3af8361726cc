/** What calls that only read answer, from a state of the model. */

import type { Compare } from "../../../lib/kv/commands.ts";
import { type Answer, CALLS_ON_ONE_KEY, judgeCall } from "../../linearizability/calls.ts";
import type { ModelRecord, ModelState } from "./record.ts";

type Query = (words: readonly string[], state: ModelState, nowMs: number) => Answer;

/** What a key costs beside its name and its value, as MEMORY USAGE has it. */
const BYTES_PER_KEY = 150;
const EMBEDDED_BYTES_MAX = 44;

const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  ["MGET", ([, ...keys], state) => keys.map((key) => state.get(key)?.value ?? null)],
  ["EXISTS", ([, ...keys], state) => keys.filter((key) => state.get(key) !== undefined).length],
  ["TOUCH", ([, ...keys], state) => keys.filter((key) => state.get(key) !== undefined).length],
  ["TTL", deadline((at, nowMs) => Math.floor((Math.max(0, at - nowMs) + 500) / 1_000))],
  ["PTTL", deadline((at, nowMs) => Math.max(0, Math.round(at - nowMs)))],
  ["EXPIRETIME", deadline((at) => Math.floor((at + 500) / 1_000))],
  ["PEXPIRETIME", deadline((at) => at)],
  ["REVISION", ([, key = ""], state) => {
    const record = state.get(key);
    return record === undefined ? null : [record.createRevision, record.revision, record.version];
  }],
  ["OBJECT", ([, , key = ""], state) => {
    const value = state.get(key)?.value;
    if (value === undefined) return null;
    return /^(0|-?[1-9][0-9]{0,14})$/.test(value) ? "int" : value.length <= EMBEDDED_BYTES_MAX ? "embstr" : "raw";
  }],
  ["MEMORY", ([, , key = ""], state) => {
    const value = state.get(key)?.value;
    return value === undefined ? null : BYTES_PER_KEY + key.length + value.length;
  }],
  ["DBSIZE", (_, state) => state.size],
  ["KEYS", ([, pattern = ""], state) => matching(pattern, state)],
  ["SCAN", (words, state) => ["0", matching(words[words.indexOf("MATCH") + 1] ?? "", state)]],
  ["RANGE", ([, start = "", end = "", ...options], state) => {
    return listed(state.names().filter((key) => key >= start && (end === "" || key < end)), { options, state });
  }],
  ["PREFIX", ([, prefix = "", ...options], state) => {
    const after = options.includes("AFTER") ? options[options.indexOf("AFTER") + 1] : undefined;
    const found = state.names().filter((key) => key.startsWith(prefix) && (after === undefined || key > after));
    return listed(found, { options, state });
  }],
]);

/** Names of the calls that `answerQuery` knows; RANDOMKEY is judged by `isPossibleKey`. */
export const QUERY_NAMES: readonly string[] = [...QUERIES.keys(), "GET", "STRLEN", "GETRANGE", "TYPE", "GETEX"];

/** What a reading call answers; undefined where there is no rule. A GETEX without options is one. */
export function answerQuery(
  words: readonly string[],
  { state, nowMs }: { readonly state: ModelState; readonly nowMs: number },
): Answer | undefined {
  const [name = "", key = ""] = words;
  const query = QUERIES.get(name);
  if (query !== undefined) return query(words, state, nowMs);
  if (name === "GETEX") return state.get(key)?.value ?? null;
  if (!CALLS_ON_ONE_KEY.includes(name)) return undefined;
  const { answer, effect } = judgeCall(state.get(key)?.value, words);
  return effect === "None" ? answer : undefined;
}

/** Whether a comparison holds. */
export function holds({ key, field, operator, operand }: Compare, state: Pick<ModelState, "get">): boolean {
  const record = state.get(key);
  const numbers = {
    EXISTS: record === undefined ? 0 : 1,
    VERSION: record?.version ?? 0,
    CREATE: record?.createRevision ?? 0,
    MOD: record?.revision ?? 0,
  };
  const isValue = field === "VALUE";
  if (isValue && record === undefined) return operator === "!=";
  const left = isValue ? record?.value ?? "" : numbers[field];
  const right = isValue ? operand : Number(operand);
  return { "=": left === right, "!=": left !== right, "<": left < right, ">": left > right }[operator];
}

function deadline(tell: (at: number, nowMs: number) => number): Query {
  return ([, key = ""], state, nowMs) => {
    const record: ModelRecord | undefined = state.get(key);
    if (record === undefined) return -2;
    return record.expiresAt === undefined ? -1 : tell(record.expiresAt, nowMs);
  };
}

/** Patterns of the workload are a beginning and a star. */
function matching(pattern: string, state: ModelState): readonly string[] {
  const beginning = pattern.slice(0, -1);
  return state.names().filter((key) => key.startsWith(beginning));
}

function listed(
  keys: readonly string[],
  { options, state }: { readonly options: readonly string[]; readonly state: ModelState },
): readonly string[] {
  const limit = options.includes("LIMIT") ? Number(options[options.indexOf("LIMIT") + 1]) : keys.length;
  return keys.slice(0, limit).flatMap((key) => options.includes("KEYS") ? [key] : [key, state.get(key)?.value ?? ""]);
}
