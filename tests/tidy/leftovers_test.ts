/** Nothing lies about that an editor or a merge left behind, and what comments cite stands in the repository. */

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "./project.ts";

/** Files that editors, `patch` and merges leave behind, and markers of a merge that was not finished. */
const LEFTOVER = /(\.(orig|rej|bak|swp|tmp)|~)$/;
const CONFLICT_MARKER = /^(<{7}|>{7}) /m;
const TEXT = /\.(ts|js|md|json|txt|css|html|sh|yml|yaml)$/;
/** Where nothing of ours stands, or only what runs make. */
const NOT_OURS: ReadonlySet<string> = new Set([".git", "node_modules", "kvstore-data", "dist", "tmp", ".coverage"]);
/** Documents that do not belong to the repository; a reader of the code could not open them. */
const OUTSIDE_DOCUMENT =
  /\b(RELIABILITY|INTERFACES|DATA-PATH|PLATFORM|PERFORMANCE|ARCHITECTURE|STYLE)\b(\.md)?( section|, section| [A-Z]\d)/;
const THIS_FILE = "tests/tidy/leftovers_test.ts";

function filesBelow(folder: string): readonly string[] {
  return [...Deno.readDirSync(`${ROOT}${folder}`)].flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory ? filesBelow(path) : [path];
  });
}

/** What is wrong with one file, in words. */
function findFaults(path: string, text: () => string): readonly string[] {
  if (LEFTOVER.test(path)) return [`${path}: left behind by an editor or a merge`];
  if (!TEXT.test(path) || path === THIS_FILE) return [];
  const content = text();
  const faults: string[] = [];
  if (CONFLICT_MARKER.test(content)) faults.push(`${path}: a merge was not finished`);
  const outside = OUTSIDE_DOCUMENT.exec(content);
  if (outside !== null) faults.push(`${path}: cites ${outside[0]}, which is not in the repository`);
  return faults;
}

Deno.test("the repository holds no leftovers, no unfinished merge, and cites no document that it does not hold", () => {
  assertEquals(filesBelow("").flatMap((path) => findFaults(path, () => Deno.readTextFileSync(`${ROOT}${path}`))), []);
});

Deno.test("leftovers, unfinished merges and foreign documents are recognised", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["lib/a.ts.orig", ""],
    ["lib/a.ts.rej", ""],
    ["lib/a.ts~", ""],
    ["lib/a.ts", "x\n<<<<<<< ours\n"],
    ["lib/a.ts", "/** RELIABILITY section 4: why. */"],
    ["lib/a.ts", "// RELIABILITY B22"],
  ];
  for (const [path, text] of wrong) assertEquals(findFaults(path, () => text).length, 1, `${path} ${text}`);
  assertEquals(findFaults("lib/original.ts", () => "// An original thought.\n"), []);
});

Deno.test("every number of a known bug that the sources cite stands in docs/known-bugs.md", () => {
  const rows = [...Deno.readTextFileSync(`${ROOT}docs/known-bugs.md`).matchAll(/^\| (B\d+) +\|/gm)];
  const known = new Set(rows.map(([, id]) => id));
  assert(known.size >= 25, `${known.size} rows were read`);
  const cited = ["lib", "tests/paper", "tests/scripts", "tests/unit", "tests/sim", "tests/mutation"].flatMap(filesBelow)
    .filter((path) => /\.(ts|txt)$/.test(path))
    .flatMap((path) => {
      const text = Deno.readTextFileSync(`${ROOT}${path}`);
      return [...text.matchAll(/(?:\(|, |"|# |bug )(B\d+)[a-z]?\b(?=[)",: ])/g)].map(([, id = ""]) => ({ path, id }));
    });
  assert(cited.length >= 50, `${cited.length} citations were found`);
  assertEquals(cited.filter(({ id }) => !known.has(id)).map(({ path, id }) => `${path}: ${id}`), []);
});
