/** Takes the chunked transfer coding off a body (RFC 9112, 7.1). Extensions and trailers are read over. */

import type { BodyBuffer } from "./body_buffer.ts";
import type { ByteInput } from "./byte_input.ts";
import { CHUNK_LINE_BYTES_MAX, HEADER_BYTES_MAX } from "./limits.ts";
import { LineReader, type LineResult } from "./line_reader.ts";
import { bodyTooLarge, malformed, type Refusal } from "./refusal.ts";
import { tooManyHeaders } from "./headers.ts";

/** What came of a piece of input. */
export type ChunkResult =
  | { readonly type: "More" }
  | { readonly type: "End" }
  | { readonly type: "Refused"; readonly refusal: Refusal };

const MORE: ChunkResult = { type: "More" };
const END: ChunkResult = { type: "End" };
const SIZE_LINE = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t -~\x80-\xff]*)?$/;
const LINE_END_BYTES = 2;

/** Size, then Data and DataEnd as long as there are chunks, then Trailers. */
type Stage = "Size" | "Data" | "DataEnd" | "Trailers";

/** Reads the chunks of one body into a buffer. */
export class ChunkReader {
  readonly #body: BodyBuffer;
  readonly #bytesMax: number;
  readonly #lines = new LineReader();
  #stage: Stage = "Size";
  /** Bytes of the present chunk still to come. */
  #left = 0;
  #trailerBytes = 0;

  /** A body of at most `bytesMax` bytes. */
  constructor(body: BodyBuffer, bytesMax: number) {
    this.#body = body;
    this.#bytesMax = bytesMax;
  }

  /** Uses the input up to the end of the body, or all of it. */
  read(input: ByteInput): ChunkResult {
    for (;;) {
      const result = this.#stage === "Data" ? this.#readData(input) : this.#readLine(input);
      if (result !== undefined) return result;
    }
  }

  #readData(input: ByteInput): ChunkResult | undefined {
    if (input.left === 0) return MORE;
    const count = Math.min(input.left, this.#left);
    this.#body.add(input.takeBytes(count), this.#bytesMax);
    this.#left -= count;
    if (this.#left > 0) return MORE;
    this.#stage = "DataEnd";
    return undefined;
  }

  #readLine(input: ByteInput): ChunkResult | undefined {
    const inTrailers = this.#stage === "Trailers";
    const bytesMax = inTrailers ? Math.max(0, HEADER_BYTES_MAX - this.#trailerBytes) : CHUNK_LINE_BYTES_MAX;
    const line = this.#lines.take(input, bytesMax);
    if (line.type === "More") return MORE;
    if (line.type === "TooLong" && inTrailers) return refused(tooManyHeaders());
    if (line.type !== "Line") return refused(malformed("The chunks of the body are malformed"));
    if (inTrailers) return this.#takeTrailer(line.text);
    return this.#stage === "Size" ? this.#takeSize(line) : this.#takeDataEnd(line.text);
  }

  #takeSize({ text }: Extract<LineResult, { type: "Line" }>): ChunkResult | undefined {
    const digits = SIZE_LINE.exec(text)?.[1];
    if (digits === undefined) return refused(malformed("The size of a chunk is malformed"));
    this.#left = Number.parseInt(digits, 16);
    if (this.#body.length + this.#left > this.#bytesMax) return refused(bodyTooLarge(this.#bytesMax));
    this.#stage = this.#left === 0 ? "Trailers" : "Data";
    return undefined;
  }

  #takeDataEnd(text: string): ChunkResult | undefined {
    if (text !== "") return refused(malformed("A chunk is longer than its size says"));
    this.#stage = "Size";
    return undefined;
  }

  #takeTrailer(text: string): ChunkResult | undefined {
    if (text === "") return END;
    this.#trailerBytes += text.length + LINE_END_BYTES;
    return undefined;
  }
}

function refused(refusal: Refusal): ChunkResult {
  return { type: "Refused", refusal };
}
