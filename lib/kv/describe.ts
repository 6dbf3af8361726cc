/** Commands as people read them, in LOGS and `inspect`. Byte strings in, byte strings out. */

import { decodeCommand } from "./commands.ts";

const SHOWN_BYTES_MAX = 64;

/** One line for a command of the log; a long value is cut and its length told. */
export function describeCommand(bytes: string): string {
  const command = decodeCommand(bytes);
  if (command === undefined) return `(unreadable command of ${bytes.length} bytes)`;
  if (command.type === "Delete") return `DELETE ${quote(command.key)}`;
  return `PUT ${quote(command.key)} ${quote(command.value)}`;
}

function quote(bytes: string): string {
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
