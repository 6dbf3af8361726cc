/** How much a command may add to the memory of the state: asked before it is appended, since what is in the log must be applied. */

import { CALLS, findCall } from "./calls.ts";
import type { CallSpec } from "./call.ts";
import { type Call, decodeCommand, type LoggedCommand, type TransactionCommand } from "./commands.ts";
import { FieldReader } from "./fields.ts";
import { ANSWER_BYTES_MAX, ANSWER_HEAD_BYTES, SESSION_HEAD_BYTES } from "./sessions.ts";
import { RIGHTS_BYTES_MAX } from "./rights.ts";
import { TOKEN_BYTES } from "./tokens.ts";
import { USER_BYTES } from "./users.ts";

/**
 * What a record takes beside key and value: its head, its deadline, its slot in a table that has just doubled, its places in the orders
 * of keys and deadlines. Keys stand in the orders once more.
 */
export const RECORD_BYTES = 192;

const END_OF_HEADER = ";";
/** Where a call without a session begins: behind version, header and letter. */
const CALL_AT = 3;

/**
 * The most that one command may add after the other. Made once, so that nothing is made for the most frequent commands: a Put is told
 * by its first bytes.
 *
 * Segments and tables grow in steps, which the reserve of a limit has room for; `bytes` is what a command has to do with it.
 */
export class CommandGrowth {
  /** Bytes at most; 0 for a command that adds nothing, whatever the state is. */
  bytes = 0;
  /** Redis refuses it when memory is full; what adds without that is refused later. */
  isDenied = false;

  /** Reads a command in its log form, without a time. */
  read(encoded: string): void {
    this.bytes = 0;
    this.isDenied = false;
    if (encoded[1] === END_OF_HEADER) {
      if (encoded[2] === "P") return this.#add(RECORD_BYTES + 2 * encoded.length, true);
      if (encoded[2] === "D" || encoded[2] === "A") return;
      if (encoded[2] === "C" && this.#isToldByName(encoded)) return;
    }
    const logged = decodeCommand(encoded);
    if (logged !== undefined) this.#take(logged, encoded.length);
  }

  /** The same for commands of so many bytes together, each of which adds one record at most. */
  readRun(count: number, bytes: number): void {
    this.bytes = count * RECORD_BYTES + 2 * bytes;
    this.isDenied = true;
  }

  #add(bytes: number, isDenied: boolean): void {
    this.bytes += bytes;
    this.isDenied ||= isDenied;
  }

  /** Whether the name and the length of a call tell it, so that its words need not be taken apart. */
  #isToldByName(encoded: string): boolean {
    const reader = new FieldReader(encoded, CALL_AT);
    const words = reader.count();
    const row = CALLS.get(reader.field());
    if (row === undefined || typeof row.grows === "function") return false;
    this.#addRow(row, { words, bytes: encoded.length });
    return true;
  }

  /** Every second word is a key at most, where several may be: the others are values. */
  #addRow({ grows, flags }: CallSpec, { words, bytes }: { readonly words: number; readonly bytes: number }): void {
    if (grows === "None") return;
    this.#add(Math.ceil(words / 2) * RECORD_BYTES + 2 * bytes, flags.includes("denyoom"));
  }

  #take({ command, session }: LoggedCommand, length: number): void {
    if (session !== undefined) this.#add(ANSWER_HEAD_BYTES, false);
    switch (command.type) {
      case "Put":
        this.#add(RECORD_BYTES + 2 * length, true);
        break;
      case "Call":
        this.#addCall(command.call);
        break;
      case "Transaction":
        this.#addTransaction(command);
        break;
      case "OpenSession":
        return this.#add(SESSION_HEAD_BYTES, false);
      case "SetUser":
        return this.#add(USER_BYTES + (command.change === undefined ? 0 : RIGHTS_BYTES_MAX), false);
      case "AddToken":
        return this.#add(TOKEN_BYTES, false);
      default:
        return;
    }
    // What it may answer is known when it is applied.
    if (session !== undefined) this.#add(ANSWER_BYTES_MAX, false);
  }

  #addCall(call: Call): void {
    const row = findCall(call);
    if (row === undefined) return;
    this.#addRow(row, { words: call.length, bytes: call.reduce((sum, word) => sum + word.length, 0) });
    if (typeof row.grows === "function") this.#add(row.grows(call), false);
  }

  /** Whether its comparisons hold is known when it is applied. */
  #addTransaction({ then, otherwise }: TransactionCommand): void {
    const before = this.bytes;
    for (const call of then) this.#addCall(call);
    const afterThen = this.bytes;
    this.bytes = before;
    for (const call of otherwise) this.#addCall(call);
    this.bytes = Math.max(this.bytes, afterThen);
  }
}
