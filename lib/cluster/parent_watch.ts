/** A node started by the launcher must not outlive it, not even when the launcher is killed with signal 9. */

/** The variable that tells a node that the launcher started it and holds the other end of its standard input. */
export const LAUNCHED_VARIABLE = "KVSTORE_LAUNCHED";

/** Resolves when the other end of `input` is closed, which the system does when the launcher ends in whatever way. */
export async function parentGone(input: { read(buffer: Uint8Array): Promise<number | null> }): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    while (await input.read(buffer) !== null);
  } catch {
    // A pipe that cannot be read any more has no launcher at its end either.
  }
}
