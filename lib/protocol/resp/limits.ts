/** The limits of the Redis protocol, each with its reason. */

import { COMMAND_BYTES_MAX } from "../../kv/commands.ts";

/** Words of one request; Redis has the same. */
export const REQUEST_WORDS_MAX = 1_048_576;
/** Longest announced word that is read over and refused; a longer one ends the connection, as in Redis. */
export const BULK_BYTES_MAX = 536_870_912;
/** Bytes of all words of a request, some for each word included: what fits into one command of the log. */
export const REQUEST_BYTES_MAX = COMMAND_BYTES_MAX;
/** Longest line with a count or a length. */
export const HEADER_BYTES_MAX = 64;
/** Longest inline request; Redis has the same. */
export const INLINE_BYTES_MAX = 65_536;
/** What a piece of a word that comes in many costs beside its bytes. */
export const PIECE_OVERHEAD_BYTES = 64;
/** Commands that one MULTI may queue. */
export const QUEUED_COMMANDS_MAX = 65_536;
/** Keys that one connection may watch. */
export const WATCHED_KEYS_MAX = 65_536;
/** Longest name of a connection and of its client library. */
export const NAME_BYTES_MAX = 256;
