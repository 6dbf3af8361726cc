/** The limits of the client port, each with its reason. */

/**
 * Requests of one connection that have no reply with the system yet, where few connections are open; above it nothing more is read from
 * that connection. A client that sends without waiting fills a proposal with them while the one before it is on its way.
 */
export const REQUESTS_IN_FLIGHT_MAX = 4_096;
/** The same, however many are open. */
export const REQUESTS_IN_FLIGHT_MIN = 1_024;
/** Shared by the connections of a port between these two: far below what may wait on a node, so that nobody is refused for it. */
export const REQUESTS_IN_FLIGHT_SHARED = 32_768;
/** Bytes of those under way above which there are no more than the least: long ones fill a proposal by themselves, and what waits on a node has its bounds. */
export const REQUESTS_IN_FLIGHT_BYTES_MAX = 1_048_576;
/** Requests taken from all connections together in one turn of the event loop: about 10 ms of the worst junk. */
export const REQUESTS_PER_TURN_MAX = 2_048;
/** Bytes of one connection waiting to be sent; above it nothing more is read from that connection. */
export const UNSENT_BYTES_MAX = 1_048_576;
/** A write that makes no progress for so long ends its connection: the client does not read. */
export const WRITE_TIMEOUT_MS = 30_000;
/** A long request may take longer than that if it comes at this rate. */
export const RECEIVE_BYTES_PER_SECOND_MIN = 102_400;
/** A connection gives way to a new one, where there is no room for both, when nothing has come from it for so long. */
export const IDLE_GIVES_WAY_MS = 10_000;
/** How often the writes in flight are looked at. */
export const WRITE_CHECK_MS = 1_000;
/**
 * How long a connection that was finished goes on reading and dropping what the client still sends. Closed with unread
 * input, the system would reset the connection, and the client could lose the last reply.
 */
export const LINGER_MS = 1_000;
/** How long a connection beyond the limit is waited for to say which protocol it speaks, so that it is refused in that. */
export const REFUSAL_WAIT_MS = 100;
/** Connections beyond the limit that are waited for at once; further ones are closed without a word. */
export const REFUSALS_WAITING_MAX = 64;
/** The pause after an accept that failed for want of a file descriptor or of memory. */
export const ACCEPT_PAUSE_MS = 50;
/** File descriptors that clients leave to peers and files once the system's limit is met. */
export const DESCRIPTORS_RESERVED = 32;
/** How long a limit that a lack of file descriptors lowered stays before it rises by a step; twice as long after each relapse. */
export const LIMIT_RISE_WAIT_MS_MIN = 1_000;
/** The longest wait before such a step: a step too far ends connections. */
export const LIMIT_RISE_WAIT_MS_MAX = 60_000;
/** After so long without a failed accept the next one is no relapse. */
export const LIMIT_CALM_MS = 300_000;
/** First size of a connection's read buffer: enough for a command, small enough for thousands of idle connections. */
export const READ_BUFFER_BYTES_MIN = 4_096;
/** What a read buffer grows to when reads fill it. */
export const READ_BUFFER_BYTES_MAX = 65_536;
/** Replies are gathered into pieces of about this size, one write each; a longer reply has pieces of its own. */
export const PIECE_BYTES_MAX = 65_536;
/** A longer reply leaves in pieces of this size: each takes the event loop about a millisecond. */
export const LONG_PIECE_BYTES = 1_048_576;
/** First size of a connection's write buffer. */
export const WRITE_BUFFER_BYTES_MIN = 512;
/** Bytes that all connections together may hold: unfinished lines, histories, unsent replies. */
export const CLIENT_MEMORY_BYTES_MAX = 268_435_456;
/** What one connection may hold while that limit is exceeded; a connection that holds more is closed. */
export const FAIR_SHARE_BYTES = 65_536;
/** One of so many connections of a port may be one on which nobody has logged in, where that is needed ... */
export const CONNECTIONS_PER_ONE_BEFORE_LOGIN = 4;
/** ... at least so many: a newcomer takes the place of the oldest of them, and a pool of clients logs in all at once ... */
export const BEFORE_LOGIN_CONNECTIONS_MIN = 16;
/** ... and at most so many: what they hold stays far below what all may hold. */
export const BEFORE_LOGIN_CONNECTIONS_MAX = 1_024;
/** How long a connection may be open before somebody has logged in on it: time for a person to type it. */
export const LOGIN_TIMEOUT_MS = 60_000;
/** Words of a request before login; Redis has the same. HELLO with user, password and name has seven. */
export const BEFORE_LOGIN_WORDS_MAX = 10;
/** Longest word, inline request and line before login; Redis has the same for words. */
export const BEFORE_LOGIN_BYTES_MAX = 16_384;
/** Bytes waiting to be sent on a connection before login; above it nothing more is read from it: its replies are short. */
export const BEFORE_LOGIN_UNSENT_BYTES_MAX = 16_384;
