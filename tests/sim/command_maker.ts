/** Draws the commands of the state machine that clients send. */

import { unreachable } from "../../lib/base/assert.ts";
import type { Call, Command } from "../../lib/kv/commands.ts";
import type { UserCommand } from "../../lib/kv/users.ts";
import { makeCallOnOneKey, makeFlush, makeSharedCall, makeTransaction, type Words } from "./call_maker.ts";
import { COUNTED } from "./operations.ts";

/** What clients send whether there are users or not. */
export type DrawnType = Exclude<Command["type"], UserCommand["type"]>;

/** How the clients of a run divide their work, in hundredths. Every type has an entry: a new one does not compile without. */
export const WRITE_SHARES: Readonly<Record<DrawnType, number>> = {
  Put: 18,
  Delete: 4,
  Call: 16,
  Transaction: 5,
  Advance: 1,
  OpenSession: 1,
  KeepAlive: 1,
  CloseSession: 1,
};
/** The writes of the workload as they stand in histories. */
export const COMMANDS_IN_WORKLOAD: readonly string[] = Object.keys(WRITE_SHARES).map((type) => type.toLowerCase());

/** Where a run flushes, so many of its calls do. */
const FLUSH_PROBABILITY = 0.05;

/** What commands are made from. */
export interface CommandSource {
  readonly words: Words;
  /** Sessions that were opened. */
  readonly sessions: readonly number[];
  readonly flushes: boolean;
  /** A key of those that only puts, deletes and puts if absent change. */
  plainKey(): string;
}

/** A command of a type. */
export function makeCommand(type: DrawnType, source: CommandSource): Command {
  const { words, sessions, plainKey } = source;
  const { random } = words;
  switch (type) {
    case "Put":
      return { type, key: plainKey(), value: words.value() };
    case "Delete":
      return { type, key: plainKey() };
    case "Call":
      return { type, call: makeCall(source) };
    case "Transaction":
      return random.chance(0.5) ? makeTransaction(words) : makePutIfAbsent(source);
    case "Advance":
      return { type };
    case "OpenSession":
      return { type, ttlMs: 1_000 + random.below(10_000) };
    case "KeepAlive":
    case "CloseSession":
      return { type, session: sessions.length > 0 ? random.pick(sessions) : 1 };
    default:
      return unreachable(type);
  }
}

function makeCall({ words, flushes, plainKey }: CommandSource): Call {
  const { random } = words;
  if (flushes && random.chance(FLUSH_PROBABILITY)) return makeFlush(words);
  const share = random.fraction();
  if (share < 0.2) return ["INCR", `${COUNTED}${plainKey()}`];
  return share < 0.6 ? makeCallOnOneKey(words) : makeSharedCall(words);
}

function makePutIfAbsent({ words, plainKey }: CommandSource): Command {
  const key = plainKey();
  const compares = [{ key, field: "EXISTS", operator: "=", operand: "0" }] as const;
  return { type: "Transaction", compares, then: [["SET", key, words.value()]], otherwise: [["GET", key]] };
}
