/** Bytes of texts and back, for tests of the store. */

import { Span } from "../../../lib/store/span.ts";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";

/** A byte string as a span of a buffer in which other bytes stand before and behind it. */
export function span(text: string): Span {
  const bytes = stringToBytes(`<<${text}>>`);
  return new Span().set(bytes, 2, 2 + text.length);
}

/** The bytes of a span as a byte string. */
export function text({ bytes, start, end }: Span): string {
  return bytesToString(bytes, start, end);
}
