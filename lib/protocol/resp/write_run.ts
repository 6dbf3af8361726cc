/**
 * Writes that came in one piece, such as a pipeline of SETs, taken from the bytes of the connection into those of the log together: none
 * of them becomes an object or a string of its own, unless something about it is to be told.
 */

import { stringToBytes } from "../../base/bytes.ts";
import { COMMAND_VERSION, decodeCommand } from "../../kv/commands.ts";
import { OK } from "../../kv/replies.ts";
import { NO_LOGIN } from "../../kv/users.ts";
import { type Commands, decodeCommands, ENTRY_HEAD_BYTES, writeCommandHead } from "../../raft/run.ts";
import { Span } from "../../store/span.ts";
import { encodeReply, type RespReply, type RespVersion } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";

/** A request of a run up to its first argument, and the command of the log up to there. */
interface Form {
  readonly name: string;
  readonly head: Uint8Array;
  /** Arguments, the key first. */
  readonly count: number;
  readonly operation: string;
}

/** What of the requests is taken. */
export interface RunBounds {
  readonly login: number | undefined;
  readonly countMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

const FORMS: readonly Form[] = [
  ...["SET", "set"].map((name) => formOf(name, { count: 2, operation: "P" })),
  ...["INCR", "incr", "DECR", "decr"].map((name) => {
    return formOf(name, { count: 1, operation: `C2:4:${name.toUpperCase()}` });
  }),
];
const DOLLAR = 0x24;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const LINE_END_BYTES = 2;
const DIGITS_MAX = 8;
const OK_BYTES = "+OK\r\n";
const OKS = OK_BYTES.repeat(64);

/** A run ends before its entries are longer; more is done in another one. */
export const RUN_BYTES_MAX = 65_536;
const field = new Span();
const entries = new Uint8Array(RUN_BYTES_MAX);

/** Requests of one kind that are proposed together, and their replies as far as they are known. */
export class WriteRun {
  readonly name: string;
  readonly commands: Commands;
  /** Of the requests on the wire. */
  readonly requestBytes: number;
  readonly replies: RespReply[] = [];
  #left: number;
  #areOk = true;
  #texts: readonly string[] | undefined;

  /** Requests without a reply. */
  constructor(commands: Commands, { name, requestBytes }: Pick<WriteRun, "name" | "requestBytes">) {
    this.name = name;
    this.commands = commands;
    this.requestBytes = requestBytes;
    this.#left = commands.count;
  }

  /** Takes the reply to the request at a place; whether all of them are known. */
  take(place: number, reply: RespReply): boolean {
    this.replies[place] = reply;
    this.#areOk &&= reply === OK;
    this.#left -= 1;
    return this.#left === 0;
  }

  /** The replies as bytes, once all are known. */
  encode(version: RespVersion): string {
    const { count } = this.commands;
    if (!this.#areOk) return this.replies.map((reply) => encodeReply(reply, version)).join("");
    return count * OK_BYTES.length <= OKS.length ? OKS.slice(0, count * OK_BYTES.length) : OK_BYTES.repeat(count);
  }

  /** The words of the request at a place. */
  wordsAt(place: number): Words {
    this.#texts ??= decodeCommands(this.commands);
    const command = decodeCommand(this.#texts[place] ?? "")?.command;
    if (command?.type === "Put") return [this.name, command.key, command.value];
    return command?.type === "Call" ? [this.name, ...command.call.slice(1)] : [this.name];
  }
}

/** The run with which some input begins; undefined when that is not at least two whole requests of one kind. */
export function readWriteRun(input: Span, bounds: RunBounds): WriteRun | undefined {
  const form = FORMS.find((each) => hasAt(input, each.head));
  if (form === undefined) return undefined;
  const reader = new RunReader(form, { bounds, input });
  let count = 0;
  while (count < bounds.countMax && reader.next()) count += 1;
  if (count < 2) return undefined;
  const requestBytes = reader.from - input.start;
  return new WriteRun({ count, body: entries.slice(0, reader.to) }, { name: form.name, requestBytes });
}

/** Whether the bytes from `start` on are those. */
function hasAt({ bytes, start, end }: Span, wanted: Uint8Array): boolean {
  if (start + wanted.length > end) return false;
  for (let at = wanted.length - 1; at >= 0; at--) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}

/** Copies one request after the other from the input into entries of the log. */
class RunReader {
  /** Behind the last whole request, and behind its entry. */
  from: number;
  to = 0;
  readonly #form: Form;
  readonly #bounds: RunBounds;
  readonly #input: Uint8Array;
  readonly #end: number;
  readonly #commandHead: Uint8Array;
  /** Behind what is copied of the next entry. */
  #copied = 0;
  readonly #rest = new Span();

  constructor(form: Form, { bounds, input }: { readonly bounds: RunBounds; readonly input: Span }) {
    const { login = NO_LOGIN } = bounds;
    const user = login === NO_LOGIN ? "" : `u${login}`;
    this.#form = form;
    this.#bounds = bounds;
    this.#input = input.bytes;
    this.from = input.start;
    this.#end = input.end;
    this.#commandHead = stringToBytes(`${COMMAND_VERSION}${user};${form.operation}`);
  }

  /** Copies the next request; false when it is another one, not whole, too much, or not to be done just so. */
  next(): boolean {
    const { head, count } = this.#form;
    const commandAt = this.to + ENTRY_HEAD_BYTES;
    this.#copied = commandAt + this.#commandHead.length;
    if (this.#copied > RUN_BYTES_MAX || !hasAt(this.#rest.set(this.#input, this.from, this.#end), head)) return false;
    entries.set(this.#commandHead, commandAt);
    let from: number | undefined = this.from + head.length;
    for (let place = 0; place < count && from !== undefined; place++) {
      from = this.#copyField(from, place === 0 ? this.#bounds.keyBytesMax : this.#bounds.valueBytesMax);
    }
    if (from === undefined) return false;
    writeCommandHead(entries, { at: this.to, bytes: this.#copied - commandAt });
    this.to = this.#copied;
    this.from = from;
    return true;
  }

  /** From `$<length>\r\n<bytes>\r\n` to `<length>:<bytes>`; the place behind it, or undefined where it is not such. */
  #copyField(from: number, bytesMax: number): number | undefined {
    const input = this.#input;
    if (input[from] !== DOLLAR) return undefined;
    let at = from + 1;
    let length = 0;
    for (let byte = input[at] ?? 0; byte >= ZERO && byte <= NINE && at < this.#end; byte = input[at] ?? 0) {
      length = length * 10 + (byte - ZERO);
      at += 1;
    }
    const digits = at - from - 1;
    const start = at + LINE_END_BYTES;
    const behind = start + length + LINE_END_BYTES;
    // The log has each number in one way only.
    if (digits === 0 || digits > DIGITS_MAX || (input[from + 1] === ZERO && digits > 1)) return undefined;
    if (behind > this.#end || length > bytesMax || this.#copied + digits + 1 + length > RUN_BYTES_MAX) return undefined;
    if (input[at] !== CARRIAGE_RETURN || input[at + 1] !== LINE_FEED) return undefined;
    field.set(input, from + 1, at).copyTo(entries, this.#copied);
    entries[this.#copied + digits] = COLON;
    field.set(input, start, start + length).copyTo(entries, this.#copied + digits + 1);
    this.#copied += digits + 1 + length;
    return behind;
  }
}

function formOf(name: string, { count, operation }: Pick<Form, "count" | "operation">): Form {
  const head = stringToBytes(`*${count + 1}\r\n$${name.length}\r\n${name}\r\n`);
  return { name, head, count, operation };
}
