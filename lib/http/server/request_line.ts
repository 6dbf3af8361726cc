/** The first line of a request. */

import { malformed, type Refusal } from "./refusal.ts";

/** What the first line says. */
export interface RequestLine {
  readonly type: "RequestLine";
  readonly method: string;
  /** Begins with "/". */
  readonly path: string;
  /** Behind the first "?"; "" when there is none. */
  readonly query: string;
  /** The host that a target in absolute form names, which then counts instead of the header `Host` (RFC 9112, 3.2.2). */
  readonly authority: string | undefined;
  /** 0 for HTTP/1.0, else 1: later minor versions are answered as 1.1. */
  readonly minorVersion: 0 | 1;
}

const VERSION = /^HTTP\/([0-9])\.([0-9])$/;
const METHOD = /^[A-Z][A-Z_-]{0,31}$/;
// Bytes beyond ASCII are let through: people type them, and curl sends them as they are.
const TARGET = /^[!-"$-~\x80-\xff]+$/;
const ABSOLUTE = /^http:\/\/([^/?@]+)([/?].*)?$/i;

/** Reads `METHOD target HTTP/1.1`; one blank between them, nothing else. */
export function readRequestLine(line: string): RequestLine | { readonly type: "Refused"; readonly refusal: Refusal } {
  const words = line.split(" ", 4);
  const [method = "", target = "", versionWord = ""] = words;
  const version = VERSION.exec(versionWord);
  if (words.length !== 3 || version === null) {
    return refused(malformed("The first line is no request line of HTTP/1.1"));
  }
  if (version[1] !== "1") {
    const detail = "This server speaks HTTP/1.1";
    return refused({ status: 505, code: "version_not_supported", detail });
  }
  if (!METHOD.test(method)) return refused(malformed("The method is not written in capitals"));
  const place = placeOf(target);
  if (place === undefined) return refused(malformed("The target of the request is not a path"));
  const [rest, authority] = place;
  const mark = rest.indexOf("?");
  return {
    type: "RequestLine",
    method,
    path: mark < 0 ? rest : rest.slice(0, mark),
    query: mark < 0 ? "" : rest.slice(mark + 1),
    authority,
    minorVersion: version[2] === "0" ? 0 : 1,
  };
}

/** Path with query, and the host if the target names one; undefined for every other form of target. */
function placeOf(target: string): readonly [rest: string, authority: string | undefined] | undefined {
  if (!TARGET.test(target)) return undefined;
  if (target.startsWith("/")) return [target, undefined];
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) return undefined;
  const rest = absolute[2] ?? "";
  return [rest.startsWith("/") ? rest : `/${rest}`, absolute[1]];
}

function refused(refusal: Refusal): { readonly type: "Refused"; readonly refusal: Refusal } {
  return { type: "Refused", refusal };
}
