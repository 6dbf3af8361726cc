/**
 * Finds requests in the bytes of one connection, one after the other, bounded at every step.
 *
 *     Line -> Headers -> Judged (by the caller) -> Body -> Line ...
 *
 * After a refusal nothing more can be read: where the next request would begin is not known.
 */

import { assert } from "../../base/assert.ts";
import { BodyBuffer } from "./body_buffer.ts";
import type { ByteInput } from "./byte_input.ts";
import { ChunkReader } from "./chunks.ts";
import { type Framing, framingOf, HeaderLines, staysOpen, tooManyHeaders } from "./headers.ts";
import { REQUEST_LINE_BYTES_MAX } from "./limits.ts";
import { LineReader, type LineResult } from "./line_reader.ts";
import { readRequestLine, type RequestLine } from "./request_line.ts";
import { bodyTooLarge, malformed, type Refusal } from "./refusal.ts";

/** A head that has been read whole. Byte strings. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly minorVersion: 0 | 1;
  readonly framing: Framing;
  /** The client wants to go on with this connection. */
  readonly staysOpen: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** What was found. `Head` wants `acceptBody` to be called before reading goes on. */
export type ReadEvent =
  | { readonly type: "More" }
  | { readonly type: "Head"; readonly head: RequestHead }
  | { readonly type: "Body"; readonly body: string }
  | { readonly type: "Refused"; readonly refusal: Refusal };

const MORE: ReadEvent = { type: "More" };

type Stage = "Line" | "Headers" | "Judged" | "Body" | "Refused";

/** Reads one request after the other. */
export class RequestReader {
  readonly #lines = new LineReader();
  readonly #body = new BodyBuffer();
  #stage: Stage = "Line";
  #line: RequestLine | undefined;
  #headers = new HeaderLines();
  #framing: Framing = { type: "None" };
  #chunks: ChunkReader | undefined;
  #emptyLineSeen = false;

  /** Whether bytes of the next request have been read. */
  get begun(): boolean {
    return this.#stage !== "Line" || this.#lines.heldBytes > 0 || this.#emptyLineSeen;
  }

  /** Memory held for the request that is being read. */
  get heldBytes(): number {
    return this.#lines.heldBytes + this.#headers.bytes + (this.#line?.path.length ?? 0) + this.#body.heldBytes;
  }

  /** Bytes of the body that have arrived. */
  get bodyBytes(): number {
    return this.#body.length;
  }

  /** Uses the input up to the next event. Does not depend on how the input was cut into pieces. */
  read(input: ByteInput): ReadEvent {
    assert(this.#stage !== "Judged", "Cannot read on: nobody has said how long the body may be");
    if (this.#stage === "Refused") {
      input.drop();
      return MORE;
    }
    const event = this.#stage === "Body" ? this.#readBody(input) : this.#readHead(input);
    if (event.type === "Refused") this.#stage = "Refused";
    return event;
  }

  /** After `Head`: the body may be read if it is not longer than `bytesMax`. */
  acceptBody(bytesMax: number): Refusal | undefined {
    assert(this.#stage === "Judged", "Cannot accept a body: there is no head that waits for that");
    this.#stage = "Body";
    if (this.#framing.type === "Chunked") this.#chunks = new ChunkReader(this.#body, bytesMax);
    if (this.#framing.type !== "Length" || this.#framing.bytes <= bytesMax) return undefined;
    this.#stage = "Refused";
    return bodyTooLarge(bytesMax);
  }

  /** Nothing more will be read: gives the memory back. */
  end(): void {
    this.#stage = "Refused";
    this.#body.clear();
    this.#lines.clear();
    this.#headers = new HeaderLines();
    this.#line = undefined;
  }

  #readHead(input: ByteInput): ReadEvent {
    for (;;) {
      const first = this.#line === undefined;
      const line = this.#lines.take(input, first ? REQUEST_LINE_BYTES_MAX : this.#headers.lineBytesMax);
      if (line.type === "More") return MORE;
      const event = line.type !== "Line" ? refuseLine(line, first) : this.#takeLine(line.text);
      if (event !== undefined) return event;
    }
  }

  #takeLine(text: string): ReadEvent | undefined {
    if (this.#line === undefined) return this.#takeFirst(text);
    if (text === "") return this.#endHead(this.#line);
    const refusal = this.#headers.add(text);
    return refusal === undefined ? undefined : { type: "Refused", refusal };
  }

  #takeFirst(text: string): ReadEvent | undefined {
    // RFC 9112, 2.2: some clients end the body before this request with a line end too many.
    if (text === "" && !this.#emptyLineSeen) {
      this.#emptyLineSeen = true;
      return undefined;
    }
    const line = readRequestLine(text);
    if (line.type === "Refused") return line;
    this.#line = line;
    this.#stage = "Headers";
    return undefined;
  }

  #endHead({ method, path, query, authority, minorVersion }: RequestLine): ReadEvent {
    const { values } = this.#headers;
    if (minorVersion === 1 && !values.has("host")) return refuse(malformed("There is no Host header"));
    if (authority !== undefined) this.#headers.overrideHost(authority);
    const framed = framingOf(values, minorVersion);
    if (framed.type === "Refused") return framed;
    const expectation = minorVersion === 1 ? values.get("expect") : undefined;
    if (expectation !== undefined && expectation.toLowerCase() !== "100-continue") {
      return refuse({
        status: 417,
        code: "expectation_failed",
        detail: "The only expectation met here is 100-continue",
      });
    }
    const { framing } = framed;
    const expectsContinue = expectation !== undefined && framing.type !== "None";
    this.#framing = framing;
    this.#stage = "Judged";
    const open = staysOpen(values, minorVersion);
    const head = { method, path, query, headers: values, minorVersion, framing, staysOpen: open, expectsContinue };
    return { type: "Head", head };
  }

  #readBody(input: ByteInput): ReadEvent {
    switch (this.#framing.type) {
      case "None":
        return this.#whole("");
      case "Length":
        return this.#readLength(input, this.#framing.bytes);
      default:
        return this.#readChunks(input);
    }
  }

  #readLength(input: ByteInput, bytes: number): ReadEvent {
    const missing = bytes - this.#body.length;
    // The usual short body is here whole: one copy.
    if (this.#body.length === 0 && input.left >= bytes) return this.#whole(input.takeString(bytes));
    this.#body.add(input.takeBytes(Math.min(missing, input.left)), bytes);
    return this.#body.length < bytes ? MORE : this.#whole(this.#body.take());
  }

  #readChunks(input: ByteInput): ReadEvent {
    assert(this.#chunks !== undefined, "Cannot read chunks: the head did not announce any");
    const result = this.#chunks.read(input);
    if (result.type !== "End") return result;
    return this.#whole(this.#body.take());
  }

  #whole(body: string): ReadEvent {
    this.#stage = "Line";
    this.#line = undefined;
    this.#headers = new HeaderLines();
    this.#chunks = undefined;
    this.#emptyLineSeen = false;
    return { type: "Body", body };
  }
}

function refuse(refusal: Refusal): ReadEvent {
  return { type: "Refused", refusal };
}

function refuseLine(line: Exclude<LineResult, { type: "Line" | "More" }>, first: boolean): ReadEvent {
  if (line.type === "BareLineFeed") return refuse(malformed("A line of the head does not end in CR LF"));
  if (!first) return refuse(tooManyHeaders());
  const detail = `The first line is longer than ${REQUEST_LINE_BYTES_MAX} bytes`;
  return refuse({ status: 414, code: "uri_too_long", detail });
}
