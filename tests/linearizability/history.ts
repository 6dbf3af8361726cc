/** Histories of client operations, in memory and as JSON lines (one operation a line) that an outside checker can read. */

/**
 * What one client asked once, and what it was told. One operation is one attempt: a client that sends a write again after
 * an unknown outcome makes a second operation. Operations that were certainly not done are left out of a history, and so
 * are reads whose outcome is unknown.
 */
export interface Operation {
  /** Who asked. A client may go on after an unknown outcome, so its operations may overlap. */
  readonly client: number;
  /** A name from the table in `model.ts`. */
  readonly operation: string;
  /** Byte string. */
  readonly key: string;
  /** Byte string, or null for operations without one. put: the value. */
  readonly argument: string | null;
  /** get: the value, null for no such key. put: whether it created the key. delete: whether the key existed. Null there: not known. */
  readonly result: string | number | boolean | null;
  /** An `unknown` write may have taken effect at any time after its call, or never. */
  readonly outcome: "ok" | "unknown";
  /** Nanoseconds, 0 or more; the zero is arbitrary, but one for the whole history. */
  readonly call: number;
  /** Nanoseconds, not before the call; null when the outcome is unknown. Two operations that only touch are concurrent. */
  readonly return: number | null;
  /** Log index: of its entry for a write, of the last applied entry in the state it read for a read; null when not known. */
  readonly index: number | null;
}

/** A line of a history that cannot be read. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";

  /** Says what is wrong with a line, counted from 1. */
  constructor(readonly line: number, what: string) {
    super(`Cannot read history line ${line}: ${what}`);
  }
}

/** The operations as JSON lines, each ended by a newline. One string: up to about four million operations. */
export function writeHistory(operations: readonly Operation[]): string {
  return operations.map(writeLine).join("");
}

/** Reads what `writeHistory` wrote; empty lines and further fields are ignored. Throws `HistoryError` for everything else. */
export function readHistory(text: string): Operation[] {
  const operations: Operation[] = [];
  let start = 0;
  for (let line = 1; start < text.length; line++) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const content = text.slice(start, end).trim();
    if (content !== "") operations.push(readLine(content, line));
    start = end + 1;
  }
  return operations;
}

/** An operation in words, for explanations: `client 3 put "k" = "v" -> ok at 12..40, index 7`. */
export function describeOperation(operation: Operation): string {
  const { client, operation: name, key, argument, result, outcome, call, index } = operation;
  const asked = `client ${client} ${name} ${JSON.stringify(key)}${
    argument === null ? "" : ` ${JSON.stringify(argument)}`
  }`;
  const told = outcome === "ok" ? `gave ${JSON.stringify(result)}` : "outcome unknown";
  return `${asked}: ${told}, ${call}..${operation.return ?? ""} ns, index ${index ?? "unknown"}`;
}

function writeLine(operation: Operation): string {
  const { client, operation: name, key, argument, result, call, index, outcome } = operation;
  return JSON.stringify({
    client,
    operation: name,
    key,
    argument,
    result,
    call,
    return: operation.return,
    index,
    outcome,
  }) + "\n";
}

const BEYOND_BYTES = /[\u0100-\uffff]/;

function readLine(content: string, line: number): Operation {
  const fields = parseObject(content, line);
  const read: Operation = {
    client: checked(fields, line, { name: "client", what: "a whole number", fits: isWhole }),
    operation: checked(fields, line, { name: "operation", what: "a name", fits: isName }),
    key: checked(fields, line, { name: "key", what: "a byte string", fits: isBytes }),
    argument: checked(fields, line, { name: "argument", what: "a byte string or null", fits: isBytesOrNull }),
    result: checked(fields, line, { name: "result", what: "a byte string, number, boolean or null", fits: isResult }),
    outcome: checked(fields, line, { name: "outcome", what: '"ok" or "unknown"', fits: isOutcome }),
    call: checked(fields, line, { name: "call", what: "a time of 0 or more", fits: isTime }),
    return: checked(fields, line, { name: "return", what: "a time of 0 or more, or null", fits: isTimeOrNull }),
    index: checked(fields, line, { name: "index", what: "a whole number or null", fits: isWholeOrNull }),
  };
  const objection = objectionTo(read);
  if (objection !== undefined) throw new HistoryError(line, objection);
  return read;
}

/** What contradicts itself in an operation whose fields have the right types, or undefined. */
export function objectionTo(operation: Operation): string | undefined {
  const { outcome, call } = operation;
  if (outcome === "unknown") {
    return operation.return === null ? undefined : '"return" must be null, the outcome is unknown';
  }
  if (operation.return === null) return '"return" must be a time, the outcome is ok';
  return operation.return >= call ? undefined : `"return" ${operation.return} is before "call" ${call}`;
}

function parseObject(content: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new HistoryError(line, error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HistoryError(line, "not a JSON object");
  }
  return value as Record<string, unknown>;
}

interface Field<T> {
  readonly name: string;
  readonly what: string;
  readonly fits: (value: unknown) => value is T;
}

function checked<T>(fields: Record<string, unknown>, line: number, { name, what, fits }: Field<T>): T {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (fits(value)) return value;
  const found = value === undefined ? "missing" : JSON.stringify(value);
  throw new HistoryError(line, `"${name}" must be ${what}, and is ${found}`);
}

function isBytes(value: unknown): value is string {
  return typeof value === "string" && !BEYOND_BYTES.test(value);
}

function isBytesOrNull(value: unknown): value is string | null {
  return value === null || isBytes(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isResult(value: unknown): value is Operation["result"] {
  return typeof value === "number" || typeof value === "boolean" || isBytesOrNull(value);
}

function isOutcome(value: unknown): value is Operation["outcome"] {
  return value === "ok" || value === "unknown";
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}

function isTimeOrNull(value: unknown): value is number | null {
  return value === null || isTime(value);
}

function isWhole(value: unknown): value is number {
  return isTime(value) && Number.isSafeInteger(value);
}

function isWholeOrNull(value: unknown): value is number | null {
  return value === null || isWhole(value);
}
