/** What the pages of this server know and those of other origins cannot read. */

import type { HttpRequest } from "./http.ts";

/** The header that carries it. */
export const TOKEN_HEADER = "x-kv-token";

const TOKEN_BYTES = 16;

/** 32 fresh hex digits. */
export function makeToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a request carries the token. Takes as long for one that is nearly right as for any other. */
export function hasToken(request: Pick<HttpRequest, "headers">, { token }: { readonly token: string }): boolean {
  const sent = request.headers.get(TOKEN_HEADER) ?? "";
  if (sent.length !== token.length) return false;
  let difference = 0;
  for (let at = 0; at < token.length; at++) difference |= sent.charCodeAt(at) ^ token.charCodeAt(at);
  return difference === 0;
}
