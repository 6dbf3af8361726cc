/** A node started by the launcher must not outlive it, not even when the launcher is killed with signal 9. */

import { randomBytes } from "node:crypto";

/** The variable that tells a node that the launcher started it and holds the other end of its standard input. */
export const LAUNCHED_VARIABLE = "KVSTORE_LAUNCHED";

/** The variable with a secret of the launcher's present life, by which its nodes know it among those who connect. */
export const LAUNCHER_SECRET_VARIABLE = "KVSTORE_LAUNCHER_SECRET";

const SECRET_BYTES = 32;

/** A fresh one, in hexadecimal. */
export function makeLauncherSecret(): string {
  return randomBytes(SECRET_BYTES).toString("hex");
}

/** Resolves when the other end of `input` is closed, which the system does when the launcher ends in whatever way. */
export async function parentGone(input: { read(buffer: Uint8Array): Promise<number | null> }): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    while (await input.read(buffer) !== null);
  } catch {
    // A pipe that cannot be read any more has no launcher at its end either.
  }
}
