/**
 * Short histories as text, one operation a line:
 *
 *     0-10 put x a -> true @1      called at 0, returned at 10, created the key, index 1
 *     12- delete x                 unknown outcome
 *     15-20 get x -> a @1          `-> none` for no such key or a result that was not told
 */

import type { Operation } from "./history.ts";

const LINE = /^(\d+)-(\d*) (\w+) (\w+)(?: (\w+))?(?: -> (\w+))?(?: @(\d+))?$/;

/** The operations of a text; the client is the number of the line. Throws `SyntaxError` for a line of another form. */
export function parseNotation(text: string): Operation[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").map(parseLine);
}

function parseLine(line: string, client: number): Operation {
  const match = LINE.exec(line);
  if (match === null) throw new SyntaxError(`Cannot read the operation "${line}"`);
  const [, call, end, operation = "", key = "", argument = null, result = "none", index] = match;
  return {
    client,
    operation,
    key,
    argument,
    result: parseResult(operation, result),
    outcome: end === "" ? "unknown" : "ok",
    call: Number(call),
    return: end === "" ? null : Number(end),
    index: index === undefined ? null : Number(index),
  };
}

function parseResult(operation: string, result: string): Operation["result"] {
  if (result === "none") return null;
  if (operation === "get") return result;
  if (operation === "incr") return Number(result);
  return result === "true";
}
