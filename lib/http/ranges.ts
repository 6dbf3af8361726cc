/** Parts of a value, or of a backup (RFC 9110, 14): `Range` asks for one, `If-Range` keeps all parts of one whole. */

import type { HttpRequest } from "./http.ts";
import type { Parameter } from "./route.ts";

/** The header `Range`. */
export const RANGE: Parameter = {
  name: "Range",
  description: "`bytes=0-65535`: only these bytes, with 206. One range; several are answered with the whole.",
  schema: { type: "string", examples: ["bytes=0-65535", "bytes=1-", "bytes=-2"] },
};

/** The header `If-Range`. */
export const IF_RANGE: Parameter = {
  name: "If-Range",
  description:
    "The range counts only if this is the `ETag` of what is there, for a key its revision in quotes; else the whole comes, with 200.",
  schema: { type: "string" },
};

/** What parts are of. */
export interface Whole {
  /** In bytes. */
  readonly length: number;
  /** Its strong entity tag. */
  readonly tag: string;
}

/** A part, or that there is no such part; undefined for the whole. */
export type Part =
  | { readonly type: "Part"; readonly first: number; readonly last: number }
  | { readonly type: "Unsatisfiable" };

const ONE_RANGE = /^bytes=\s*(\d{0,16})-(\d{0,16})\s*$/i;

/** What is asked for. A header that is malformed or asks for several parts counts as not there, as it must. */
export function partOf(
  { method, headers }: Pick<HttpRequest, "method" | "headers">,
  { length, tag }: Whole,
): Part | undefined {
  // RFC 9110, 14.2: with any other method, HEAD too, the header means nothing.
  if (method !== "GET") return undefined;
  const [, from, to] = ONE_RANGE.exec(headers.get("range") ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  const condition = headers.get("if-range");
  // A weak tag or a date never names exactly these bytes.
  if (condition !== undefined && condition !== tag) return undefined;
  if (from === "") {
    const count = Math.min(Number(to), length);
    return count === 0 ? { type: "Unsatisfiable" } : { type: "Part", first: length - count, last: length - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return undefined;
  if (first >= length) return { type: "Unsatisfiable" };
  return { type: "Part", first, last: Math.min(to === "" ? length - 1 : Number(to), length - 1) };
}
