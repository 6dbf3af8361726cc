/** Files and directories that are for their owner alone, and what is said of those that are not. */

/** Of the owner alone: what is made here. */
export const PRIVATE_FILE = 0o600;
/** The same for a directory. */
export const PRIVATE_DIRECTORY = 0o700;
/** Who is neither the owner nor in the group. */
const STRANGERS = 0o007;

/** A file with a secret that everybody on the machine can read. */
export class ExposedFileError extends Error {
  override readonly name = "ExposedFileError";

  /** `what` names it: "the key". */
  constructor(what: string, path: string) {
    super(`Everybody on this machine can read ${what} ${path}: chmod 600 it, or 640 for a group`);
  }
}

/** The text of a file with a secret. Throws `ExposedFileError` for one that strangers can read, and the system's errors. */
export function readPrivateText(path: string, what: string): string {
  if (isExposedFile(path)) throw new ExposedFileError(what, path);
  return Deno.readTextFileSync(path);
}

/** Whether that is a file that strangers can read. Throws the system's errors. */
export function isExposedFile(path: string): boolean {
  const { isFile, mode } = Deno.statSync(path);
  // A pipe of the shell is nobody else's.
  return isFile && isExposed(mode);
}

/** Whether strangers can do anything with what has that mode; a group may be meant. Windows has no such modes. */
export function isExposed(mode: number | null): boolean {
  return Deno.build.os !== "windows" && mode !== null && (mode & STRANGERS) !== 0;
}
