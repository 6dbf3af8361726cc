/** One attempt to connect, with an end. */

import type { Clock } from "../base/clock.ts";
import type { Endpoint } from "./address.ts";

/** How to connect; `connect` is replaceable for tests. */
export interface DialOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the attempt early. */
  readonly signal: AbortSignal;
  readonly connect?: (options: Endpoint & { readonly signal: AbortSignal }) => Promise<Deno.TcpConn>;
}

/** Connects within `timeoutMs`. Rejects with the system's error or `DialTimeoutError`; what connects too late is closed. */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Deno.TcpConn> {
  const attempt = new AbortController();
  const timeout = Promise.withResolvers<never>();
  function abandon(): void {
    attempt.abort();
    timeout.reject(new DialTimeoutError(options.timeoutMs));
  }
  const timer = options.clock.after(options.timeoutMs, abandon);
  options.signal.addEventListener("abort", abandon);
  const connecting = (options.connect ?? connectTcp)({ ...endpoint, signal: attempt.signal });
  connecting.then((socket) => {
    if (attempt.signal.aborted) socket.close();
  }, () => {}); // The race below reports the error.
  try {
    return await Promise.race([connecting, timeout.promise]);
  } finally {
    timer.cancel();
    options.signal.removeEventListener("abort", abandon);
  }
}

/** No connection within the time for one attempt. */
export class DialTimeoutError extends Error {
  override readonly name = "DialTimeoutError";
  constructor(timeoutMs: number) {
    super(`no connection within ${timeoutMs} ms`);
  }
}

function connectTcp(options: Endpoint & { readonly signal: AbortSignal }): Promise<Deno.TcpConn> {
  return Deno.connect(options);
}
