/** Requests in Redis's protocol, as byte strings. */

/** The bytes of a command: an array of bulk strings, each word of them a byte string. */
export function encodeRequest(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}
