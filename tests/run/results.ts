/** What runs of `deno test` report as JUnit files, added up. */

/** How a run ended. Steps count like tests. */
export interface Results {
  readonly passed: number;
  readonly failed: number;
  /** Names of the tests that did not run here; each says what it needs. */
  readonly ignored: readonly string[];
}

const TESTCASE = /<testcase name="([^"]*)"([^>]*)>([^]*?)<\/testcase>/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Reads the JUnit file of one run. */
export function readResults(xml: string): Results {
  let passed = 0;
  let failed = 0;
  const ignored: string[] = [];
  for (const [, name = "", attributes = "", body = ""] of xml.matchAll(TESTCASE)) {
    if (/<(?:failure|error)\b/.test(body)) failed += 1;
    else if (!body.includes("<skipped")) passed += 1;
    // What --filter leaves out is skipped as well, and takes no time at all.
    else if (attributes.includes("time=")) ignored.push(unescape(name));
  }
  return { passed, failed, ignored };
}

/** The last lines of a run: each ignored test, and a summary in the form of `deno test`. */
export function describeResults(
  runs: readonly Results[],
  { isOk, seconds }: { readonly isOk: boolean; readonly seconds: number },
): string {
  const ignored = runs.flatMap((run) => run.ignored);
  const sum = (pick: (run: Results) => number) => runs.reduce((total, run) => total + pick(run), 0);
  const counts = [`${sum(({ passed }) => passed)} passed`, `${sum(({ failed }) => failed)} failed`];
  if (ignored.length > 0) counts.push(`${ignored.length} ignored`);
  const time = `${Math.floor(seconds / 60)}m${Math.floor(seconds % 60)}s`;
  return [
    ...(ignored.length === 0 ? [] : ["Ignored on this machine:", ...ignored.map((name) => `  ${name}`), ""]),
    `${isOk ? "ok" : "FAILED"} | ${counts.join(" | ")} (${time})`,
  ].join("\n");
}

function unescape(text: string): string {
  return text.replace(/&(\w+);/g, (entity, name) => ENTITIES[name] ?? entity);
}
