/** The head of a reply as it goes out, and the names of requests. */

import { assert } from "../../base/assert.ts";
import type { HttpReply } from "../http.ts";
import { REQUEST_ID_LENGTH_MAX } from "./limits.ts";
import { reasonOf } from "./refusal.ts";

/** What of a request shapes the reply to it. */
export interface ReplyShape {
  readonly minorVersion: 0 | 1;
  readonly id: string;
  /** Another request may follow on this connection. */
  readonly staysOpen: boolean;
  /** Value of `Date`. */
  readonly date: string;
}

/** What frames the body. `None` for replies without one, `UntilClose` for streams to HTTP/1.0. */
export type BodyForm = "None" | "Length" | "Chunked" | "UntilClose";

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~\x80-\xff]*$/;
const REQUEST_ID = new RegExp(`^[A-Za-z0-9._-]{1,${REQUEST_ID_LENGTH_MAX}}$`);

/** How the body of `reply` is framed, whether it is sent or, for HEAD, only described. */
export function bodyFormOf(reply: HttpReply, { minorVersion }: Pick<ReplyShape, "minorVersion">): BodyForm {
  // RFC 9110, 6.4.1: these have no body, whatever the handler gives.
  if (reply.status < 200 || reply.status === 204 || reply.status === 304) return "None";
  if (typeof reply.body === "string") return "Length";
  return minorVersion === 1 ? "Chunked" : "UntilClose";
}

/**
 * The head with the empty line that ends it, as a byte string. A header that would break out of its line is a bug of the
 * handler: `AssertionFailure`.
 */
export function replyHead(reply: HttpReply, shape: ReplyShape): string {
  const { status, headers, body } = reply;
  let head = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
  for (const [name, value] of headers) {
    assert(NAME.test(name) && VALUE.test(value), `Cannot send the header ${JSON.stringify(name)}: it breaks the head`);
    head += `${name}: ${value}\r\n`;
  }
  const form = bodyFormOf(reply, shape);
  if (form === "Length" && typeof body === "string") head += `Content-Length: ${body.length}\r\n`;
  if (form === "Chunked") head += "Transfer-Encoding: chunked\r\n";
  if (!shape.staysOpen) head += "Connection: close\r\n";
  else if (shape.minorVersion === 0) head += "Connection: keep-alive\r\n";
  return `${head}Date: ${shape.date}\r\nX-Request-Id: ${shape.id}\r\n\r\n`;
}

/** Names requests: the client's own name where it is harmless in a log, else a fresh one. */
export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  /** `prefix` tells this run of the server from others: letters and digits. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The name of a request whose `X-Request-Id` is `given`. */
  of(given: string | undefined): string {
    if (given !== undefined && REQUEST_ID.test(given)) return given;
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
