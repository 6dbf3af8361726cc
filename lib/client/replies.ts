/** What a server answers, in the types of JavaScript. */

import type { ServerError } from "./errors.ts";

/**
 * A reply: a status as text, a byte string as bytes, an integer as a number (a bigint beyond 2^53), a double, a boolean,
 * nothing as null, and lists. Maps and sets come as the flat lists that they are in RESP2. An error within a list is a value.
 */
export type Reply = string | number | bigint | boolean | null | Uint8Array | ServerError | readonly Reply[];
