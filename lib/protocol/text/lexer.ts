/** Takes arguments out of a command line: words, and quoted strings with escapes. Works on byte strings, in linear time. */

const SPACE = 0x20;
const TAB = 0x09;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;

/** What stands for a byte after a backslash inside double quotes; `\xNN` is apart. */
const ESCAPES: ReadonlyMap<string, string> = new Map([['"', '"'], ["\\", "\\"], ["n", "\n"], ["t", "\t"]]);

/** Why an argument cannot be read, for people. */
export interface LexicalError {
  readonly type: "LexicalError";
  readonly message: string;
}

/** One argument, and where the line goes on. */
export interface Token {
  readonly type: "Token";
  readonly text: string;
  /** A quoted argument is never a flag. */
  readonly quoted: boolean;
  readonly end: number;
}

/** The place of the first byte at or after `at` that is no blank; the length of the line when there is none. */
export function skipBlanks(line: string, at: number): number {
  let next = at;
  while (next < line.length && isBlank(line.charCodeAt(next))) next += 1;
  return next;
}

/** The end of the word that begins at `at`: the next blank, or the end of the line. */
export function wordEnd(line: string, at: number): number {
  let next = at;
  while (next < line.length && !isBlank(line.charCodeAt(next))) next += 1;
  return next;
}

/** The rest of the line from `at`, without blanks around it. */
export function trimmedRest(line: string, at: number): string {
  let end = line.length;
  while (end > at && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(skipBlanks(line, at), end);
}

/** Whether a quoted string begins at `at`. */
export function isQuote(line: string, at: number): boolean {
  const code = line.charCodeAt(at);
  return code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
}

/** The argument that begins at or after `at`; undefined when only blanks follow. */
export function nextToken(line: string, at: number): Token | LexicalError | undefined {
  const start = skipBlanks(line, at);
  if (start >= line.length) return undefined;
  return tokenAt(line, start);
}

/** The argument that begins at `at`, which is no blank; at the end of the line an empty word. */
export function tokenAt(line: string, at: number): Token | LexicalError {
  if (isQuote(line, at)) return quotedAt(line, at);
  const end = wordEnd(line, at);
  return { type: "Token", text: line.slice(at, end), quoted: false, end };
}

function quotedAt(line: string, at: number): Token | LexicalError {
  const quoted = line.charCodeAt(at) === SINGLE_QUOTE ? singleQuoted(line, at + 1) : doubleQuoted(line, at + 1);
  if (quoted.type === "LexicalError") return quoted;
  if (quoted.end < line.length && !isBlank(line.charCodeAt(quoted.end))) return failure("text after the closing quote");
  return quoted;
}

function singleQuoted(line: string, start: number): Token | LexicalError {
  const close = line.indexOf("'", start);
  if (close === -1) return UNTERMINATED;
  return { type: "Token", text: line.slice(start, close), quoted: true, end: close + 1 };
}

function doubleQuoted(line: string, start: number): Token | LexicalError {
  let text = "";
  let copied = start;
  for (let at = start; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === DOUBLE_QUOTE) {
      return { type: "Token", text: text + line.slice(copied, at), quoted: true, end: at + 1 };
    }
    if (code !== BACKSLASH) continue;
    const escape = escapeAt(line, at + 1);
    if (escape.type === "LexicalError") return escape;
    text += line.slice(copied, at) + escape.text;
    copied = escape.end;
    at = escape.end - 1;
  }
  return UNTERMINATED;
}

/** The byte that an escape stands for; `at` is behind the backslash. */
function escapeAt(line: string, at: number): Token | LexicalError {
  const letter = line.charAt(at);
  if (letter === "") return UNTERMINATED;
  if (letter === "x") {
    const code = hexDigit(line, at + 1) * 16 + hexDigit(line, at + 2);
    if (Number.isNaN(code)) return failure("\\x needs two hexadecimal digits");
    return { type: "Token", text: String.fromCharCode(code), quoted: true, end: at + 3 };
  }
  const text = ESCAPES.get(letter);
  if (text === undefined) return failure('unknown escape; known are \\" \\\\ \\n \\t \\xNN');
  return { type: "Token", text, quoted: true, end: at + 1 };
}

/** 0 to 15, or NaN for what is no hexadecimal digit. */
function hexDigit(line: string, at: number): number {
  const code = line.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : NaN;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function failure(message: string): LexicalError {
  return { type: "LexicalError", message };
}

const UNTERMINATED: LexicalError = failure("unterminated quote");
