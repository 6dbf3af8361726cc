/** The table of calls: everything that reads or changes keys, for every protocol. */

import type { Call } from "./commands.ts";
import { type CallContext, type CallSpec, wrongArity } from "./call.ts";
import { byName, type CommandRow, NO_KEYS } from "./command_row.ts";
import { COUNTER_CALLS } from "./calls/counters.ts";
import { DEADLINE_CALLS } from "./calls/deadlines.ts";
import { KEY_CALLS } from "./calls/keys.ts";
import { ORDERED_CALLS } from "./calls/ordered.ts";
import { SEVERAL_CALLS } from "./calls/several.ts";
import { SET_CALLS } from "./calls/set.ts";
import { STRING_CALLS } from "./calls/strings.ts";
import type { ErrorReply, Reply } from "./replies.ts";
import { ReplyRoom } from "./reply_bounds.ts";

/** Every call, by its name in capitals. */
export const CALLS: ReadonlyMap<string, CallSpec> = byName([
  ...STRING_CALLS,
  ...SET_CALLS,
  ...COUNTER_CALLS,
  ...SEVERAL_CALLS,
  ...KEY_CALLS,
  ...DEADLINE_CALLS,
  ...ORDERED_CALLS,
]);

/** The entry of a call's name, which stands in capitals. */
export function findCall(call: Call): CallSpec | undefined {
  return CALLS.get(call[0] ?? "");
}

/** What can be said against a call before it is done: an unknown name, a wrong number of words, options that do not go together. */
export function checkCall(call: Call): ErrorReply | undefined {
  const spec = findCall(call);
  if (spec === undefined) return { error: "ERR unknown command" };
  return isArity(spec, call.length) ? spec.check?.(call) : wrongArity(spec.name);
}

/** Whether a number of words, every name included, suits a command. */
export function isArity({ arity, most = Infinity }: Pick<CommandRow, "arity" | "most">, words: number): boolean {
  return arity >= 0 ? words === arity : words >= -arity && words <= most;
}

/** Does a call. Whatever is wrong with it gives an error reply and changes nothing. */
export function runCall(call: Call, context: CallContext): Reply {
  const spec = findCall(call);
  if (spec === undefined) return { error: "ERR unknown command" };
  if (!isArity(spec, call.length)) return wrongArity(spec.name);
  return spec.run(call, context);
}

/** Whether doing a call may change the state: GETEX without options, for one, does not. */
export function changes(call: Call): boolean {
  const spec = findCall(call);
  return spec?.access === "Write" && spec.onlyReads?.(call) !== true;
}

/** Does calls in order, whose replies are one reply: what would make that too long is an error in its place. */
export function runCalls(calls: readonly Call[], run: (call: Call) => Reply): readonly Reply[] {
  const room = new ReplyRoom();
  return calls.map((call) => room.reply(changes(call), () => run(call)));
}

/** The keys of a call. */
export function keysOf(call: Call): readonly string[] {
  return keysAt(findCall(call)?.keys ?? NO_KEYS, call);
}

/** The words that stand at the places of keys. */
export function keysAt({ first, last, step }: CommandRow["keys"], words: readonly string[]): readonly string[] {
  if (first === 0) return [];
  const end = last < 0 ? words.length + last : last;
  const keys: string[] = [];
  for (let at = first; at <= end && at < words.length; at += step) keys.push(words[at] ?? "");
  return keys;
}
