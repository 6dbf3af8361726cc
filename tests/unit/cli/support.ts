/** What the tests of the command line share: settings from plain values, and surroundings that remember. */

import { type Settings, settle } from "../../../lib/cli/settings.ts";
import { splitArguments } from "../../../lib/cli/arguments.ts";
import type { Surroundings } from "../../../lib/cli/surroundings.ts";

/** Surroundings with an environment and files of their own. */
export interface FakeSurroundings extends Surroundings {
  readonly output: () => string;
  readonly errors: () => string;
  readonly roots: () => string | undefined;
}

/** Makes surroundings that keep what is written; `exposed` are the files that everybody can read. */
export function fakeSurroundings(
  environment: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
  exposed: readonly string[] = [],
): FakeSurroundings {
  let output = "";
  let errors = "";
  let roots: string | undefined;
  return {
    environment: (name) => environment[name],
    readTextFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Deno.errors.NotFound(`No such file: ${path}`);
      return text;
    },
    isExposedFile: (path) => exposed.includes(path),
    out: (text) => output += text,
    err: (text) => errors += text,
    output: () => output,
    errors: () => errors,
    trustRoots: (said) => roots = said,
    roots: () => roots,
  };
}

/** The settings of a command line without environment and files. */
export function settingsOf(...args: string[]): Settings {
  return settle(splitArguments(args).flags, fakeSurroundings());
}
