/** What calls answer, in the types that every protocol can show, and the form in which answers are kept and forwarded. */

/** A word of success, such as OK. */
export interface Status {
  readonly status: string;
}

/** An error: its first word is its code, as in Redis. */
export interface ErrorReply {
  readonly error: string;
}

/** A byte string, an integer of 64 bits (a bigint beyond 2^53), nothing, a status, an error, or several replies. */
export type Reply = string | number | bigint | null | Status | ErrorReply | readonly Reply[];

/** The usual word of success. */
export const OK: Status = { status: "OK" };
/** An option that is unknown, misplaced, or does not go with another. */
export const SYNTAX_ERROR: ErrorReply = { error: "ERR syntax error" };
/** A pattern longer than `PATTERN_BYTES_MAX`. */
export const LONG_PATTERN: ErrorReply = { error: "ERR the pattern is too long" };
/** Text that is no integer of 64 bits. */
export const NOT_AN_INTEGER: ErrorReply = { error: "ERR value is not an integer or out of range" };

/** Whether a reply, or what was read where an error may stand instead, is an error. */
export function isErrorReply(reply: unknown): reply is ErrorReply {
  return typeof reply === "object" && reply !== null && "error" in reply;
}

/** JSON values for a reply: objects with one letter stand for what JSON cannot tell apart. */
export function replyToJson(reply: Reply): unknown {
  if (typeof reply === "bigint") return { n: reply.toString() };
  if (typeof reply !== "object" || reply === null) return reply;
  if ("status" in reply) return { s: reply.status };
  if ("error" in reply) return { e: reply.error };
  return reply.map(replyToJson);
}

const NESTING_MAX = 8;

/** Reads what `replyToJson` made; undefined for everything else. */
export function replyFromJson(json: unknown, depth = 0): Reply | undefined {
  if (json === null || typeof json === "string") return json;
  if (typeof json === "number") return Number.isSafeInteger(json) ? json : undefined;
  if (typeof json !== "object" || depth > NESTING_MAX) return undefined;
  if (Array.isArray(json)) return listFromJson(json, depth);
  const { n, s, e } = json as { readonly n?: unknown; readonly s?: unknown; readonly e?: unknown };
  if (typeof n === "string" && isIntegerText(n)) return BigInt(n);
  if (typeof s === "string") return { status: s };
  return typeof e === "string" ? { error: e } : undefined;
}

function listFromJson(json: readonly unknown[], depth: number): readonly Reply[] | undefined {
  const list: Reply[] = [];
  for (const item of json) {
    const reply = replyFromJson(item, depth + 1);
    if (reply === undefined) return undefined;
    list.push(reply);
  }
  return list;
}

const INTEGER_DIGITS_MAX = 19;

function isIntegerText(text: string): boolean {
  const start = text[0] === "-" ? 1 : 0;
  if (text.length === start || text.length - start > INTEGER_DIGITS_MAX) return false;
  for (let at = start; at < text.length; at++) {
    if (!(text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39)) return false;
  }
  return true;
}
