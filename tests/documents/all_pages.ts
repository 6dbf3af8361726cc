/** The pages of the documents, and whose commands are run: those of every task, and of what is listed here. */

import { ROOT } from "../support/program.ts";
import { type PageKind, type Plan, planPage } from "./page.ts";

const TASKS = "docs/operations";
const FOLDERS: readonly string[] = ["docs", TASKS];
const REFERENCES: readonly string[] = ["docs/http.md"];

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
    return { path, markdown, plan: planPage(markdown, kindOf(path)) };
  });
}

function kindOf(path: string): PageKind {
  if (path.startsWith(`${TASKS}/`)) return "task";
  return REFERENCES.includes(path) ? "reference" : "read";
}
