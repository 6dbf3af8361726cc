/** Byte strings as people read them, on one line and so that PUT reads them back. */

import { byteStringToText, textToByteString } from "../../base/bytes.ts";

const DELETE_CODE = 0x7f;
const SPACE = 0x20;
/** No byte of a UTF-8 sequence is below this. */
const BEYOND_ASCII = 0x80;
const UTF8_BYTES_MAX = 4;

/** C0, DEL, C1, and the two separators that some terminals take for line ends. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
const CONTROL_QUOTE_OR_BACKSLASH = /[\p{Cc}\u2028\u2029"\\]/gu;
/** Everything but the printable ASCII characters that need no escape. */
const NOT_ASCII_QUOTE_OR_BACKSLASH = /[^ !#-[\]-~]/g;

/** The bytes as they are if they are printable UTF-8 on one line, else in double quotes with escapes. */
export function show(bytes: string): string {
  return isPrintable(bytes) ? bytes : quote(bytes);
}

/** Whether the bytes are valid UTF-8 without control characters and line separators. The empty string is. */
export function isPrintable(bytes: string): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes.charCodeAt(at);
    if (code < SPACE || code === DELETE_CODE) return false;
    if (code >= BEYOND_ASCII) return isPrintableText(bytes);
  }
  return true;
}

/** In double quotes, with the escapes of the lexer. Readable characters of valid UTF-8 stay; in anything else only ASCII does. */
export function quote(bytes: string): string {
  return `"${escape(bytes)}"`;
}

/** A word for an error message: printable, and at most `charactersMax` characters long. */
export function shorten(bytes: string, charactersMax: number): string {
  const text = readableStart(bytes, charactersMax * UTF8_BYTES_MAX);
  if (text !== undefined) return textToByteString([...text].slice(0, charactersMax).join(""));
  let shown = "";
  for (const byte of bytes.slice(0, charactersMax)) {
    const next = escape(byte);
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

function isPrintableText(bytes: string): boolean {
  const text = byteStringToText(bytes);
  return text !== undefined && !CONTROL.test(text);
}

function escape(bytes: string): string {
  const text = byteStringToText(bytes);
  if (text === undefined) return bytes.replace(NOT_ASCII_QUOTE_OR_BACKSLASH, escapeByte);
  return textToByteString(text.replace(CONTROL_QUOTE_OR_BACKSLASH, escapeCharacter));
}

function escapeCharacter(character: string): string {
  return textToByteString(character).replace(NOT_ASCII_QUOTE_OR_BACKSLASH, escapeByte);
}

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
