/**
 * Patterns of KEYS and SCAN as Redis reads them: `*`, `?`, `[a-z]`, `[^a]`, `\x`. Matched in at most pattern x text steps:
 * after a star that has found its place, no earlier star is tried again.
 */

import { KEY_BYTES_MAX } from "./commands.ts";

/** One place of a pattern: any bytes, or one byte of a set. */
type Part = { readonly type: "Star" } | { readonly type: "One"; readonly accepts: (code: number) => boolean };

/** Longest pattern with special characters: a match takes at most its length times that of the key, which for the longest key is about a second. */
export const PATTERN_BYTES_MAX = 4_096;

/** A pattern that was read. */
export interface Glob {
  /** What every matching text begins with. */
  readonly literalPrefix: string;
  matches(text: string): boolean;
}

const SPECIAL = /[*?[\\]/;

/** Whether a pattern takes too long to match. One without special characters is a key, and may be as long as one. */
export function isTooLong(pattern: string): boolean {
  if (pattern.length <= PATTERN_BYTES_MAX) return false;
  return pattern.length > KEY_BYTES_MAX || SPECIAL.test(pattern);
}

const STAR: Part = { type: "Star" };
const ANY: Part = { type: "One", accepts: () => true };

/** Reads a pattern; every text is one. */
export function compileGlob(pattern: string): Glob {
  const { parts, literalPrefix } = readParts(pattern);
  return { literalPrefix, matches: (text) => matchParts(text, { parts, step: () => {} }) };
}

/** The steps that a match takes, for tests of its bound. */
export function countGlobSteps(pattern: string, text: string): number {
  let steps = 0;
  const { parts } = readParts(pattern);
  matchParts(text, { parts, step: () => steps += 1 });
  return steps;
}

function readParts(pattern: string): { readonly parts: readonly Part[]; readonly literalPrefix: string } {
  const parts: Part[] = [];
  let literalPrefix = "";
  let isLiteral = true;
  for (let at = 0; at < pattern.length;) {
    const { part, end, literal } = readPart(pattern, at);
    // Stars beside each other are one.
    if (part !== STAR || parts.at(-1) !== STAR) parts.push(part);
    isLiteral &&= literal !== undefined;
    if (isLiteral) literalPrefix += literal ?? "";
    at = end;
  }
  return { parts, literalPrefix };
}

interface ReadPart {
  readonly part: Part;
  readonly end: number;
  /** The byte, where the part is one. */
  readonly literal: string | undefined;
}

function readPart(pattern: string, at: number): ReadPart {
  const character = pattern[at] ?? "";
  if (character === "*") return { part: STAR, end: at + 1, literal: undefined };
  if (character === "?") return { part: ANY, end: at + 1, literal: undefined };
  if (character === "[") return readClass(pattern, at + 1);
  // A backslash at the end stands for itself.
  const isEscape = character === "\\" && at + 1 < pattern.length;
  const literal = isEscape ? pattern[at + 1] ?? "" : character;
  const wanted = literal.charCodeAt(0);
  return { part: { type: "One", accepts: (code) => code === wanted }, end: at + (isEscape ? 2 : 1), literal };
}

/** The bytes between brackets; one that is never closed ends with the pattern. */
function readClass(pattern: string, start: number): ReadPart {
  let at = start;
  const isNegated = pattern[at] === "^";
  if (isNegated) at += 1;
  // A table, so that a step costs the same however long the class is.
  const isIn = new Uint8Array(256).fill(isNegated ? 1 : 0);
  const add = (from: number, to: number) => isIn.fill(isNegated ? 0 : 1, Math.min(from, to), Math.max(from, to) + 1);
  while (at < pattern.length && pattern[at] !== "]") {
    if (pattern[at] === "\\" && at + 1 < pattern.length) {
      add(pattern.charCodeAt(at + 1), pattern.charCodeAt(at + 1));
      at += 2;
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
      add(pattern.charCodeAt(at), pattern.charCodeAt(at + 2));
      at += 3;
    } else {
      add(pattern.charCodeAt(at), pattern.charCodeAt(at));
      at += 1;
    }
  }
  return { part: { type: "One", accepts: (code) => isIn[code] === 1 }, end: at + 1, literal: undefined };
}

/** `step` is told of each comparison. */
function matchParts(
  text: string,
  { parts, step }: { readonly parts: readonly Part[]; readonly step: () => void },
): boolean {
  let at = 0;
  let part = 0;
  let starPart = -1;
  let starText = 0;
  while (at < text.length) {
    step();
    const present = parts[part];
    if (present?.type === "Star") {
      starPart = part;
      starText = at;
      part += 1;
    } else if (present !== undefined && present.accepts(text.charCodeAt(at))) {
      part += 1;
      at += 1;
    } else if (starPart >= 0) {
      // The last star takes one byte more; what stands before it has found its place for good.
      starText += 1;
      at = starText;
      part = starPart + 1;
    } else return false;
  }
  while (parts[part]?.type === "Star") part += 1;
  return part === parts.length;
}
