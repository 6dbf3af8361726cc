/** Requests and replies of HTTP as the server that reads them and the routes that answer them share them. */

import type { Login } from "../access/login.ts";
import type { ConnectionRate } from "../access/request_rates.ts";
import type { CertifiedClient } from "../base/certified_client.ts";

/** A request that has been read whole. Byte strings throughout. */
export interface HttpRequest {
  /** In capitals, as sent. */
  readonly method: string;
  /** As sent, percent-encoded; begins with "/", without the query. */
  readonly path: string;
  /** What stands behind the first "?", as sent; "" when there is none. */
  readonly query: string;
  /** Names in lower case; the values of a name that came several times are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** The body, its transfer coding taken off; "" when there is none. */
  readonly body: string;
  /** Address of the client, for the log. */
  readonly remote: string;
  /** The client as its certificate names it; undefined where it does not. */
  readonly certified?: CertifiedClient | undefined;
  /** Whether it came by TLS that ends at this node. */
  readonly isTls?: boolean | undefined;
  /** Counts the requests of its connection; undefined where there may be any number. */
  readonly rate?: ConnectionRate | undefined;
  /** To be told of the login that its credentials are worth; left out where nobody asks. */
  readonly noteLogin?: (login: Login) => void;
  /** Names this request in logs and in `X-Request-Id`: the client's own, or a fresh one. */
  readonly id: string;
}

/** What a stream of a reply's body is written to. Nothing here throws; after the end calls have no effect. */
export interface BodySink {
  /** Bytes given to `send` and not yet with the system. */
  readonly unsentBytes: number;
  /** Queues a byte string. The caller looks at `unsentBytes` and waits for `drained` where it can; the rest is its own bound. */
  send(bytes: string): void;
  /** The body is complete. */
  finish(): void;
  /** The body cannot be completed: the connection is closed, so that the client notices. */
  abort(): void;
}

/** A body that is made piece by piece, sent with chunked coding. Calls come from the event loop. */
export interface BodyStream {
  /** The head of the reply has been queued. */
  opened(sink: BodySink): void;
  /** Everything queued is with the system. */
  drained(): void;
  /** The connection has ended, or the body is complete: let go of timers and memory. Once, also after `finish`. */
  closed(): void;
}

/** A reply. The server adds `Content-Length` or the chunked coding, `Date`, `Connection` and `X-Request-Id`. */
export interface HttpReply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | BodyStream;
  /** Of a stream: whether who gets it still may have it; asked with every change of the users. Left out: as long as he may ask for it. */
  readonly holds?: () => boolean;
}

/** What answers requests. Never throws and never rejects: a bug is answered with 500 by the handler itself. */
export interface HttpHandler {
  /**
   * Called once the head of a request is read, before its body: the longest body in bytes that is taken (0 for none), or the
   * reply that refuses the request at once.
   */
  judge(head: Omit<HttpRequest, "body">): number | HttpReply;
  /** Answers a request. */
  handle(request: HttpRequest): HttpReply | Promise<HttpReply>;
  /** What the server answers without asking (too slow, too long), with the headers that every reply has. */
  refused?(reply: HttpReply & { readonly body: string }): HttpReply;
}
