/** Reads the arguments of PUT, GET and DELETE in their positional and named forms. Allocates nothing but the result. */

import { isQuote, type LexicalError, nextToken, skipBlanks, type Token, tokenAt, trimmedRest } from "./lexer.ts";

/** The arguments are not what the command wants; `detail` says why where the usage line does not. */
export interface UsageError {
  readonly type: "UsageError";
  readonly detail: string | undefined;
}

/** A key, with a value for PUT. */
export interface KeyValue {
  readonly type: "KeyValue";
  readonly key: string;
  readonly value: string;
}

const DASH = 0x2d;
const PLAIN_USAGE_ERROR: UsageError = { type: "UsageError", detail: undefined };

type FlagName = "key" | "value";

/** A flag found in the line; an unquoted `--key=...` has its value at `end`, any other after blanks. */
interface Flag {
  readonly name: FlagName;
  readonly joined: boolean;
  readonly end: number;
}

const FLAGS: readonly (readonly [spelling: string, name: FlagName])[] = [
  ["-k", "key"],
  ["--key", "key"],
  ["-v", "value"],
  ["--value", "value"],
];

/** `<key> <rest of line>`, or `--key <key> --value <value>` in any order. `at` is behind the command word. */
export function readKeyAndValue(line: string, at: number): KeyValue | UsageError {
  const start = skipBlanks(line, at);
  if (line.charCodeAt(start) === DASH && flagAt(line, start) !== undefined) {
    return readNamed(line, { start, wantsValue: true });
  }
  const key = nextToken(line, start);
  if (key === undefined || key.type === "LexicalError" || key.text === "") return usageError(key);
  const value = restOfLine(line, skipBlanks(line, key.end));
  return value.type === "UsageError" ? value : { type: "KeyValue", key: key.text, value: value.text };
}

/** `<key>`, or `--key <key>`. The value is empty. */
export function readKey(line: string, at: number): KeyValue | UsageError {
  const start = skipBlanks(line, at);
  if (line.charCodeAt(start) === DASH && flagAt(line, start) !== undefined) {
    return readNamed(line, { start, wantsValue: false });
  }
  const key = nextToken(line, start);
  if (key === undefined || key.type === "LexicalError" || key.text === "") return usageError(key);
  if (skipBlanks(line, key.end) < line.length) return PLAIN_USAGE_ERROR;
  return { type: "KeyValue", key: key.text, value: "" };
}

/** The only argument as a whole number from `least` to `most`; `otherwise` when there is none. */
export function readCount(
  line: string,
  range: { readonly at: number; readonly least: number; readonly most: number; readonly otherwise: number },
): number | UsageError {
  const text = trimmedRest(line, range.at);
  if (text === "") return range.otherwise;
  if (!/^[0-9]{1,9}$/.test(text)) return PLAIN_USAGE_ERROR;
  const count = Number(text);
  return count >= range.least && count <= range.most ? count : PLAIN_USAGE_ERROR;
}

interface NamedForm {
  readonly start: number;
  readonly wantsValue: boolean;
}

function readNamed(line: string, { start, wantsValue }: NamedForm): KeyValue | UsageError {
  let key: string | undefined;
  let value: string | undefined;
  for (let at = start; at < line.length;) {
    const flag = flagAt(line, at);
    const known = flag?.name === "key" ? key : value;
    if (flag === undefined || known !== undefined || (flag.name === "value" && !wantsValue)) return PLAIN_USAGE_ERROR;
    // Once the key is known nothing but the value can follow, so that it may hold blanks as in the positional form.
    const last = flag.name === "value" && key !== undefined;
    const argument = last ? restOfLine(line, valueStart(line, flag)) : oneToken(line, flag);
    if (argument.type === "UsageError") return argument;
    if (flag.name === "key") key = argument.text;
    else value = argument.text;
    at = skipBlanks(line, argument.end);
  }
  if (key === undefined || key === "" || (wantsValue && value === undefined)) return PLAIN_USAGE_ERROR;
  return { type: "KeyValue", key, value: value ?? "" };
}

function flagAt(line: string, at: number): Flag | undefined {
  for (const [spelling, name] of FLAGS) {
    if (!line.startsWith(spelling, at)) continue;
    const end = at + spelling.length;
    if (skipBlanks(line, end) > end || end === line.length) return { name, joined: false, end };
    if (spelling.length > 2 && line.charAt(end) === "=") return { name, joined: true, end: end + 1 };
  }
  return undefined;
}

function valueStart(line: string, flag: Flag): number {
  return flag.joined ? flag.end : skipBlanks(line, flag.end);
}

function oneToken(line: string, flag: Flag): Token | UsageError {
  const token = flag.joined ? tokenAt(line, flag.end) : nextToken(line, flag.end);
  return token === undefined || token.type === "LexicalError" ? usageError(token) : token;
}

/** The rest of the line as a value: a quoted string that ends the line, or the bytes as they are, trimmed. Not nothing. */
function restOfLine(line: string, at: number): Token | UsageError {
  if (!isQuote(line, at)) {
    const text = trimmedRest(line, at);
    return text === "" ? PLAIN_USAGE_ERROR : { type: "Token", text, quoted: false, end: line.length };
  }
  const token = tokenAt(line, at);
  if (token.type === "LexicalError") return usageError(token);
  return skipBlanks(line, token.end) < line.length ? textAfterQuote() : token;
}

function textAfterQuote(): UsageError {
  return { type: "UsageError", detail: "text after the closing quote" };
}

function usageError(token: Token | LexicalError | undefined): UsageError {
  return token?.type === "LexicalError" ? { type: "UsageError", detail: token.message } : PLAIN_USAGE_ERROR;
}
