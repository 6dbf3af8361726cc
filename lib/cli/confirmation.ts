/** Asks before a cluster is changed. */

import type { CommandContext } from "./command_context.ts";
import { Failure } from "./failures.ts";
import { UsageError } from "./usage_error.ts";

/** Somebody who can be asked; tests give their own. */
export interface Person {
  /** Whether anybody reads the question and can answer it. */
  isThere(): boolean;
  /** Whether the answer was yes. */
  agrees(question: string): boolean;
}

const PERSON: Person = {
  isThere: () => Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
  agrees: (question) => confirm(question),
};

/**
 * Shows what will be done, on standard error where standard output is for JSON, and returns if that is wanted: `--yes`, or a
 * yes on a terminal. Throws `UsageError` where nobody can be asked, and `Failure` after a no.
 */
export function confirmOrThrow(
  { settings, surroundings }: Pick<CommandContext, "settings" | "surroundings">,
  what: string,
  { person = PERSON }: { readonly person?: Person } = {},
): void {
  const show = settings.enabled("json") ? surroundings.err : surroundings.out;
  show(`${what}\n`);
  if (settings.enabled("yes")) return;
  if (!person.isThere()) throw new UsageError("This changes the cluster: give --yes where nobody can be asked");
  if (!person.agrees("Go on?")) throw new Failure("Nothing was done");
}
