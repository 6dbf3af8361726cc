/** The layers of tests: a failing test has found the bug when its file passes in the copy without it. */

import { runDeno } from "./command.ts";
import { type Finding, readTests } from "./layers.ts";
import type { TestStep } from "./plan.ts";
import type { Workspace } from "./workspace.ts";

/** A copy to break, and one that is whole. */
export interface Copies {
  readonly workspace: Workspace;
  readonly control: Workspace;
}

/** What a run found; a test that fails without the bug too tells nothing about it. */
export interface TestResult {
  readonly found: Finding | undefined;
  readonly unrelated: readonly Finding[];
}

const NOTHING: TestResult = { found: undefined, unrelated: [] };
/** For one run: many times what it needs. */
const TESTS_LIMIT_MS = 600_000;

/** Runs tests in the broken copy, and the file of the first one that fails in the whole copy as well. */
export async function runTests(
  { workspace, control }: Copies,
  { layer, paths, without, signal }: TestStep & { readonly signal: AbortSignal },
): Promise<TestResult> {
  const present: string[] = [];
  for (const path of paths) if (await workspace.has(path)) present.push(path);
  if (present.length === 0) return NOTHING;
  const run = async (directory: string, chosen: readonly string[]) => {
    const args = ["test", "--allow-all", "--no-prompt", "--no-check", "--fail-fast"];
    if (without.length > 0) args.push(`--ignore=${without.join(",")}`);
    return readTests(await runDeno([...args, ...chosen], { directory, limitMs: TESTS_LIMIT_MS, signal }), layer);
  };
  const found = await run(workspace.root, present);
  if (found === undefined) return NOTHING;
  const flaw = await run(control.root, found.file === undefined ? present : [found.file]);
  return flaw === undefined ? { found, unrelated: [] } : { found: undefined, unrelated: [flaw] };
}
