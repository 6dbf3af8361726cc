/** Replies of RESP2 and RESP3 as a tree that keeps every difference on the wire, and the strict reader that makes it. */

/** One reply. `Broken` is what could not be read, or never came. */
export type Reply =
  | {
    readonly type: "Status" | "Error" | "Bulk" | "BulkError" | "Verbatim" | "Double" | "BigNumber";
    readonly text: string;
  }
  | { readonly type: "Integer"; readonly value: bigint }
  | { readonly type: "Boolean"; readonly value: boolean }
  | { readonly type: "Null"; readonly form: "Bulk" | "Array" | "Resp3" }
  | { readonly type: "Array" | "Set" | "Push" | "Map"; readonly items: readonly Reply[] }
  | { readonly type: "Broken"; readonly text: string };

/** Bytes that are no reply. */
export class ReplySyntaxError extends Error {}

const CRLF = "\r\n";
const LENGTH_MAX = 512 * 1024 * 1024;
const DEPTH_MAX = 16;
const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/;
const LENGTH = /^(?:0|[1-9][0-9]{0,9})$/;
const BIG_NUMBER = /^-?(?:0|[1-9][0-9]*)$/;
const DOUBLE = /^(?:-?inf|nan|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;
const INTEGER_MIN = -(2n ** 63n);
const INTEGER_MAX = 2n ** 63n - 1n;

/** A reply and where the next one begins. */
export interface ReadReply {
  readonly reply: Reply;
  readonly end: number;
}

/** The reply that begins at `start`; undefined while it is not all there. Throws `ReplySyntaxError`. */
export function readReply(bytes: string, start = 0): ReadReply | undefined {
  return readAt(bytes, { start, depth: 0 });
}

function readAt(
  bytes: string,
  { start, depth }: { readonly start: number; readonly depth: number },
): ReadReply | undefined {
  if (depth > DEPTH_MAX) throw new ReplySyntaxError(`Cannot read a reply nested more than ${DEPTH_MAX} deep`);
  if (start >= bytes.length) return undefined;
  const lineEnd = bytes.indexOf(CRLF, start);
  if (lineEnd < 0) return undefined;
  const line = bytes.slice(start + 1, lineEnd);
  if (/[\r\n]/.test(line)) throw new ReplySyntaxError(`Cannot read a line with a line break: ${quote(line)}`);
  const end = lineEnd + CRLF.length;
  const marker = bytes[start] ?? "";
  switch (marker) {
    case "+":
      return { reply: { type: "Status", text: line }, end };
    case "-":
      return { reply: { type: "Error", text: line }, end };
    case "$":
    case "!":
    case "=":
      return readBlob(bytes, { marker, line, end });
    case "*":
    case "~":
    case ">":
    case "%":
      return readItems(bytes, { marker, line, end, depth });
    default:
      return { reply: readScalar(marker, line), end };
  }
}

function readScalar(marker: string, line: string): Reply {
  if (marker === ":" && INTEGER.test(line)) {
    const value = BigInt(line);
    if (value >= INTEGER_MIN && value <= INTEGER_MAX) return { type: "Integer", value };
  }
  if (marker === "_" && line === "") return { type: "Null", form: "Resp3" };
  if (marker === "#" && (line === "t" || line === "f")) return { type: "Boolean", value: line === "t" };
  if (marker === "," && DOUBLE.test(line)) return { type: "Double", text: line };
  if (marker === "(" && BIG_NUMBER.test(line)) return { type: "BigNumber", text: line };
  throw new ReplySyntaxError(`Cannot read the reply ${quote(marker + line)}`);
}

interface Head {
  readonly marker: string;
  readonly line: string;
  readonly end: number;
}

function readBlob(bytes: string, { marker, line, end }: Head): ReadReply | undefined {
  if (marker === "$" && line === "-1") return { reply: { type: "Null", form: "Bulk" }, end };
  const length = lengthOf(marker, line);
  if (bytes.length < end + length + CRLF.length) return undefined;
  const text = bytes.slice(end, end + length);
  if (!bytes.startsWith(CRLF, end + length)) {
    throw new ReplySyntaxError(`Cannot read a string of ${length} bytes: no line break behind it`);
  }
  const type = marker === "$" ? "Bulk" : marker === "!" ? "BulkError" : "Verbatim";
  if (type === "Verbatim" && text[3] !== ":") {
    throw new ReplySyntaxError(`Cannot read the verbatim text ${quote(text)}`);
  }
  return { reply: { type, text }, end: end + length + CRLF.length };
}

function readItems(
  bytes: string,
  { marker, line, end, depth }: Head & { readonly depth: number },
): ReadReply | undefined {
  if (marker === "*" && line === "-1") return { reply: { type: "Null", form: "Array" }, end };
  const count = lengthOf(marker, line) * (marker === "%" ? 2 : 1);
  const items: Reply[] = [];
  let at = end;
  while (items.length < count) {
    const item = readAt(bytes, { start: at, depth: depth + 1 });
    if (item === undefined) return undefined;
    items.push(item.reply);
    at = item.end;
  }
  const type = marker === "*" ? "Array" : marker === "~" ? "Set" : marker === ">" ? "Push" : "Map";
  return { reply: { type, items }, end: at };
}

function lengthOf(marker: string, line: string): number {
  const length = LENGTH.test(line) ? Number(line) : NaN;
  if (length <= LENGTH_MAX) return length;
  throw new ReplySyntaxError(`Cannot read the length ${quote(marker + line)}`);
}

/** A reply in one line; two replies that differ on the wire differ here too. */
export function describeReply(reply: Reply): string {
  switch (reply.type) {
    case "Integer":
    case "Boolean":
      return `${reply.type} ${reply.value}`;
    case "Null":
      return `Null (${reply.form})`;
    case "Array":
    case "Set":
    case "Push":
    case "Map":
      return `${reply.type}[${reply.items.map(describeReply).join(", ")}]`;
    default:
      return `${reply.type} ${quote(reply.text)}`;
  }
}

/** A byte string in quotes, with escapes for all that is not printable ASCII. */
export function quote(bytes: string): string {
  const escaped = bytes.replace(/["\\]|[^ -~]/g, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${escaped}"`;
}
