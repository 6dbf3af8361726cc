/** Keys and values, which are any bytes, as people read and write them. */

/** JSON that is nested deeper is shown as it is: indented, it would take far more room than it does. */
const INDENTED_DEPTH_MAX = 64;

// A byte-order mark belongs to the value like every other byte.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const UNPRINTABLE = /[\p{Cc}\ufeff\ufffd]/u;
const ESCAPES = new Map([["\\", 0x5c], ["n", 0x0a], ["r", 0x0d], ["t", 0x09], ["0", 0x00]]);
const JSON_TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** The text that bytes are in UTF-8; undefined for others. */
export function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined; // Any bytes may be a value.
  }
}

/** Bytes of a field that is text, or base64 under another name. */
export function bytesOf(item, name) {
  const coded = item[`${name}_base64`];
  if (coded === undefined) return encoder.encode(item[name] ?? "");
  return Uint8Array.from(atob(coded), (character) => character.charCodeAt(0));
}

/** Bytes cut into what is text and what is not: `{ text, isBytes }`, each of the latter for one byte, as two digits. */
export function segmentsOf(bytes) {
  const text = textOf(bytes);
  const parts = text === undefined
    ? asciiParts(bytes)
    : text.match(/[\p{Cc}\ufeff\ufffd]|[^\p{Cc}\ufeff\ufffd]+/gu) ?? [];
  return parts.flatMap((part) => {
    if (typeof part === "string" && !UNPRINTABLE.test(part)) return [{ text: part, isBytes: false }];
    const raw = typeof part === "string" ? encoder.encode(part) : [part];
    return Array.from(raw, (byte) => ({ text: hexOf(byte), isBytes: true }));
  });
}

/** Of bytes that are no text as a whole: runs of printable ASCII as text, every other byte as a number. */
function asciiParts(bytes) {
  const parts = [];
  for (const byte of bytes) {
    if (byte < 0x20 || byte >= 0x7f) parts.push(byte);
    else if (typeof parts.at(-1) === "string") parts[parts.length - 1] += String.fromCharCode(byte);
    else parts.push(String.fromCharCode(byte));
  }
  return parts;
}

/** Text for one line that stands for these bytes and no others: what is no text is `\xNN`, and a backslash is `\\`. */
export function showKey(bytes) {
  return segmentsOf(bytes).map(({ text, isBytes }) => isBytes ? `\\x${text}` : text.replaceAll("\\", "\\\\")).join("");
}

/** The bytes that a text with escapes stands for; throws a SyntaxError for people. */
export function readEscaped(text) {
  const bytes = [];
  for (const [piece, digits, escape] of text.matchAll(/\\x([0-9a-fA-F]{2})|\\(.?)|[^\\]+/gsu)) {
    if (digits !== undefined) bytes.push(Number.parseInt(digits, 16));
    else if (escape === undefined) bytes.push(...encoder.encode(piece));
    else if (ESCAPES.has(escape)) bytes.push(ESCAPES.get(escape));
    else throw new SyntaxError(`${piece} is no escape: \\xNN is a byte, and \\\\ a backslash`);
  }
  return Uint8Array.from(bytes);
}

/** The bytes in a field for keys, which holds text as it is or, of the kind `bytes`, text with escapes. */
export function readKey(text, kind) {
  return kind === "bytes" ? readEscaped(text) : encoder.encode(text);
}

/** The path of a key, every byte that is not plain escaped. */
export function pathOf(bytes) {
  return `/v1/kv/${percentOf(bytes)}`;
}

/** Bytes as a URL has them. */
export function percentOf(bytes) {
  const escaped = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(character) ? character : `%${hexOf(byte)}`;
  });
  return escaped.join("");
}

/**
 * Ways to look at a value. `show` gives undefined for bytes that it cannot give back unharmed, `complaint` says so; `read` makes
 * bytes of what was written and throws a SyntaxError for people.
 */
export const VIEWS = {
  text: {
    // A text field makes line feeds of all line ends.
    show: (bytes) => {
      const text = textOf(bytes);
      return text?.includes("\r") ? undefined : text;
    },
    read: (text) => encoder.encode(text),
    complaint: "These bytes are no text, or have carriage returns, which a browser would drop: look at them as hex",
  },
  json: {
    show: (bytes) => {
      const text = textOf(bytes);
      return text !== undefined && isJson(text) ? indent(text) : undefined;
    },
    read: (text) => {
      JSON.parse(text);
      return encoder.encode(tokensOf(text).join(""));
    },
    complaint: "This value is not JSON",
  },
  hex: {
    // In short lines: a browser takes seconds to break a long one.
    show: (bytes) => Array.from(bytes, (byte, at) => hexOf(byte) + (at % 16 === 15 ? "\n" : " ")).join("").trimEnd(),
    read: (text) => {
      const digits = text.replace(/\s+/g, "");
      if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new SyntaxError("Hex takes pairs of the digits 0 to 9 and a to f");
      return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    },
    complaint: "",
  },
};

/** A byte as two digits. */
export function hexOf(byte) {
  return byte.toString(16).padStart(2, "0");
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What JSON consists of, in order. Numbers and strings stay as they are written: to parse them would round large numbers. */
function tokensOf(json) {
  return json.match(JSON_TOKEN) ?? [];
}

function indent(json) {
  const tokens = tokensOf(json);
  const lineBreak = (depth) => `\n${"  ".repeat(depth)}`;
  let [text, depth] = ["", 0];
  for (const [at, token] of tokens.entries()) {
    const isEmpty = (token === "{" && tokens[at + 1] === "}") || (token === "[" && tokens[at + 1] === "]");
    const endsEmpty = (token === "}" && tokens[at - 1] === "{") || (token === "]" && tokens[at - 1] === "[");
    if (isEmpty || endsEmpty) text += token;
    else if (token === "{" || token === "[") text += token + lineBreak(++depth);
    else if (token === "}" || token === "]") text += lineBreak(--depth) + token;
    else if (token === ",") text += token + lineBreak(depth);
    else text += token === ":" ? ": " : token;
    if (depth > INDENTED_DEPTH_MAX) return json;
  }
  return text;
}
