/** Small files of one JSON object, with a checksum in it. */

import { checksum } from "../base/checksum.ts";
import { corruption } from "./damage.ts";

/** A JSON object. */
export type Content = Readonly<Record<string, unknown>>;

/** The bytes of the file: UTF-8, indented for people, the checksum last. */
export function encodeChecked(content: Content): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ ...content, checksum: checksumOf(content) }, undefined, 2)}\n`);
}

/** The object without its checksum, and whether that holds. Throws `CorruptionError` for what is no JSON object. */
export function decodeChecked(
  bytes: Uint8Array,
  file: string,
): { readonly content: Content; readonly sealed: boolean } {
  const { checksum: sum, ...content } = parseObject(bytes, file);
  return { content, sealed: sum !== undefined && sum === checksumOfRead(content) };
}

/** CRC-32 of the compact JSON of everything else, in the order of the file: so it is the same rule for every format. */
function checksumOf(content: Content): string {
  return checksum(new TextEncoder().encode(JSON.stringify(content))).toString(16).padStart(8, "0");
}

/** Undefined for what is nested deeper than it can be written again: nobody wrote it. */
function checksumOfRead(content: Content): string | undefined {
  try {
    return checksumOf(content);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parseObject(bytes: Uint8Array, file: string): Content {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw corruption({ file, offset: 0, what: "it is not JSON" }); // Why it is not does not matter: it is not what was written.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw corruption({ file, offset: 0, what: "it is not an object" });
  }
  return value as Content;
}
