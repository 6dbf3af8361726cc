/** Splits a stream of bytes into lines. */

import { bytesToString } from "../../base/bytes.ts";

/** The lines of `stream` as byte strings without their `\n`, and an unended last one. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: string[] = [];
  for await (const bytes of stream) {
    let from = 0;
    for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, from)) {
      rest.push(bytesToString(bytes, from, at));
      yield rest.join("");
      rest = [];
      from = at + 1;
    }
    if (from < bytes.length) rest.push(bytesToString(bytes, from));
  }
  if (rest.length > 0) yield rest.join("");
}
