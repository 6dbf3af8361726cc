/** What the server itself answers requests with that it does not hand on: malformed, too large, too slow. */

import type { HttpReply } from "../http.ts";

/** Why a request is refused. The connection is closed after it: where the next request begins is not known any more. */
export interface Refusal {
  readonly status: 400 | 408 | 413 | 414 | 417 | 431 | 500 | 501 | 503 | 505;
  /** For programs, in snake_case. */
  readonly code: string;
  /** For people. */
  readonly detail: string;
}

/** 400 with a reason. */
export function malformed(detail: string): Refusal {
  return { status: 400, code: "bad_request", detail };
}

/** 413 with the limit in bytes. */
export function bodyTooLarge(bytesMax: number): Refusal {
  const detail = bytesMax === 0 ? "This request takes no body" : `The body is longer than ${bytesMax} bytes`;
  return { status: 413, code: "too_large", detail };
}

/** The reply that refuses, its body as RFC 9457 has it. ASCII. */
export function refusalReply({ status, code, detail }: Refusal): HttpReply & { readonly body: string } {
  const headers = [["Content-Type", "application/problem+json"], ["Cache-Control", "no-store"]] as const;
  return {
    status,
    headers: status === 503 ? [...headers, ["Retry-After", "1"]] : headers,
    body: JSON.stringify({ type: "about:blank", title: reasonOf(status), status, code, detail }),
  };
}

const REASONS: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [201, "Created"],
  [202, "Accepted"],
  [204, "No Content"],
  [206, "Partial Content"],
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [304, "Not Modified"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [406, "Not Acceptable"],
  [408, "Request Timeout"],
  [409, "Conflict"],
  [410, "Gone"],
  [412, "Precondition Failed"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [415, "Unsupported Media Type"],
  [416, "Range Not Satisfiable"],
  [417, "Expectation Failed"],
  [421, "Misdirected Request"],
  [422, "Unprocessable Content"],
  [428, "Precondition Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
  [505, "HTTP Version Not Supported"],
  [507, "Insufficient Storage"],
]);

/** The words that stand behind a status code; "Status" for one that this server does not use. */
export function reasonOf(status: number): string {
  return REASONS.get(status) ?? "Status";
}
