/** `If-Match` and `If-None-Match`: entity tags are revisions in quotes, and conditions of a write are comparisons of its entry. */

import type { KeyRecord } from "../kv/key_record.ts";
import type { Compare } from "../kv/commands.ts";
import type { HttpRequest } from "./http.ts";
import { badRequest, isProblem, type ProblemReply } from "./problem.ts";
import { readCount } from "./parameters.ts";
import type { Parameter } from "./route.ts";

/** The header `If-Match`. */
export const IF_MATCH: Parameter = {
  name: "If-Match",
  description: '`"<revision>"`: only if that is the key\'s revision; `*`: only if the key is there. Else 412.',
  schema: { type: "string", examples: ['"7"', "*"] },
};

/** The header `If-None-Match`. */
export const IF_NONE_MATCH: Parameter = {
  name: "If-None-Match",
  description:
    '`*`: only if the key is not there; `"<revision>"`: only if that is not its revision. Else 412, or 304 for GET.',
  schema: { type: "string", examples: ["*", '"7"'] },
};

/** What one of the headers asks: any revision, or one of these. */
type Tags = "Any" | readonly number[];

/** Both conditions of a request; undefined for one that is not there. */
export interface Conditions {
  readonly match: Tags | undefined;
  readonly noneMatch: Tags | undefined;
}

/** Tags of one header at most: each is a comparison or a look. */
export const TAGS_MAX = 64;
const TAG = /^(W\/)?"(\d{1,16})"$/;

/** The entity tag of a record. */
export function tagOf({ revision }: Pick<KeyRecord, "revision">): string {
  return `"${revision}"`;
}

/** Reads both headers. */
export function readConditions({ headers }: Pick<HttpRequest, "headers">): Conditions | ProblemReply {
  const match = readTags(headers.get("if-match"), "If-Match");
  if (isProblemOf(match)) return match;
  const noneMatch = readTags(headers.get("if-none-match"), "If-None-Match");
  return isProblemOf(noneMatch) ? noneMatch : { match, noneMatch };
}

function isProblemOf(tags: Tags | undefined | ProblemReply): tags is ProblemReply {
  return typeof tags === "object" && isProblem(tags);
}

function readTags(text: string | undefined, name: string): Tags | undefined | ProblemReply {
  if (text === undefined) return undefined;
  if (text === "*") return "Any";
  const revisions: number[] = [];
  for (const tag of text.split(",").map((part) => part.trim())) {
    const revision = readCount(TAG.exec(tag)?.[2] ?? "");
    // A key that is not there has no tag, so nothing has 0.
    if (revision === undefined || revision === 0) return badRequest(`${name} must be * or a revision in quotes`);
    revisions.push(revision);
  }
  if (revisions.length > TAGS_MAX) return badRequest(`${name} has more than ${TAGS_MAX} tags`);
  return revisions;
}

/** The comparisons of a write; several tags of `If-Match` cannot be one condition. */
export function comparesOf(key: string, { match, noneMatch }: Conditions): readonly Compare[] | ProblemReply {
  const compares: Compare[] = [];
  if (match === "Any") compares.push({ key, field: "EXISTS", operator: "=", operand: "1" });
  else if (match !== undefined) {
    const [revision, ...others] = match;
    if (others.length > 0) return badRequest("If-Match takes one revision here");
    compares.push({ key, field: "MOD", operator: "=", operand: String(revision) });
  }
  if (noneMatch === "Any") compares.push({ key, field: "EXISTS", operator: "=", operand: "0" });
  else {for (const revision of noneMatch ?? []) {
      compares.push({ key, field: "MOD", operator: "!=", operand: String(revision) });
    }}
  return compares;
}

/** Whether `If-Match` holds for what is there. */
export function matches({ match }: Conditions, record: KeyRecord | undefined): boolean {
  if (match === undefined) return true;
  if (record === undefined) return false;
  return match === "Any" || match.includes(record.revision);
}

/** Whether a client that has what `If-None-Match` names has what is there. */
export function isKnown({ noneMatch }: Conditions, { revision }: KeyRecord): boolean {
  return noneMatch !== undefined && (noneMatch === "Any" || noneMatch.includes(revision));
}
