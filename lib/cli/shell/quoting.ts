/** Makes one line of the text protocol of the arguments of one command, so that every byte of them survives. */

import { textToByteString } from "../../base/bytes.ts";
import { endsInOptions } from "../../protocol/text/set_options.ts";
import { UsageError } from "../usage_error.ts";
import { traitsOf } from "./vocabulary.ts";

const PLAIN = /^[A-Za-z0-9_.:/@%+,=][A-Za-z0-9_.:/@%+,=-]*$/;
const NAMED = /^(?:-k|-v|--key|--value)$/;
const NAMED_WITH_VALUE = /^(--key|--value)=(.*)$/s;
const TAKES_KEY: ReadonlySet<string> = new Set(["PUT", "GET", "DELETE"]);

/**
 * The line, as a byte string. A single argument with blanks in it is a whole line already (`kvstore cli "GET a"`).
 * Throws `UsageError` when the first argument is more than one line, and for SET with the options of Redis.
 */
export function lineOfArguments(args: readonly string[]): string {
  const [word = "", ...rest] = args;
  // The first word goes as it is: a line end in it would begin another command.
  if (/[\r\n]/.test(word)) {
    throw new UsageError("A command is one line; give its arguments one by one, or the lines on standard input");
  }
  if (args.length === 1 && /[ \t]/.test(word)) return textToByteString(word);
  const { name } = traitsOf(word);
  if (!TAKES_KEY.has(name)) return [word, ...rest.map(quote)].map(textToByteString).join(" ");
  const named = rest.some((arg, at) => at % 2 === 0 && (NAMED.test(arg) || NAMED_WITH_VALUE.test(arg)));
  if (word.toUpperCase() === "SET" && !named) refuseOptions(rest);
  const words = named ? quoteNamed(rest) : name === "PUT" ? quotePut(rest) : rest.map(quote);
  return [word, ...words].map(textToByteString).join(" ");
}

/** `PUT key two words`: without quotes, the value is the rest of the line. */
function quotePut([key, ...value]: readonly string[]): string[] {
  if (key === undefined) return [];
  return value.length === 0 ? [quote(key)] : [quote(key), quote(value.join(" "))];
}

/** Options would become a part of the value. Within one argument they are what somebody wants to store. */
function refuseOptions([, ...value]: readonly string[]): void {
  if (value.length < 2 || !endsInOptions(value.join(" "))) return;
  throw new UsageError(
    `SET takes no options here; to store "${
      value.join(" ")
    }" quote it as one argument, to set a deadline or a condition use a Redis client`,
  );
}

/** `--key k --value v`: the names as they are, each followed by its value. */
function quoteNamed(args: readonly string[]): string[] {
  const words: string[] = [];
  for (const arg of args) {
    const inline = NAMED_WITH_VALUE.exec(arg);
    if (inline !== null) words.push(inline[1] ?? "", quote(inline[2] ?? ""));
    // A value may look like a name itself: what follows a name is always a value.
    else words.push(NAMED.test(arg) && !NAMED.test(words.at(-1) ?? "") ? arg : quote(arg));
  }
  return words;
}

function quote(arg: string): string {
  if (PLAIN.test(arg)) return arg;
  let quoted = '"';
  for (const character of arg) quoted += escapeCharacter(character);
  return `${quoted}"`;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '"':
      return '\\"';
    case "\\":
      return "\\\\";
    case "\n":
      return "\\n";
    case "\t":
      return "\\t";
  }
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, "0")}` : character;
}
