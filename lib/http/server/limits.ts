/** The limits of the HTTP port, each with its reason. Deadlines are defaults: `HttpTimes` gives others, for tests. */

/** Longest request line in bytes: a key of 64 KiB with every byte percent-encoded, and a query. */
export const REQUEST_LINE_BYTES_MAX = 212_992;
/** Bytes of all header lines of a request, line ends included; those behind a chunked body count by themselves. */
export const HEADER_BYTES_MAX = 32_768;
/** Header lines of a request: each costs an entry of a map. */
export const HEADERS_MAX = 100;
/** Longest line that begins a chunk, with its extensions, which nobody uses. */
export const CHUNK_LINE_BYTES_MAX = 256;
/** A partial head must be complete so long after its first byte, and a first byte come so long after the connection. */
export const HEAD_TIMEOUT_MS = 10_000;
/** What a body may take, however short it is. */
export const BODY_TIMEOUT_MS = 30_000;
/** A body that arrives slower than this, once `BODY_TIMEOUT_MS` are over, is given up. */
export const BODY_BYTES_PER_SECOND_MIN = 102_400;
/** A connection without a request is closed after this time: longer than browsers and proxies pause between two. */
export const IDLE_TIMEOUT_MS = 60_000;
/** Input that is read and dropped after a last reply; more is left to the system, whose buffers then stop the client. */
export const LINGER_BYTES_MAX = 8_388_608;
/** Requests taken from all HTTP connections together in one turn of the event loop: some milliseconds. */
export const HTTP_REQUESTS_PER_TURN_MAX = 256;
/** Bytes that all HTTP connections together may hold: heads and bodies being read or answered, unsent replies. */
export const HTTP_MEMORY_BYTES_MAX = 100_663_296;
/** What connections may hold together on which nobody has logged in, where that is needed: the rest is for the others. */
export const HTTP_BEFORE_LOGIN_BYTES_MAX = 25_165_824;
/** What each of them may hold however much that is, uncounted: a request that says who sends it, and a login form. */
export const BEFORE_LOGIN_SHARE_BYTES = 16_384;
/** What a connection reads a long body into: longer ones would be most of the memory when thousands of bodies come slowly. */
export const BODY_BUFFER_BYTES = 16_384;
/** From here on the end of a body and what is done with it are two turns of the event loop. */
export const LONG_BODY_BYTES = 1_048_576;
/** Longest id of a request that is taken over from the client. */
export const REQUEST_ID_LENGTH_MAX = 64;

/** The deadlines of an HTTP port in milliseconds; tests shorten them. */
export interface HttpTimes {
  readonly headMs: number;
  readonly bodyMs: number;
  readonly bodyBytesPerSecondMin: number;
  readonly idleMs: number;
  /** How long a connection goes on reading and dropping after its last reply. */
  readonly lingerMs: number;
}
