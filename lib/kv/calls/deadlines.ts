/** Deadlines of keys: EXPIRE and its family, TTL and its family, PERSIST. */

import { type CallContext, type CallSpec, wordAt } from "../call.ts";
import { type FactsOfCall, reads, writes } from "../command_row.ts";
import type { Call } from "../commands.ts";
import type { KeyRecord } from "../key_record.ts";
import { type ErrorReply, isErrorReply, type Reply } from "../replies.ts";
import { optionAt, readTime, type TimeForm } from "./options.ts";

interface ExpireConditions {
  readonly nx: boolean;
  readonly xx: boolean;
  readonly gt: boolean;
  readonly lt: boolean;
}

const NX_WITH_OTHERS: ErrorReply = { error: "ERR NX and XX, GT or LT options at the same time are not compatible" };
const GT_WITH_LT: ErrorReply = { error: "ERR GT and LT options at the same time are not compatible" };

const DEADLINE = { group: "generic", flags: ["fast"] } as const;
const COUNTED = { timing: "Clock", tips: ["nondeterministic_output"] } as const;

/** The calls of this file. */
export const DEADLINE_CALLS: readonly CallSpec[] = [
  expiry("EXPIRE <key> <seconds>", { since: "1.0.0", form: { unitMs: 1_000, isRelative: true } }),
  expiry("PEXPIRE <key> <milliseconds>", { since: "2.6.0", form: { unitMs: 1, isRelative: true } }),
  expiry("EXPIREAT <key> <seconds>", { since: "1.2.0", form: { unitMs: 1_000, isRelative: false } }),
  expiry("PEXPIREAT <key> <milliseconds>", { since: "2.6.0", form: { unitMs: 1, isRelative: false } }),
  remaining("TTL <key>", {
    facts: { ...COUNTED, since: "1.0.0" },
    what: "the seconds",
    tell: (at, nowMs) => Math.floor((Math.max(0, at - nowMs) + 500) / 1_000),
  }),
  remaining("PTTL <key>", {
    facts: { ...COUNTED, since: "2.6.0" },
    what: "the milliseconds",
    tell: (at, nowMs) => Math.max(0, Math.round(at - nowMs)),
  }),
  remaining("EXPIRETIME <key>", {
    facts: { since: "7.0.0" },
    what: "the seconds since 1970",
    tell: (at) => Math.floor((at + 500) / 1_000),
  }),
  remaining("PEXPIRETIME <key>", { facts: { since: "7.0.0" }, what: "the milliseconds since 1970", tell: (at) => at }),
  {
    ...writes("PERSIST <key>", { ...DEADLINE, since: "2.2.0", grows: "None" }),
    summary: "Takes away a key's deadline.",
    needs: "Blind",
    run: (call, { keys, revision }) => {
      const key = wordAt(call, 1);
      if (keys.get(key)?.expiresAt === undefined) return 0;
      keys.expire(key, { expiresAt: undefined, revision });
      return 1;
    },
  },
];

interface ExpiryForm {
  readonly since: string;
  readonly form: TimeForm;
}

interface RemainingParts {
  readonly facts: FactsOfCall;
  readonly what: string;
  readonly tell: (at: number, nowMs: number) => number;
}

function remaining(form: string, { facts, what, tell }: RemainingParts): CallSpec {
  return {
    ...reads(form, { ...DEADLINE, ...facts }),
    summary: `Returns ${what} to or of a key's deadline; -1 without one, -2 without the key.`,
    run: (call, { keys, nowMs }) => {
      const record = keys.get(wordAt(call, 1));
      if (record === undefined) return -2;
      return record.expiresAt === undefined ? -1 : tell(record.expiresAt, nowMs);
    },
  };
}

function expiry(usage: string, { since, form }: ExpiryForm): CallSpec {
  const row = writes(`${usage} [NX|XX|GT|LT ...]`, { ...DEADLINE, since, timing: "Clock" });
  const { name } = row;
  return {
    ...row,
    summary: "Sets a key's deadline; one in the past removes the key.",
    // With a condition it tells of the deadline that there is.
    needs: (call) => call.length === 3 ? "Blind" : "Both",
    check: (call) => {
      const conditions = readConditions(call);
      if (isErrorReply(conditions)) return conditions;
      const at = readTime({ text: wordAt(call, 2), form }, { nowMs: 0, name, leastExclusive: undefined });
      return isErrorReply(at) ? at : undefined;
    },
    run: (call, context) => runExpiry(call, { context, form, name }),
  };
}

interface ExpiryParts {
  readonly context: CallContext;
  readonly form: TimeForm;
  readonly name: string;
}

function runExpiry(call: Call, { context: { keys, nowMs, revision }, form, name }: ExpiryParts): Reply {
  const conditions = readConditions(call);
  if (isErrorReply(conditions)) return conditions;
  const at = readTime({ text: wordAt(call, 2), form }, { nowMs, name, leastExclusive: undefined });
  if (isErrorReply(at)) return at;
  const key = wordAt(call, 1);
  const record = keys.get(key);
  if (record === undefined || !isWanted(conditions, { record, at })) return 0;
  if (at <= nowMs) keys.remove(key);
  else keys.expire(key, { expiresAt: at, revision });
  return 1;
}

interface DeadlineChange {
  readonly record: KeyRecord;
  readonly at: number;
}

/** A key without a deadline counts as one that expires after every other. */
function isWanted({ nx, xx, gt, lt }: ExpireConditions, change: DeadlineChange): boolean {
  const { record: { expiresAt }, at } = change;
  if (nx && expiresAt !== undefined) return false;
  if (xx && expiresAt === undefined) return false;
  if (gt && (expiresAt === undefined || at <= expiresAt)) return false;
  return !(lt && expiresAt !== undefined && at >= expiresAt);
}

function readConditions(call: Call): ExpireConditions | ErrorReply {
  const named = new Set<string>();
  for (let at = 3; at < call.length; at++) {
    const option = optionAt(call, at);
    if (!["NX", "XX", "GT", "LT"].includes(option)) {
      return { error: `ERR Unsupported option ${wordAt(call, at)}` };
    }
    named.add(option);
  }
  const conditions = { nx: named.has("NX"), xx: named.has("XX"), gt: named.has("GT"), lt: named.has("LT") };
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) return NX_WITH_OTHERS;
  return conditions.gt && conditions.lt ? GT_WITH_LT : conditions;
}
