/** The limits and times of the client, each with its reason. */

/** How long an operation may take unless its caller says otherwise, in ms. */
export const OPERATION_TIMEOUT_MS = 10_000;
/** A repeatable request that has no reply after so long is sent to another server as well. Above an election, in ms. */
export const ATTEMPT_TIMEOUT_MS = 3_000;
/** How long one server may take to accept a connection and to greet, in ms. */
export const CONNECT_TIMEOUT_MS = 1_500;
/** Operations under way in one client; one more is refused. */
export const OPERATIONS_MAX = 10_000;
/** Bytes of requests that wait for one connection's socket; above it a request is refused. */
export const UNSENT_BYTES_MAX = 67_108_864;
/** Connections to one server. One pipelines as well as many; a second keeps small replies from waiting behind a long one. */
export const CONNECTIONS_PER_SERVER = 2;
/** Servers that a client knows, those it was told by other servers included. */
export const SERVERS_MAX = 64;
/** A connection that was given up goes on for so long for requests that must not be sent twice, in ms. */
export const RETIREMENT_MS = 30_000;
/** Connections of one server that were given up and not closed yet; the oldest is closed for one more. */
export const RETIRED_MAX = 4;
/** How often the client asks who leads while it is in use, in ms. */
export const LEADER_CHECK_MS = 5_000;
/** A leader that could not be reached is not tried again for so long, in ms: its followers forward. */
export const UNREACHABLE_PAUSE_MS = 1_000;
/** The first pause before an attempt is repeated, in ms; each further one is twice as long. */
export const BACKOFF_MS = 16;
/** The longest pause between two attempts, in ms. */
export const BACKOFF_MS_MAX = 500;
/** How exactly deadlines are kept, in ms. */
export const TIMER_SLOT_MS = 16;
/** How long a session lives without its client, in ms, unless the caller says otherwise. */
export const SESSION_TTL_MS = 60_000;
/** Shortest and longest life of a session that servers take, in ms. */
export const SESSION_TTL_MS_RANGE = { least: 1_000, most: 86_400_000 } as const;
/**
 * How far the newest sequence number of a session may be ahead of the oldest that has no answer yet. Servers keep 128
 * answers; half of that leaves room for requests whose callers have given up.
 */
export const SESSION_WINDOW = 64;
/** How long `close` waits for operations under way, in ms. */
export const CLOSE_TIMEOUT_MS = 5_000;
/** How long `close` waits for the end of the session, in ms: it expires anyway. */
export const SESSION_CLOSE_TIMEOUT_MS = 1_000;
/** Longest line of a reply in bytes: errors and statuses are short. */
export const REPLY_LINE_BYTES_MAX = 65_536;
/** Bytes of one reply; a longer one ends the connection. */
export const REPLY_BYTES_MAX = 536_870_912;
/** Lists within lists of a reply. */
export const REPLY_DEPTH_MAX = 32;
/** Keys of the first page of a scan: small, since values may be large. */
export const SCAN_PAGE_FIRST = 16;
/** Keys of one page of a scan. */
export const SCAN_PAGE_MAX = 1_024;
/** The bytes that pages of a scan aim at. */
export const SCAN_PAGE_BYTES = 262_144;
