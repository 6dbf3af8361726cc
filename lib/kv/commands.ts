/**
 * The commands of the replicated state machine and their encoding as byte strings in the log.
 *
 * `<version><header fields>;<operation><fields>`: version "1"; header fields are reserved for the session, the sequence
 * number and the leader's time (each a letter and a value, empty today); the operation is one letter; a field is
 * `<length in decimal>:<bytes>`. Printable where keys and values are, so that JSON adds little to it.
 */

/** Stores `value` under `key`. */
export interface PutCommand {
  readonly type: "Put";
  readonly key: string;
  readonly value: string;
}

/** Removes `key`. */
export interface DeleteCommand {
  readonly type: "Delete";
  readonly key: string;
}

/** A command that changes the state. Keys and values are byte strings. */
export type Command = PutCommand | DeleteCommand;

/** What applying a command gave. `revision` is the log index of this command. */
export type CommandResult =
  | { readonly type: "Put"; readonly revision: number; readonly created: boolean }
  | { readonly type: "Delete"; readonly revision: number; readonly existed: boolean }
  | { readonly type: "Invalid"; readonly revision: number };

/** Longest key in bytes. */
export const KEY_BYTES_MAX = 65_536;
/** Longest value in bytes. */
export const VALUE_BYTES_MAX = 8_388_608;

const PREFIX = "1;";

/** The log form of a command. */
export function encodeCommand(command: Command): string {
  if (command.type === "Put") {
    return `${PREFIX}P${command.key.length}:${command.key}${command.value.length}:${command.value}`;
  }
  return `${PREFIX}D${command.key.length}:${command.key}`;
}

/** Reads what `encodeCommand` wrote; undefined for everything else, newer versions included. Never throws. */
export function decodeCommand(bytes: string): Command | undefined {
  if (!bytes.startsWith(PREFIX)) return undefined;
  const operation = bytes[PREFIX.length];
  const key = readField(bytes, PREFIX.length + 1);
  if (key === undefined) return undefined;
  if (operation === "D") return key.end === bytes.length ? { type: "Delete", key: key.value } : undefined;
  if (operation !== "P") return undefined;
  const value = readField(bytes, key.end);
  if (value === undefined || value.end !== bytes.length) return undefined;
  return { type: "Put", key: key.value, value: value.value };
}

interface Field {
  readonly value: string;
  readonly end: number;
}

const LENGTH_DIGITS_MAX = 10;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

function readField(bytes: string, start: number): Field | undefined {
  let length = 0;
  let at = start;
  for (; at < bytes.length && at - start <= LENGTH_DIGITS_MAX; at++) {
    const code = bytes.charCodeAt(at);
    if (code === COLON) break;
    if (code < ZERO || code > NINE) return undefined;
    length = length * 10 + (code - ZERO);
  }
  if (at === start || bytes.charCodeAt(at) !== COLON) return undefined;
  const end = at + 1 + length;
  return end <= bytes.length ? { value: bytes.slice(at + 1, end), end } : undefined;
}
