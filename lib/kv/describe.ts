/** Commands as people read them, in LOGS and `inspect`. Byte strings in, byte strings out. */

import { unreachable } from "../base/assert.ts";
import { type Call, type Command, decodeCommand } from "./commands.ts";
import type { MissingRight, Rights } from "./rights.ts";
import type { SetUserCommand } from "./users.ts";

const SHOWN_BYTES_MAX = 64;
const SHOWN_WORDS_MAX = 8;

/** One line for a command of the log; a long value is cut and its length told. */
export function describeCommand(bytes: string): string {
  const logged = decodeCommand(bytes);
  if (logged === undefined) return `(unreadable command of ${bytes.length} bytes)`;
  const { command, session } = logged;
  const text = describe(command);
  return session === undefined ? text : `${text} (session ${session.id}, sequence ${session.sequence})`;
}

function describe(command: Command): string {
  switch (command.type) {
    case "Put":
      return `PUT ${quote(command.key)} ${quote(command.value)}`;
    case "Delete":
      return `DELETE ${quote(command.key)}`;
    case "Call":
      return describeCall(command.call);
    case "Transaction": {
      const { compares, then, otherwise } = command;
      const shown = then.slice(0, SHOWN_WORDS_MAX).map(describeCall).join("; ");
      const more = then.length > SHOWN_WORDS_MAX ? `; ... (${then.length} calls)` : "";
      return `TXN (${compares.length} compares, ${then.length} then, ${otherwise.length} else): ${shown}${more}`;
    }
    case "Advance":
      return "ADVANCE TIME";
    case "OpenSession":
      return `OPEN SESSION ${command.ttlMs} ms`;
    case "KeepAlive":
      return `KEEP SESSION ${command.session} ALIVE`;
    case "CloseSession":
      return `CLOSE SESSION ${command.session}`;
    case "SetUser":
      return `SET USER ${quote(command.name)}${describeChange(command)}`;
    case "RemoveUser":
      return `REMOVE USER ${quote(command.name)}`;
    case "AddToken":
      return `ADD TOKEN ${quote(command.name)} OF USER ${quote(command.user)}`;
    case "RemoveToken":
      return `REMOVE TOKEN ${quote(command.name)} OF USER ${quote(command.user)}`;
    default:
      return unreachable(command);
  }
}

function describeChange({ change }: SetUserCommand): string {
  if (change === undefined) return "";
  const { revoked, granted } = change;
  const parts = [
    revoked === "All" ? "without the rights of before" : describeRights("without", revoked),
    describeRights("with", granted),
  ];
  return parts.filter((part) => part !== "").map((part) => ` ${part}`).join("");
}

function describeRights(word: string, rights: Rights): string {
  const shown = describeGrants(rights);
  return shown.length === 0 ? "" : `${word} ${shown.join(", ")}`;
}

/** Each right for people, such as `read,write "app:"`, and first `admin`. */
export function describeGrants({ isAdmin, grants }: Rights): readonly string[] {
  const shown = grants.map(({ prefix, read, write }) => {
    return `${read ? write ? "read,write" : "read" : "write"} ${quote(prefix)}`;
  });
  return isAdmin ? ["admin", ...shown] : shown;
}

/** Which right is missing, for people, on one line of ASCII. */
export function describeMissing({ right, prefix }: MissingRight): string {
  if (right === "admin") return "the right admin is missing";
  if (prefix === undefined) return `the right to ${right} some keys is missing`;
  return `the right to ${right} ${prefix === "" ? "every key" : quote(prefix)} is missing`;
}

function describeCall([name = "", ...words]: Call): string {
  const shown = words.slice(0, SHOWN_WORDS_MAX).map(quote);
  const more = words.length > SHOWN_WORDS_MAX ? [`... (${words.length} arguments)`] : [];
  return [quoteUnlessPlain(name), ...shown, ...more].join(" ");
}

const PLAIN = /^[A-Z]{1,32}$/;

function quoteUnlessPlain(name: string): string {
  return PLAIN.test(name) ? name : quote(name);
}

/** A byte string on one line, cut where it is long. */
export function quote(bytes: string): string {
  const shown = bytes.length > SHOWN_BYTES_MAX ? bytes.slice(0, SHOWN_BYTES_MAX) : bytes;
  let text = "";
  for (const character of shown) text += printable(character);
  const rest = bytes.length - shown.length;
  return rest > 0 ? `"${text}"... (${bytes.length} bytes)` : `"${text}"`;
}

function printable(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '"' || character === "\\") return `\\${character}`;
  if (code >= 0x20 && code < 0x7f) return character;
  return `\\x${code.toString(16).padStart(2, "0")}`;
}
