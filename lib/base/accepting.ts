/** What a failed accept tells: that the system lacks something, or that one client has left again. */

/** Failed accepts after which others have a turn of the event loop: an accept that fails at once takes none. */
export const FAILED_ACCEPTS_PER_TURN_MAX = 64;

/** EMFILE, ENFILE, ENOBUFS and ENOMEM; on Linux the numbers of ENOMEM, ENFILE, EMFILE and ENOBUFS. */
const LACK = /^E(?:MFILE|NFILE|NOBUFS|NOMEM)$|\(os error (?:12|23|24|105)\)/;

/**
 * Whether the system has no descriptor or no memory for another connection, by the error's code, else by the number in its message:
 * a pause may help. Any other failure, such as a client that was gone before it was accepted, concerns that connection alone.
 */
export function lacksResources(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return LACK.test("code" in error ? String(error.code) : error.message);
}
