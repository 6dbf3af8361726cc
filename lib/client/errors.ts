/**
 * How an operation can fail. The three that matter to a caller are kept apart by class: what was certainly not done, what
 * may have been done, and what a server answered with an error.
 */

/** Certainly not done: nothing was changed, and doing it again is safe. */
export class NotDoneError extends Error {
  override readonly name = "NotDoneError";
  /**
   * Why, in one word: that of the server (CLUSTERDOWN, TRYAGAIN, BUSY, LOADING, MOVED, OOM, READONLY), or UNREACHABLE (no server
   * could be reached), DEADLINE (no answer in time), TOOMANY (too many requests wait in this client), PROTOCOL (what came back
   * from a read is no reply), CLOSED (the client was closed).
   */
  readonly code: string;

  /** Says why nothing was done. */
  constructor(code: string, details: { readonly message: string; readonly cause?: unknown }) {
    super(details.message, { cause: details.cause });
    this.code = code;
  }
}

/** Sent, and no answer came that tells whether it was done: it may have been, and may still be. Read before doing it again. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";

  /** Says why it is not known. */
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
  }
}

/** A server understood the request and answered with an error, such as WRONGTYPE or ERR. It changed nothing. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  /** The first word of the answer, in capitals: ERR, WRONGTYPE, NOAUTH, NOPERM. */
  readonly code: string;

  /** Takes the whole line of the answer, which is the message. */
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = /^[A-Z][A-Z0-9_]*(?= |$)/.exec(message)?.[0] ?? "ERR";
  }
}

/** What came from a server is not RESP, or exceeds a limit of this client. Ends the connection. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
