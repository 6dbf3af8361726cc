/** The pages whose commands are run: those that people who use the program read. */

import { ROOT } from "../support/program.ts";
import { type Plan, planPage } from "./page.ts";

/** Every block of these is run, the output of one that is, or marked. */
const STRICT = "docs/operations";
const FOLDERS: readonly string[] = ["docs", STRICT];

/** A page of the documents. */
export interface DocumentPage {
  /** From the root of the repository. */
  readonly path: string;
  readonly markdown: string;
  readonly plan: Plan;
}

/** The README and every page of the documents, in the order of their names. */
export function readAllPages(): readonly DocumentPage[] {
  const pages = FOLDERS.flatMap((folder) =>
    [...Deno.readDirSync(`${ROOT}${folder}`)].filter(({ name }) => name.endsWith(".md")).map(({ name }) =>
      `${folder}/${name}`
    )
  );
  return ["README.md", ...pages.sort()].map((path) => {
    const markdown = Deno.readTextFileSync(`${ROOT}${path}`);
    return { path, markdown, plan: planPage(markdown, { isStrict: path.startsWith(STRICT) }) };
  });
}
