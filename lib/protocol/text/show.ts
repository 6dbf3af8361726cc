/** Byte strings as people read them, on one line and so that PUT reads them back. */

import { byteStringToText, isText, textToByteString } from "../../base/bytes.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DELETE_CODE = 0x7f;
/** No byte of a UTF-8 sequence is below this. */
const BEYOND_ASCII = 0x80;
const UTF8_BYTES_MAX = 4;

/** C0, DEL, C1, and the two separators that some terminals take for line ends. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/** The bytes of their UTF-8 forms, and everything else that is neither printable ASCII nor a byte of a character. */
const CONTROL_BYTES = /[^ -~\x80-\xff]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]/;

/** Bytes of a value that are made readable at a time: a long one would stop the event loop for a second. */
export const SHOWN_PIECE_BYTES = 65_536;

/** The bytes as they are if they are printable UTF-8 on one line, else in double quotes with escapes. */
export function show(bytes: string): string {
  return isPrintable(bytes) ? bytes : quote(bytes);
}

/** The same piece by piece, each made when it is asked for. */
export function* showInPieces(bytes: string): Generator<string> {
  const isTextual = isText(bytes);
  if (isTextual && !CONTROL_BYTES.test(bytes)) return yield bytes;
  yield '"';
  for (let at = 0; at < bytes.length;) {
    let end = Math.min(at + SHOWN_PIECE_BYTES, bytes.length);
    // No piece ends within a character.
    while (isTextual && end < bytes.length && isContinuation(bytes.charCodeAt(end))) end += 1;
    yield escape(bytes.slice(at, end), isTextual);
    at = end;
  }
  yield '"';
}

/** Whether the bytes are valid UTF-8 without control characters and line separators. The empty string is. */
export function isPrintable(bytes: string): boolean {
  return !CONTROL_BYTES.test(bytes) && isText(bytes);
}

/** In double quotes, with the escapes of the lexer. Readable characters of valid UTF-8 stay; in anything else only ASCII does. */
export function quote(bytes: string): string {
  return `"${escape(bytes, isText(bytes))}"`;
}

/** A word for an error message: printable, and at most `charactersMax` characters long. */
export function shorten(bytes: string, charactersMax: number): string {
  const text = readableStart(bytes, charactersMax * UTF8_BYTES_MAX);
  if (text !== undefined) return textToByteString([...text].slice(0, charactersMax).join(""));
  let shown = "";
  for (const byte of bytes.slice(0, charactersMax)) {
    const next = escape(byte, isText(byte));
    if (shown.length + next.length > charactersMax) break;
    shown += next;
  }
  return shown;
}

/** Text of this process (a message, a host name) as a byte string of one line. */
export function showText(text: string): string {
  return show(textToByteString(text));
}

/** The first `bytesMax` bytes as text if they are printable, without a character that the cut went through. */
function readableStart(bytes: string, bytesMax: number): string | undefined {
  const start = bytes.slice(0, bytesMax);
  const cutMax = start.length < bytes.length ? UTF8_BYTES_MAX - 1 : 0;
  for (let cut = 0; cut <= cutMax; cut++) {
    const text = byteStringToText(start.slice(0, start.length - cut));
    if (text !== undefined) return CONTROL.test(text) ? undefined : text;
  }
  return undefined;
}

function escape(bytes: string, isTextual: boolean): string {
  let shown = "";
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes.charCodeAt(at);
    let count = isControl(code) || code === QUOTE || code === BACKSLASH ? 1 : 0;
    if (code >= BEYOND_ASCII) count = isTextual ? controlLength(bytes, at) : 1;
    if (count === 0) continue;
    shown += bytes.slice(from, at);
    from = at + count;
    for (; at < from; at++) shown += ESCAPES[bytes.charCodeAt(at)] ?? "";
    at -= 1;
  }
  return shown + bytes.slice(from);
}

function isControl(code: number): boolean {
  return code < SPACE || code === DELETE_CODE;
}

/** The bytes of C1 and of the two separators, where one of them begins at `at`; else 0. */
function controlLength(bytes: string, at: number): number {
  const first = bytes.charCodeAt(at);
  if (first === 0xc2) {
    const second = bytes.charCodeAt(at + 1);
    return second >= 0x80 && second <= 0x9f ? 2 : 0;
  }
  if (first !== 0xe2 || bytes.charCodeAt(at + 1) !== 0x80) return 0;
  const third = bytes.charCodeAt(at + 2);
  return third === 0xa8 || third === 0xa9 ? 3 : 0;
}

function isContinuation(code: number): boolean {
  return (code & 0xc0) === BEYOND_ASCII;
}

/** How each byte is written where it is escaped. */
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, code) => escapeByte(String.fromCharCode(code)));

function escapeByte(byte: string): string {
  switch (byte) {
    case '"':
    case "\\":
      return `\\${byte}`;
    case "\n":
      return "\\n";
    case "\t":
      return "\\t";
    default:
      return `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  }
}
