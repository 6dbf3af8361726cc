/** Keys and values, which are any bytes, as people read and write them. */

/** JSON that is nested deeper is shown as it is: indented, it would take far more room than it does. */
const INDENTED_DEPTH_MAX = 64;

// A byte-order mark belongs to the value like every other byte.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
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
  if (coded === undefined) return new TextEncoder().encode(item[name] ?? "");
  return Uint8Array.from(atob(coded), (character) => character.charCodeAt(0));
}

/** Text in which every byte that is no printable text is escaped. */
export function showKey(bytes) {
  const text = textOf(bytes);
  if (text !== undefined && !/[\p{Cc}\ufeff\ufffd]/u.test(text)) return text;
  return Array.from(bytes, (byte) => {
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hexOf(byte)}`;
  }).join("");
}

/** The path of a key, every byte that is not plain escaped. */
export function pathOf(bytes) {
  const escaped = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(character) ? character : `%${hexOf(byte)}`;
  });
  return `/v1/kv/${escaped.join("")}`;
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
    read: (text) => new TextEncoder().encode(text),
    complaint: "These bytes are no text, or have carriage returns, which a browser would drop: look at them as hex",
  },
  json: {
    show: (bytes) => {
      const text = textOf(bytes);
      return text !== undefined && isJson(text) ? indent(text) : undefined;
    },
    read: (text) => {
      JSON.parse(text);
      return new TextEncoder().encode(tokensOf(text).join(""));
    },
    complaint: "This value is not JSON",
  },
  hex: {
    show: (bytes) => Array.from(bytes, hexOf).join(" "),
    read: (text) => {
      const digits = text.replace(/\s+/g, "");
      if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new SyntaxError("Hex takes pairs of the digits 0 to 9 and a to f");
      return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    },
    complaint: "",
  },
};

function hexOf(byte) {
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
