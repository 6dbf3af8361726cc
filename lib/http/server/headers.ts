/** Header lines gathered into a map, and what they say about the body and the connection. */

import { HEADER_BYTES_MAX, HEADERS_MAX } from "./limits.ts";
import { malformed, type Refusal } from "./refusal.ts";

/** How the end of the body is found. */
export type Framing =
  | { readonly type: "None" }
  | { readonly type: "Length"; readonly bytes: number }
  | { readonly type: "Chunked" };

const NONE: Framing = { type: "None" };
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~\x80-\xff]*$/;
/** The line end counts as well. */
const LINE_END_BYTES = 2;

/** The header lines of one request. */
export class HeaderLines {
  readonly #values = new Map<string, string>();
  #bytes = 0;
  #count = 0;

  /** Names in lower case. */
  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  /** Bytes of the lines so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Longest line that may still come. */
  get lineBytesMax(): number {
    return Math.max(0, HEADER_BYTES_MAX - this.#bytes - LINE_END_BYTES);
  }

  /** Adds a line; a refusal when it is none. */
  add(line: string): Refusal | undefined {
    this.#bytes += line.length + LINE_END_BYTES;
    this.#count += 1;
    if (this.#count > HEADERS_MAX) return tooManyHeaders();
    const colon = line.indexOf(":");
    // A blank before the colon, or at the beginning of the line (folding), is where two parsers come to differ.
    const name = line.slice(0, Math.max(0, colon));
    if (!NAME.test(name)) return malformed("A header line does not begin with a name and a colon");
    const value = trimBlanks(line.slice(colon + 1));
    if (!VALUE.test(value)) return malformed("A header has a control character in its value");
    return this.#put(name.toLowerCase(), value);
  }

  /** Sets the host that the target of the request names. */
  overrideHost(authority: string): void {
    this.#values.set("host", authority);
  }

  #put(name: string, value: string): Refusal | undefined {
    const known = this.#values.get(name);
    // Whoever is asked for the host must not get another one than who checked it.
    if (known !== undefined && name === "host") return malformed("There are two Host headers");
    this.#values.set(name, known === undefined ? value : `${known}, ${value}`);
    return undefined;
  }
}

/** The refusal of header lines that are too many or too long. */
export function tooManyHeaders(): Refusal {
  const detail = `There are more than ${HEADERS_MAX} headers or ${HEADER_BYTES_MAX} bytes of them`;
  return { status: 431, code: "headers_too_large", detail };
}

/** How the body is framed. Anything that two parsers could understand in two ways is refused (RFC 9112, 6.3). */
export function framingOf(
  headers: ReadonlyMap<string, string>,
  minorVersion: 0 | 1,
): { readonly type: "Framing"; readonly framing: Framing } | { readonly type: "Refused"; readonly refusal: Refusal } {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding !== undefined) {
    if (length !== undefined) return refused(malformed("There are both Content-Length and Transfer-Encoding"));
    if (minorVersion === 0) return refused(malformed("HTTP/1.0 has no Transfer-Encoding"));
    if (coding.toLowerCase() === "chunked") return { type: "Framing", framing: { type: "Chunked" } };
    const detail = "The only transfer coding of this server is chunked";
    return refused({ status: 501, code: "not_implemented", detail });
  }
  if (length === undefined) return { type: "Framing", framing: NONE };
  const lengths = length.split(",").map(trimBlanks);
  const [first = ""] = lengths;
  const valid = /^[0-9]{1,20}$/.test(first) && lengths.every((other) => other === first);
  if (!valid) return refused(malformed("Content-Length is not one number"));
  const bytes = Number(first);
  return { type: "Framing", framing: bytes === 0 ? NONE : { type: "Length", bytes } };
}

/** Whether the connection stays open after the reply, if this side has nothing against it. */
export function staysOpen(headers: ReadonlyMap<string, string>, minorVersion: 0 | 1): boolean {
  const options = (headers.get("connection") ?? "").toLowerCase().split(",").map(trimBlanks);
  return !options.includes("close") && (minorVersion === 1 || options.includes("keep-alive"));
}

/** Without the blanks and tabs at both ends: `trim` would take off more. Linear, which a pattern for the end is not. */
function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function refused(refusal: Refusal): { readonly type: "Refused"; readonly refusal: Refusal } {
  return { type: "Refused", refusal };
}
