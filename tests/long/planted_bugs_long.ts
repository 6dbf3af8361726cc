/** The planted bugs are programs: one that does not compile is looked for by nothing, and counts as a bug that is not found. */

import { assertEquals } from "@std/assert";
import { runDeno } from "../mutation/command.ts";
import { mutate, type Mutation } from "../mutation/mutation.ts";
import { MUTATIONS } from "../mutation/mutations.ts";
import { Workspace } from "../mutation/workspace.ts";
import { ROOT } from "../support/program.ts";

const LIMIT_MS = 300_000;

/** Mutations that may be planted beside each other. */
interface Batch {
  readonly mutations: Mutation[];
  readonly files: Set<string>;
}

/** As few batches as there are mutations of one file, so that the types are checked a dozen times and not for each. */
function batchesOf(mutations: readonly Mutation[]): readonly Batch[] {
  const batches: Batch[] = [];
  for (const mutation of mutations) {
    const files = [...mutate(mutation, (file) => Deno.readTextFileSync(`${ROOT}/${file}`)).keys()];
    let batch = batches.find((one) => files.every((file) => !one.files.has(file)));
    if (batch === undefined) batches.push(batch = { mutations: [], files: new Set() });
    batch.mutations.push(mutation);
    for (const file of files) batch.files.add(file);
  }
  return batches;
}

Deno.test("every planted bug compiles", async () => {
  const workspace = await Workspace.copyOf(ROOT);
  const { signal } = new AbortController();
  try {
    for (const { mutations, files } of batchesOf(MUTATIONS)) {
      for (const mutation of mutations) await workspace.plant(mutation);
      const options = { directory: workspace.root, limitMs: LIMIT_MS, signal };
      const { code, output } = await runDeno(["check", "--quiet", ...files], options);
      await workspace.restore();
      assertEquals(code, 0, `${mutations.map(({ id }) => id).join(" ")}: ${output}`);
    }
  } finally {
    await workspace.remove();
  }
});
