/** The query and the path of a request, decoded to byte strings. */

import { badRequest, type ProblemReply } from "./problem.ts";
import type { Parameter } from "./route.ts";

/** Takes percent-encoding off; undefined when it is malformed. Bytes that are not encoded stay as they are. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  const parts = text.split("%");
  let decoded = parts[0] ?? "";
  for (let at = 1; at < parts.length; at++) {
    const part = parts[at] ?? "";
    if (!HEX_PAIR.test(part)) return undefined;
    decoded += String.fromCharCode(Number.parseInt(part.slice(0, 2), 16)) + part.slice(2);
  }
  return decoded;
}

const HEX_PAIR = /^[0-9A-Fa-f]{2}/;
const EMPTY: ReadonlyMap<string, string> = new Map();
const SHOWN_LENGTH_MAX = 100;

/** The parameters of a query by name, "" for one without a value; a problem for one that is unknown, repeated or malformed. */
export function readQuery(query: string, known: readonly Parameter[]): ReadonlyMap<string, string> | ProblemReply {
  if (query === "") return EMPTY;
  const values = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = formDecode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : formDecode(pair.slice(equals + 1));
    if (name === undefined || value === undefined) return badRequest("The query has a malformed percent escape");
    const shown = name.slice(0, SHOWN_LENGTH_MAX);
    if (!known.some((parameter) => parameter.name === name)) {
      return badRequest(`There is no parameter "${shown}" here; ${knownNames(known)}`, "unknown_parameter");
    }
    if (values.has(name)) return badRequest(`The parameter "${shown}" is there twice`);
    values.set(name, value);
  }
  return values;
}

function knownNames(known: readonly Parameter[]): string {
  return known.length === 0 ? "none is known" : `known are ${known.map(({ name }) => name).join(", ")}`;
}

/** Queries are written as forms are, with "+" for a blank. */
function formDecode(text: string): string | undefined {
  return percentDecode(text.includes("+") ? text.replaceAll("+", " ") : text);
}
