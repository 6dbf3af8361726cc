/** Runs the plugin over a piece of source as if it stood in a file of the project. */

import plugin from "./plugin.ts";
import { ROOT } from "./project.ts";

/** A file of the project with its text. */
export interface Sample {
  /** Path below the root: `lib/raft/log.ts`. */
  readonly path: string;
  readonly source: string;
}

/** What one rule says of a sample: the messages, in the order of the source. */
export function complaints(rule: string, { path, source }: Sample): readonly string[] {
  return Deno.lint.runPlugin(plugin, `${ROOT}${path}`, source)
    .filter(({ id }) => id === `tidy/${rule}`)
    .sort((one, other) => one.range[0] - other.range[0])
    .map(({ message }) => message);
}

/** A sample in one layer, in a file called `sample.ts`. */
export function inLayer(layer: string, source: string): Sample {
  return { path: `lib/${layer}/sample.ts`, source };
}
