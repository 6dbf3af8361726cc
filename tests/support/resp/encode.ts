/** Redis's protocol as byte strings, one character per byte: requests, and the replies that tests give. */

/** The bytes of a command: an array of bulk strings, each word of them a byte string. */
export function encodeRequest(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

/** A status. */
export function status(text: string): string {
  return `+${text}\r\n`;
}

/** The usual status. */
export const OK = status("OK");

/** An error with its code in front. */
export function error(text: string): string {
  return `-${text}\r\n`;
}

/** An integer. */
export function integer(value: number | bigint): string {
  return `:${value}\r\n`;
}

/** Nothing, in RESP3. */
export const NOTHING = "_\r\n";

/** A byte string, or nothing. */
export function bulk(value: string | undefined): string {
  return value === undefined ? NOTHING : `$${value.length}\r\n${value}\r\n`;
}

/** A list of replies. */
export function list(items: readonly string[]): string {
  return `*${items.length}\r\n${items.join("")}`;
}
