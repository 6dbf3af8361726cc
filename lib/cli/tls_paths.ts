/** Where certificates lie in a directory. */

import { Failure } from "./failures.ts";

const SUFFIX = ".pem";

/** The names of the certificates of a directory, without the ending, in order. Throws `Failure`. */
export function certificatesIn(directory: string): readonly string[] {
  try {
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => name.endsWith(SUFFIX));
    return names.map((name) => name.slice(0, -SUFFIX.length)).sort();
  } catch (error) {
    throw new Failure(`Cannot read ${directory}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whether there is anything of that name. Throws `Failure` where that cannot be seen. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new Failure(`Cannot look for ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
