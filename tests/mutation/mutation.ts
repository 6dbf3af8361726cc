/** What a planted bug is: a few replacements in the shipped sources, and how they are made. Pure. */

/** One replacement. */
export interface Patch {
  /** Path below the root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A planted bug. */
export interface Mutation {
  /** `B4` or `B5a` by the list of known bugs, `M1` for a slip of our own imagination. */
  readonly id: string;
  /** What is wrong with the program, in one sentence. */
  readonly what: string;
  /** Made in this order; a file may occur more than once. */
  readonly patches: readonly Patch[];
  /** Files of tests that look at it, where they are not those next to the source; asked after the layers unless in haste. */
  readonly tests?: readonly string[];
}

/** A planted bug of one patch. */
export function slip(id: string, what: string, patch: Patch): Mutation {
  return { id, what, patches: [patch] };
}

/** Thrown when the sources have changed so that a patch no longer fits: the table is to be mended. */
export class StalePatchError extends Error {
  override readonly name = "StalePatchError";
}

/** The changed files by path; `read` gives the text of a file. Throws `StalePatchError` when a patch does not fit once. */
export function mutate(mutation: Mutation, read: (file: string) => string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of mutation.patches) {
    const text = texts.get(file) ?? read(file);
    const count = text.split(find).length - 1;
    if (count !== 1) throw new StalePatchError(`${mutation.id}: found ${count} times in ${file}: ${find}`);
    // A function, so that "$" in a replacement means nothing.
    texts.set(file, text.replace(find, () => replace));
  }
  return texts;
}
