/** Options of calls: the time at which a key shall expire, and how it is written. */

import type { Call } from "../commands.ts";
import { wordAt } from "../call.ts";
import { parseInteger64 } from "../integers.ts";
import { type ErrorReply, NOT_AN_INTEGER } from "../replies.ts";

/** A unit, and whether the number counts from now. */
export interface TimeForm {
  readonly unitMs: number;
  readonly isRelative: boolean;
}

/** How EX, PX, EXAT and PXAT count. */
export const TIME_FORMS: ReadonlyMap<string, TimeForm> = new Map([
  ["EX", { unitMs: 1_000, isRelative: true }],
  ["PX", { unitMs: 1, isRelative: true }],
  ["EXAT", { unitMs: 1_000, isRelative: false }],
  ["PXAT", { unitMs: 1, isRelative: false }],
]);

/** A point in time as it was written: its text and form. */
export interface WrittenTime {
  readonly text: string;
  readonly form: TimeForm;
}

/** Latest point in time: a number of milliseconds that is exact. */
const TIME_MS_MAX = Number.MAX_SAFE_INTEGER;
const REDIS_TIME_MS_MIN = -(2n ** 63n);

/** Milliseconds since 1970. `leastExclusive` is what the written number must exceed; undefined for no bound. */
export function readTime(
  { text, form }: WrittenTime,
  of: { readonly nowMs: number; readonly name: string; readonly leastExclusive: number | undefined },
): number | ErrorReply {
  const number = parseInteger64(text);
  if (number === undefined) return NOT_AN_INTEGER;
  const { leastExclusive, name, nowMs } = of;
  const ms = Number(number) * form.unitMs;
  // Long ago is long ago, however long: the key goes. What 64 bits of milliseconds cannot say is an error in Redis, too.
  const isLongAgo = leastExclusive === undefined && ms < -TIME_MS_MAX;
  if (isLongAgo && BigInt(number) * BigInt(form.unitMs) >= REDIS_TIME_MS_MIN) return -TIME_MS_MAX;
  const at = form.isRelative ? nowMs + ms : ms;
  const isOutside = Math.abs(ms) > TIME_MS_MAX || Math.abs(at) > TIME_MS_MAX;
  if (isOutside || (leastExclusive !== undefined && number <= leastExclusive)) return invalidTime(name);
  return at;
}

/** The reply to a time that cannot be. */
export function invalidTime(name: string): ErrorReply {
  return { error: `ERR invalid expire time in '${name.toLowerCase()}' command` };
}

/** The word at a place in capitals: options are written in any case. */
export function optionAt(call: Call, at: number): string {
  const word = wordAt(call, at);
  // No option is longer, and a value in its place may be.
  return word.length > OPTION_LENGTH_MAX ? "" : word.toUpperCase();
}

const OPTION_LENGTH_MAX = 16;
