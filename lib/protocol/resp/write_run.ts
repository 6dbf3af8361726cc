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
import { BulkReader } from "./bulk_reader.ts";
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
const COLON = 0x3a;
const LINE_END_BYTES = 2;
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

  /** Number of requests. */
  get count(): number {
    return this.commands.count;
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
  const form = FORMS.find(({ head }) => new BulkReader(input).passes(head));
  if (form === undefined) return undefined;
  const copier = new RunCopier(form, { bounds, input });
  let count = 0;
  while (count < bounds.countMax && copier.next()) count += 1;
  if (count < 2) return undefined;
  const requestBytes = copier.from - input.start;
  return new WriteRun({ count, body: entries.slice(0, copier.to) }, { name: form.name, requestBytes });
}

/** Copies one request after the other from the input into entries of the log. */
class RunCopier {
  /** Behind the last whole request, and behind its entry. */
  from: number;
  to = 0;
  readonly #form: Form;
  readonly #bounds: RunBounds;
  readonly #input: BulkReader;
  readonly #commandHead: Uint8Array;
  /** Behind what is copied of the next entry. */
  #copied = 0;

  constructor(form: Form, { bounds, input }: { readonly bounds: RunBounds; readonly input: Span }) {
    const { login = NO_LOGIN } = bounds;
    const user = login === NO_LOGIN ? "" : `u${login}`;
    this.#form = form;
    this.#bounds = bounds;
    this.#input = new BulkReader(input);
    this.from = input.start;
    this.#commandHead = stringToBytes(`${COMMAND_VERSION}${user};${form.operation}`);
  }

  /** Copies the next request; false when it is another one, not whole, too much, or not to be done just so. */
  next(): boolean {
    const { head, count } = this.#form;
    const { keyBytesMax, valueBytesMax } = this.#bounds;
    const commandAt = this.to + ENTRY_HEAD_BYTES;
    this.#copied = commandAt + this.#commandHead.length;
    if (this.#copied > RUN_BYTES_MAX || !this.#input.passes(head)) return false;
    entries.set(this.#commandHead, commandAt);
    for (let place = 0; place < count; place++) {
      if (!this.#copyField(place === 0 ? keyBytesMax : valueBytesMax)) return false;
    }
    writeCommandHead(entries, { at: this.to, bytes: this.#copied - commandAt });
    this.to = this.#copied;
    this.from = this.#input.at;
    return true;
  }

  /** Copies a word as `<length>:<bytes>`. */
  #copyField(bytesMax: number): boolean {
    const input = this.#input;
    if (!input.passesWord(bytesMax)) return false;
    const { bytes, lengthAt, start, end } = input;
    const digits = start - LINE_END_BYTES - lengthAt;
    const valueAt = this.#copied + digits + 1;
    if (valueAt + end - start > RUN_BYTES_MAX) return false;
    // The log has each number in one way only, and that is how it was written.
    field.set(bytes, lengthAt, lengthAt + digits).copyTo(entries, this.#copied);
    entries[valueAt - 1] = COLON;
    field.set(bytes, start, end).copyTo(entries, valueAt);
    this.#copied = valueAt + end - start;
    return true;
  }
}

function formOf(name: string, { count, operation }: Pick<Form, "count" | "operation">): Form {
  const head = stringToBytes(`*${count + 1}\r\n$${name.length}\r\n${name}\r\n`);
  return { name, head, count, operation };
}
