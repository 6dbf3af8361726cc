/**
 * The commands of the replicated state machine and their encoding as byte strings in the log.
 *
 * `<version><header fields>;<operation><fields>`: version "1"; header fields are `t<ms>` (the leader's time), `u<login>` (who
 * submitted it), `s<id>` and `q<sequence>` (the session that the command belongs to), each only where it is needed, in this order; the operation is one
 * letter; a field is `<length in decimal>:<bytes>`, a number `<decimal>:`. Printable where keys and values are, so that JSON
 * adds little to it.
 */

import { unreachable } from "../base/assert.ts";
import { FieldReader, writeCount, writeField } from "./fields.ts";
import { readRights, type RightsChange, writeRights } from "./rights.ts";
import { NO_LOGIN, USER_RULES, type UserCommand } from "./users.ts";

/** Stores `value` under `key`, without a deadline. */
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

/** One command of the call table (calls.ts): its name in capitals, then its arguments. */
export type Call = readonly string[];

/** Does one call. */
export interface CallCommand {
  readonly type: "Call";
  readonly call: Call;
}

/** What of a key is compared. A key that is not there has EXISTS, VERSION, CREATE and MOD 0, and no VALUE. */
export type CompareField = "VALUE" | "VERSION" | "CREATE" | "MOD" | "EXISTS";
/** How it is compared. Values are ordered by their bytes. */
export type CompareOperator = "=" | "!=" | "<" | ">";

/** One condition. `operand` is a decimal number, and for VALUE a byte string. */
export interface Compare {
  readonly key: string;
  readonly field: CompareField;
  readonly operator: CompareOperator;
  readonly operand: string;
}

/** Does the calls of `then` at once if every comparison holds, else those of `otherwise`. */
export interface TransactionCommand {
  readonly type: "Transaction";
  readonly compares: readonly Compare[];
  readonly then: readonly Call[];
  readonly otherwise: readonly Call[];
}

/** Does nothing but move the cluster's time on: what is due expires. */
export interface AdvanceCommand {
  readonly type: "Advance";
}

/** Opens a session that lives for `ttlMs` after its last use. */
export interface OpenSessionCommand {
  readonly type: "OpenSession";
  readonly ttlMs: number;
  /** Whether it belongs to the user who submits it; of nobody it never does. Left out, as it was before sessions had owners: no. */
  readonly isOwned?: true;
}

/** Uses a session, so that it lives on. */
export interface KeepAliveCommand {
  readonly type: "KeepAlive";
  readonly session: number;
}

/** Ends a session; its answers are forgotten. */
export interface CloseSessionCommand {
  readonly type: "CloseSession";
  readonly session: number;
}

/** A command that changes the state. Keys and values are byte strings. */
export type Command =
  | PutCommand
  | DeleteCommand
  | CallCommand
  | TransactionCommand
  | AdvanceCommand
  | OpenSessionCommand
  | KeepAliveCommand
  | CloseSessionCommand
  | UserCommand;

/** The place of a command in a session: applied at most once. `sequence` from 1 to 2^53 - 1, chosen by the client. */
export interface SessionUse {
  readonly id: number;
  readonly sequence: number;
}

/** Whose a command is. */
export interface CommandOrigin {
  readonly session?: SessionUse | undefined;
  /** The login of the user who submitted it; `NO_LOGIN` when left out. */
  readonly login?: number;
}

/** A command as the log has it. */
export interface LoggedCommand {
  readonly command: Command;
  /** The leader's time in milliseconds since 1970, where it moved on. */
  readonly timeMs: number | undefined;
  readonly session: SessionUse | undefined;
  /** `NO_LOGIN` for that of nobody. */
  readonly login: number;
}

/** Longest key in bytes. */
export const KEY_BYTES_MAX = 65_536;
/** Longest value in bytes. */
export const VALUE_BYTES_MAX = 8_388_608;
/** Longest command in bytes, all its keys and values together: a longest value with room for its key and options. */
export const COMMAND_BYTES_MAX = 8_650_752;
/** Calls and comparisons of one transaction. */
export const TRANSACTION_PARTS_MAX = 100_000;

/**
 * Version of the commands: of their encoding, and of what they do to which state with which result. A log that was written
 * under another version is refused, because its replay would give another state (CONTRIBUTING.md, "Versions").
 */
export const COMMAND_VERSION = 1;

const VERSION = String(COMMAND_VERSION);
const END_OF_HEADER = ";";
/** Opens a session that belongs to its user; "O" opens one of nobody. */
const OPEN_OWNED = "S";
const SET_USER = "U";
const REMOVE_USER = "R";
const ADD_TOKEN = "B";
const REMOVE_TOKEN = "E";
const ABOUT_USERS: readonly string[] = [SET_USER, REMOVE_USER, ADD_TOKEN, REMOVE_TOKEN];
/** In the place of rights that go: whatever there are. */
const EVERY_RIGHT = "*";
const FIELDS: readonly CompareField[] = ["VALUE", "VERSION", "CREATE", "MOD", "EXISTS"];
const OPERATORS: readonly CompareOperator[] = ["=", "!=", "<", ">"];

/** The log form of a command, without a time. `login` is that of the user who submitted it. */
export function encodeCommand(command: Command, session?: SessionUse, login = NO_LOGIN): string {
  const user = login === NO_LOGIN ? VERSION : `${VERSION}u${login}`;
  const operation = encodeOperation(command, login);
  if (session === undefined) return `${user}${END_OF_HEADER}${operation}`;
  return `${user}s${session.id}q${session.sequence}${END_OF_HEADER}${operation}`;
}

/** Whether an encoded command is about users or their tokens, which programs of before cannot read. */
export function isAboutUsers(encoded: string): boolean {
  return ABOUT_USERS.includes(encoded[encoded.indexOf(END_OF_HEADER) + 1] ?? "");
}

/** The same command with the leader's time. */
export function stampCommand(encoded: string, timeMs: number): string {
  return `${VERSION}t${timeMs}${encoded.slice(VERSION.length)}`;
}

/** The time that the leader stamped a command with; undefined where it has none. */
export function stampOf(encoded: string): number | undefined {
  return readHeaderField(encoded, { at: VERSION.length, letter: "t" })?.value;
}

/** The command as it was before the leader stamped it. */
export function unstampCommand(encoded: string): string {
  return withoutField(encoded, "t");
}

/** The same without who submitted it: what is sent again after a change of the password is no other command. */
export function bareCommand(encoded: string): string {
  return withoutField(unstampCommand(encoded), "u");
}

function withoutField(encoded: string, letter: string): string {
  if (encoded[VERSION.length] !== letter) return encoded;
  let at = VERSION.length + 1;
  while (isDigit(encoded.charCodeAt(at))) at += 1;
  return VERSION + encoded.slice(at);
}

/** The version of a command that any version wrote; undefined for bytes that are no command. */
export function commandVersionOf(encoded: string): number | undefined {
  const digits = /^([0-9]{1,9})[a-z;]/.exec(encoded)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function encodeOperation(command: Command, login: number): string {
  switch (command.type) {
    case "Put":
      return `P${command.key.length}:${command.key}${command.value.length}:${command.value}`;
    case "Delete":
      return `D${command.key.length}:${command.key}`;
    case "Call":
      return `C${encodeCall(command.call)}`;
    case "Transaction":
      return encodeTransaction(command);
    case "Advance":
      return "A";
    case "OpenSession":
      return `${command.isOwned === true && login !== NO_LOGIN ? OPEN_OWNED : "O"}${writeCount(command.ttlMs)}`;
    case "KeepAlive":
      return `K${writeCount(command.session)}`;
    case "CloseSession":
      return `X${writeCount(command.session)}`;
    case "SetUser":
      return `${SET_USER}${writeField(command.rule)}${writeField(command.name)}${writeField(command.hash)}${
        encodeChange(command.change)
      }`;
    case "RemoveUser":
      return `${REMOVE_USER}${writeField(command.name)}`;
    case "AddToken":
      return `${ADD_TOKEN}${writeField(command.user)}${writeField(command.name)}${writeField(command.hash)}${
        writeCount(command.ttlMs)
      }`;
    case "RemoveToken":
      return `${REMOVE_TOKEN}${writeField(command.user)}${writeField(command.name)}`;
    default:
      return unreachable(command);
  }
}

/** Nothing where it is left out, which is how it was before there were rights. */
function encodeChange(change: RightsChange | undefined): string {
  if (change === undefined) return "";
  const { revoked, granted } = change;
  return writeField(revoked === "All" ? EVERY_RIGHT : writeRights(revoked)) + writeField(writeRights(granted));
}

function encodeTransaction({ compares, then, otherwise }: TransactionCommand): string {
  const parts = [`T${writeCount(compares.length)}${writeCount(then.length)}${writeCount(otherwise.length)}`];
  for (const { key, field, operator, operand } of compares) {
    parts.push(writeField(key), writeField(field), writeField(operator), writeField(operand));
  }
  for (const call of then) parts.push(encodeCall(call));
  for (const call of otherwise) parts.push(encodeCall(call));
  return parts.join("");
}

function encodeCall(call: Call): string {
  let encoded = writeCount(call.length);
  for (const argument of call) encoded += writeField(argument);
  return encoded;
}

/** Reads what `encodeCommand` and `stampCommand` wrote; undefined for everything else, newer versions included. Never throws. */
export function decodeCommand(bytes: string): LoggedCommand | undefined {
  if (!bytes.startsWith(VERSION)) return undefined;
  let at = VERSION.length;
  const time = readHeaderField(bytes, { at, letter: "t" });
  if (time !== undefined) at = time.end;
  const login = readHeaderField(bytes, { at, letter: "u" });
  if (login !== undefined) at = login.end;
  const id = readHeaderField(bytes, { at, letter: "s" });
  const sequence = id === undefined ? undefined : readHeaderField(bytes, { at: id.end, letter: "q" });
  if (id !== undefined && sequence === undefined) return undefined;
  if (sequence !== undefined) at = sequence.end;
  if (bytes[at] !== END_OF_HEADER) return undefined;
  const command = decodeOperation(bytes, at + 1);
  if (command === undefined) return undefined;
  const user = login?.value ?? NO_LOGIN;
  // Nobody owns nothing.
  if (user === NO_LOGIN && command.type === "OpenSession" && command.isOwned === true) return undefined;
  return {
    command,
    timeMs: time?.value,
    session: id === undefined || sequence === undefined ? undefined : { id: id.value, sequence: sequence.value },
    login: user,
  };
}

interface HeaderPlace {
  readonly at: number;
  readonly letter: string;
}

interface HeaderField {
  readonly value: number;
  readonly end: number;
}

function readHeaderField(bytes: string, { at, letter }: HeaderPlace): HeaderField | undefined {
  if (bytes[at] !== letter) return undefined;
  let value = 0;
  let end = at + 1;
  for (; isDigit(bytes.charCodeAt(end)); end++) value = value * 10 + (bytes.charCodeAt(end) - ZERO);
  return end > at + 1 && Number.isSafeInteger(value) ? { value, end } : undefined;
}

const ZERO = 0x30;
const NINE = 0x39;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function decodeOperation(bytes: string, at: number): Command | undefined {
  const reader = new FieldReader(bytes, at + 1);
  const command = readOperation(bytes[at] ?? "", reader);
  return reader.endsHere ? command : undefined;
}

function readOperation(letter: string, reader: FieldReader): Command | undefined {
  switch (letter) {
    case "P":
      return { type: "Put", key: reader.field(), value: reader.field() };
    case "D":
      return { type: "Delete", key: reader.field() };
    case "C":
      return { type: "Call", call: readCall(reader) };
    case "T":
      return readTransaction(reader);
    case "A":
      return { type: "Advance" };
    case "O":
      return { type: "OpenSession", ttlMs: reader.count() };
    case OPEN_OWNED:
      return { type: "OpenSession", ttlMs: reader.count(), isOwned: true };
    case "K":
      return { type: "KeepAlive", session: reader.count() };
    case "X":
      return { type: "CloseSession", session: reader.count() };
    case SET_USER:
      return readUser(reader);
    case REMOVE_USER:
      return { type: "RemoveUser", name: reader.field() };
    case ADD_TOKEN:
      return {
        type: "AddToken",
        user: reader.field(),
        name: reader.field(),
        hash: reader.field(),
        ttlMs: reader.count(),
      };
    case REMOVE_TOKEN:
      return { type: "RemoveToken", user: reader.field(), name: reader.field() };
    default:
      return undefined; // A letter of a newer version.
  }
}

function readUser(reader: FieldReader): Command | undefined {
  const word = reader.field();
  const rule = USER_RULES.find((known) => known === word);
  if (rule === undefined) return undefined;
  const user = { type: "SetUser", rule, name: reader.field(), hash: reader.field() } as const;
  if (reader.endsHere) return user;
  const written = reader.field();
  const revoked = written === EVERY_RIGHT ? "All" : readRights(written);
  const granted = readRights(reader.field());
  return revoked === undefined || granted === undefined ? undefined : { ...user, change: { revoked, granted } };
}

function readTransaction(reader: FieldReader): TransactionCommand | undefined {
  const compareCount = reader.count();
  const thenCount = reader.count();
  const otherwiseCount = reader.count();
  if (compareCount + thenCount + otherwiseCount > TRANSACTION_PARTS_MAX) return undefined;
  const compares: Compare[] = [];
  for (let count = 0; count < compareCount && reader.valid; count++) {
    const compare = makeCompare([reader.field(), reader.field(), reader.field(), reader.field()]);
    if (compare === undefined) return undefined;
    compares.push(compare);
  }
  return {
    type: "Transaction",
    compares,
    then: readCalls(reader, thenCount),
    otherwise: readCalls(reader, otherwiseCount),
  };
}

/** A comparison from its four words; undefined when one of them is none. A number is taken as it stands and judged when compared. */
export function makeCompare(words: readonly string[]): Compare | undefined {
  const [key, fieldWord, operatorWord, operand] = words;
  const field = FIELDS.find((known) => known === fieldWord);
  const operator = OPERATORS.find((known) => known === operatorWord);
  if (key === undefined || field === undefined || operator === undefined || operand === undefined) return undefined;
  return { key, field, operator, operand };
}

function readCalls(reader: FieldReader, count: number): readonly Call[] {
  const calls: Call[] = [];
  for (let at = 0; at < count && reader.valid; at++) calls.push(readCall(reader));
  return calls;
}

function readCall(reader: FieldReader): Call {
  const count = reader.count();
  const call: string[] = [];
  for (let at = 0; at < count && reader.valid; at++) call.push(reader.field());
  return call;
}
