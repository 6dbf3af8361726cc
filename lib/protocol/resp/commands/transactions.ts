/** MULTI, EXEC, DISCARD, WATCH, UNWATCH: a queue that becomes one entry of the log. */

import { missingForParts } from "../../../kv/judge.ts";
import { ALL_KEYS, type GivenFacts, row } from "../../../kv/command_row.ts";
import { OK } from "../../../kv/replies.ts";
import { longKey } from "../errors.ts";
import { answer, type ProtocolCommand, refuse } from "../plan.ts";

const TRANSACTION: GivenFacts = {
  access: "Connection",
  group: "transactions",
  since: "1.2.0",
  flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
};

/** The commands of this file. */
export const TRANSACTION_COMMANDS: readonly ProtocolCommand[] = [
  {
    ...row("MULTI", TRANSACTION),
    inTransaction: "AtOnce",
    summary: "Begins to queue commands.",
    plan: (_words, { transaction }) => {
      if (transaction.isOpen) return refuse("ERR MULTI calls can not be nested");
      transaction.open();
      return answer(OK);
    },
  },
  {
    ...row("EXEC", {
      ...TRANSACTION,
      flags: ["noscript", "loading", "stale", "skip_slowlog"],
      timing: "Clock",
      grows: "ItsCalls",
    }),
    inTransaction: "AtOnce",
    summary: "Does the queued commands at once, unless a watched key has changed.",
    plan: (_words, { transaction, context, client }) => {
      if (!transaction.isOpen) return refuse("ERR EXEC without MULTI");
      // A WATCH before it may still wait for its confirmation: then what is watched is not known yet.
      return { type: "Later", plan: () => transaction.take(context.node, client) };
    },
  },
  {
    ...row("DISCARD", { ...TRANSACTION, since: "2.0.0" }),
    inTransaction: "AtOnce",
    summary: "Forgets the queued commands and the watched keys.",
    plan: (_words, { transaction }) => {
      if (!transaction.isOpen) return refuse("ERR DISCARD without MULTI");
      return {
        type: "Later",
        plan: () => {
          transaction.discard();
          return answer(OK);
        },
      };
    },
  },
  {
    ...row("WATCH <key> [<key> ...]", { ...TRANSACTION, since: "2.2.0", keys: ALL_KEYS, timing: "Expiry" }),
    inTransaction: "AtOnce",
    summary: "Makes the next EXEC do nothing if one of the keys changes before.",
    plan: (words, { transaction, context: { node, keyBytesMax } }) => {
      if (transaction.isOpen) return refuse("ERR WATCH inside MULTI is not allowed");
      const refusal = longKey(words.slice(1), keyBytesMax);
      if (refusal !== undefined) return answer(refusal);
      return {
        type: "Read",
        judge: (rights) => missingForParts({ compares: [], calls: words.slice(1).map((key) => ["GET", key]) }, rights),
        answer: () => transaction.watch(words.slice(1), node) ? OK : { error: "ERR too many keys are watched" },
      };
    },
  },
  {
    ...row("UNWATCH", { ...TRANSACTION, since: "2.2.0" }),
    summary: "Forgets the watched keys.",
    plan: (_words, { transaction }) => {
      // In a queue it has no effect: EXEC forgets the watched keys anyway.
      if (transaction.isOpen) return answer(OK);
      return {
        type: "Later",
        plan: () => {
          transaction.unwatch();
          return answer(OK);
        },
      };
    },
  },
];
