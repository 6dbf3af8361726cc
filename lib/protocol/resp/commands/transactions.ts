/** MULTI, EXEC, DISCARD, WATCH, UNWATCH: a queue that becomes one entry of the log. */

import { ALL_KEYS, NO_KEYS } from "../../../kv/call.ts";
import { OK } from "../../../kv/replies.ts";
import { longKey } from "../errors.ts";
import { answer, type ProtocolCommand, refuse } from "../plan.ts";

/** The commands of this file. */
export const TRANSACTION_COMMANDS: readonly ProtocolCommand[] = [
  {
    name: "MULTI",
    arity: 1,
    keys: NO_KEYS,
    inTransaction: "AtOnce",
    summary: "Begins to queue commands.",
    plan: (_words, { transaction }) => {
      if (transaction.isOpen) return refuse("ERR MULTI calls can not be nested");
      transaction.open();
      return answer(OK);
    },
  },
  {
    name: "EXEC",
    arity: 1,
    keys: NO_KEYS,
    inTransaction: "AtOnce",
    summary: "Does the queued commands at once, unless a watched key has changed.",
    plan: (_words, { transaction, context, client }) => {
      if (!transaction.isOpen) return refuse("ERR EXEC without MULTI");
      // A WATCH before it may still wait for its confirmation: then what is watched is not known yet.
      return { type: "Later", plan: () => transaction.take(context.node, client) };
    },
  },
  {
    name: "DISCARD",
    arity: 1,
    keys: NO_KEYS,
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
    name: "WATCH",
    arity: -2,
    keys: ALL_KEYS,
    inTransaction: "AtOnce",
    summary: "Makes the next EXEC do nothing if one of the keys changes before.",
    plan: (words, { transaction, context: { node, keyBytesMax } }) => {
      if (transaction.isOpen) return refuse("ERR WATCH inside MULTI is not allowed");
      const refusal = longKey(words.slice(1), keyBytesMax);
      if (refusal !== undefined) return answer(refusal);
      return {
        type: "Read",
        answer: () => transaction.watch(words.slice(1), node) ? OK : { error: "ERR too many keys are watched" },
      };
    },
  },
  {
    name: "UNWATCH",
    arity: 1,
    keys: NO_KEYS,
    inTransaction: "Queued",
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
