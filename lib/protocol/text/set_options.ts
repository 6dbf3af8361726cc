/** Recognises the options that SET has in Redis at the end of a value that was not quoted. */

import { TIME_FORMS } from "../../kv/calls/options.ts";

/** Whether the text ends in a complete list of options behind at least one other word. */
export function endsInOptions(text: string): boolean {
  // No list of options is longer, and a value may be a mebibyte.
  const words = text.slice(-OPTIONS_BYTES_MAX).split(/[ \t]+/);
  let left = words.length;
  while (left > 1) {
    const last = (words[left - 1] ?? "").toUpperCase();
    if (PLAIN_OPTIONS.has(last)) left -= 1;
    else if (/^-?[0-9]+$/.test(last) && TIME_FORMS.has((words[left - 2] ?? "").toUpperCase())) left -= 2;
    else break;
  }
  return left > 0 && left < words.length && words[left - 1] !== "";
}

const PLAIN_OPTIONS: ReadonlySet<string> = new Set(["NX", "XX", "GET", "KEEPTTL"]);
const OPTIONS_BYTES_MAX = 256;
