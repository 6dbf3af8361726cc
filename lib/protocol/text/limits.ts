/** The limits of the text protocol. */

/** Longest line of the text protocol in bytes, its end not counted. */
export const LINE_BYTES_MAX = 1_048_576;
