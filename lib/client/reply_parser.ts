/** Reads replies of RESP2 and RESP3 out of the bytes of a connection, wherever they are split. Linear, with bounds on everything. */

import { bytesToString, byteStringToText } from "../base/bytes.ts";
import { ProtocolError, ServerError } from "./errors.ts";
import { REPLY_BYTES_MAX, REPLY_DEPTH_MAX, REPLY_LINE_BYTES_MAX } from "./limits.ts";
import type { Reply } from "./replies.ts";

/** A list that is not complete yet. What is dropped was not asked for: pushed messages, attributes of the next reply. */
interface OpenList {
  readonly items: Reply[];
  missing: number;
  readonly dropped: boolean;
}

/** A byte string that is not complete yet, with the mark of its type. */
interface OpenBytes {
  readonly bytes: Uint8Array;
  readonly mark: string;
  filled: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LINE_END_BYTES = 2;
/** In front of a verbatim string: three letters and a colon that name its format. */
const VERBATIM_HEADER_BYTES = 4;

/** One connection's parser. `feed` throws `ProtocolError`, after which the connection is of no use. */
export class ReplyParser {
  readonly #deliver: (reply: Reply) => void;
  readonly #lists: OpenList[] = [];
  #line = "";
  #open: OpenBytes | undefined;
  #lineEndMissing = 0;
  #replyBytes = 0;

  /** Calls `deliver` for each whole reply, in order. */
  constructor(deliver: (reply: Reply) => void) {
    this.#deliver = deliver;
  }

  /** Takes the next bytes; the chunk belongs to the caller again afterwards. */
  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const start = at;
      if (this.#open !== undefined) at = this.#fill(chunk, at);
      else if (this.#lineEndMissing > 0) at = this.#skipLineEnd(chunk, at);
      else at = this.#readLine(chunk, at);
      this.#count(at - start);
    }
  }

  #count(bytes: number): void {
    this.#replyBytes += bytes;
    if (this.#replyBytes > REPLY_BYTES_MAX) throw new ProtocolError(`A reply has more than ${REPLY_BYTES_MAX} bytes`);
  }

  #readLine(chunk: Uint8Array, at: number): number {
    const end = chunk.indexOf(LINE_FEED, at);
    const stop = end === -1 ? chunk.length : end;
    this.#line += bytesToString(chunk, at, stop);
    if (this.#line.length > REPLY_LINE_BYTES_MAX) {
      throw new ProtocolError(`A line of a reply has more than ${REPLY_LINE_BYTES_MAX} bytes`);
    }
    if (end === -1) return stop;
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r")) throw new ProtocolError("A line of a reply does not end in CR LF");
    this.#takeLine(line[0] ?? "", line.slice(1, -1));
    return stop + 1;
  }

  #takeLine(mark: string, rest: string): void {
    switch (mark) {
      case "$":
      case "=":
      case "!":
        return this.#openBytes(mark, rest);
      case "*":
      case "~":
      case ">":
        return this.#openList(readLength(rest), mark === ">");
      case "%":
      case "|":
        return this.#openList(2 * readLength(rest), mark === "|");
      default:
        return this.#complete(readScalar(mark, rest));
    }
  }

  #openBytes(mark: string, rest: string): void {
    const length = readLength(rest);
    if (length < 0) return this.#complete(null);
    if (length > REPLY_BYTES_MAX) throw new ProtocolError(`A reply has a byte string of ${length} bytes`);
    this.#open = { bytes: new Uint8Array(length), mark, filled: 0 };
    if (length === 0) this.#closeBytes(this.#open);
  }

  #fill(chunk: Uint8Array, at: number): number {
    const open = this.#open;
    if (open === undefined) return at;
    const end = Math.min(chunk.length, at + open.bytes.length - open.filled);
    open.bytes.set(chunk.subarray(at, end), open.filled);
    open.filled += end - at;
    if (open.filled === open.bytes.length) this.#closeBytes(open);
    return end;
  }

  /** The reply is complete only behind its line end, but its value is known, and nothing follows that could change it. */
  #closeBytes({ bytes, mark }: OpenBytes): void {
    this.#open = undefined;
    this.#lineEndMissing = LINE_END_BYTES;
    if (mark === "!") this.#complete(new ServerError(textOf(bytesToString(bytes))));
    else this.#complete(mark === "=" ? bytes.subarray(VERBATIM_HEADER_BYTES) : bytes);
  }

  #skipLineEnd(chunk: Uint8Array, at: number): number {
    const expected = this.#lineEndMissing === LINE_END_BYTES ? CARRIAGE_RETURN : LINE_FEED;
    if (chunk[at] !== expected) throw new ProtocolError("A byte string of a reply does not end in CR LF");
    this.#lineEndMissing -= 1;
    return at + 1;
  }

  #openList(length: number, dropped: boolean): void {
    if (length < 0) return this.#complete(null);
    if (this.#lists.length >= REPLY_DEPTH_MAX) throw new ProtocolError("A reply has too many lists within lists");
    if (length > 0) this.#lists.push({ items: [], missing: length, dropped });
    else if (!dropped) this.#complete([]);
  }

  #complete(value: Reply): void {
    for (let reply = value;;) {
      const list = this.#lists.at(-1);
      if (list === undefined) {
        this.#replyBytes = 0;
        return this.#deliver(reply);
      }
      list.items.push(reply);
      list.missing -= 1;
      if (list.missing > 0) return;
      this.#lists.pop();
      if (list.dropped) return;
      reply = list.items;
    }
  }
}

function readLength(text: string): number {
  // -1 is RESP2's way to say that there is nothing. RESP3's "?" (a length told later) is sent by no server we know.
  if (!/^(-1|\d{1,10})$/.test(text)) throw new ProtocolError(`A reply has the length "${text.slice(0, 20)}"`);
  return Number(text);
}

function readScalar(mark: string, rest: string): Reply {
  switch (mark) {
    case "+":
      return textOf(rest);
    case "-":
      return new ServerError(textOf(rest));
    case ":":
    case "(":
      return readInteger(rest);
    case ",":
      return readDouble(rest);
    case "#":
      if (rest === "t" || rest === "f") return rest === "t";
      break;
    case "_":
      return null;
  }
  throw new ProtocolError(`Cannot read a reply that begins with "${(mark + rest).slice(0, 20)}"`);
}

function readInteger(text: string): number | bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new ProtocolError(`A reply has the integer "${text.slice(0, 20)}"`);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text.startsWith("+") ? text.slice(1) : text);
}

function readDouble(text: string): number {
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  const number = Number(text);
  if (text === "" || (Number.isNaN(number) && text !== "nan")) {
    throw new ProtocolError(`A reply has the double "${text.slice(0, 20)}"`);
  }
  return number;
}

/** Statuses and errors are for people: shown as UTF-8 when they are, byte by byte otherwise. */
function textOf(line: string): string {
  return byteStringToText(line) ?? line;
}
