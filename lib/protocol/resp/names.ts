/** Names that clients give themselves: shown in lists of lines and blanks, so they hold neither. */

import { NAME_BYTES_MAX } from "./limits.ts";

const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7e;

/** Whether a word can be the name of a connection or of a library; "" is none. */
export function isName(word: string): boolean {
  if (word.length > NAME_BYTES_MAX) return false;
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code < FIRST_PRINTABLE || code > LAST_PRINTABLE) return false;
  }
  return true;
}
