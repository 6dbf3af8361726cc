/** The lines of a file, a pipe or standard input, in bounded memory. */

import { AccessError } from "../../base/errors.ts";
import { bytesToString } from "../../base/bytes.ts";
import { LineError } from "./record_line.ts";

/** Longest line in bytes: the longest key and value, each byte of which JSON may write as six, and what stands around them. */
export const LINE_BYTES_MAX = 67_108_864;
const READ_BYTES = 262_144;
const LINE_END = 0x0a;

/** Something to read from its beginning to its end. */
export interface ByteSource {
  /** For errors. */
  readonly path: string;
  /** As `Deno.FsFile` has it. */
  read(target: Uint8Array): Promise<number | null>;
}

/** The lines as byte strings without their `\n`, and an unended last one. Throws `LineError` for one that is too long, and `AccessError`. */
export async function* readLines(source: ByteSource): AsyncGenerator<string, void, undefined> {
  let parts: string[] = [];
  let length = 0;
  const buffer = new Uint8Array(READ_BYTES);
  for (;;) {
    const count = await readSome(source, buffer);
    if (count === undefined) break;
    const bytes = buffer.subarray(0, count);
    let from = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, from)) {
      parts.push(bytesToString(bytes, from, end));
      checkLength(length + end - from);
      yield parts.length === 1 ? parts[0] ?? "" : parts.join("");
      [parts, length, from] = [[], 0, end + 1];
    }
    if (from < count) parts.push(bytesToString(bytes, from));
    length += count - from;
    checkLength(length);
  }
  if (length > 0) yield parts.join("");
}

function checkLength(length: number): void {
  if (length > LINE_BYTES_MAX) throw new LineError(`has more than ${LINE_BYTES_MAX} bytes`);
}

/** Undefined at the end. */
async function readSome(source: ByteSource, buffer: Uint8Array): Promise<number | undefined> {
  try {
    return await source.read(buffer) ?? undefined;
  } catch (error) {
    throw new AccessError(source.path, { operation: "read", cause: error });
  }
}
