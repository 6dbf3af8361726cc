/**
 * What each test of Redis's suite is expected to give, as a text that people edit: one line for each test, and below what
 * does not pass, indented, the reason.
 */

/** What became of one test. A failure after a command that KVStore does not have is `unsupported`. */
export type Outcome = "pass" | "fail" | "unsupported" | "skipped";

/** One test. */
export interface SuiteResult {
  readonly outcome: Outcome;
  readonly name: string;
  /** Of a run: what the test said. Of the list: why this is right. */
  readonly detail: string;
}

const OUTCOMES: readonly Outcome[] = ["pass", "fail", "unsupported", "skipped"];
const NAME_COLUMN = 13;

/** Stands for a reason that nobody has written yet. */
const UNEXPLAINED = "(explain)";

/** Reads a list. Throws on a line that is neither a test nor a reason. */
export function parseExpected(text: string): readonly SuiteResult[] {
  const results: SuiteResult[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    if (line.startsWith(" ")) {
      const last = results.pop();
      if (last === undefined) throw new Error(`Cannot read the list: a reason without a test: ${line.trim()}`);
      results.push({ ...last, detail: line.trim() });
    } else results.push({ outcome: outcomeOf(line), name: line.slice(NAME_COLUMN), detail: "" });
  }
  return results;
}

/** The names of tests that do not pass and have no reason. */
export function unexplained(expected: readonly SuiteResult[]): readonly string[] {
  return expected
    .filter(({ outcome, detail }) => outcome !== "pass" && (detail === "" || detail.startsWith(UNEXPLAINED)))
    .map(({ name }) => name);
}

function outcomeOf(line: string): Outcome {
  const outcome = OUTCOMES.find((each) => line.slice(0, NAME_COLUMN).trimEnd() === each);
  if (outcome === undefined) throw new Error(`Cannot read the list: no outcome in ${line}`);
  return outcome;
}

/** What differs between a run and the list; nothing when the run is as expected. */
export function differences(actual: readonly SuiteResult[], expected: readonly SuiteResult[]): readonly string[] {
  const rest = [...expected];
  const found: string[] = [];
  for (const result of actual) {
    const at = rest.findIndex(({ name, outcome }) => name === result.name && outcome === result.outcome);
    const other = rest.find(({ name }) => name === result.name);
    if (at >= 0) rest.splice(at, 1);
    else {
      const wanted = other === undefined ? "is not in the list" : `should be ${other.outcome}`;
      found.push(`${result.name}: ${result.outcome} (${result.detail}), ${wanted}`);
    }
  }
  const named = new Set(actual.map(({ name }) => name));
  const lost = rest.filter(({ name }) => !named.has(name));
  return [...found, ...lost.map(({ name }) => `${name}: did not run`)];
}

/** The list that a run makes; reasons of the list before stay where name and outcome did. */
export function formatExpected(
  heading: string,
  { actual, before }: { readonly actual: readonly SuiteResult[]; readonly before: readonly SuiteResult[] },
): string {
  const lines = actual.flatMap(({ outcome, name, detail }) => {
    const line = `${outcome.padEnd(NAME_COLUMN)}${name}`;
    if (outcome === "pass") return [line];
    const known = before.find((each) => {
      return each.name === name && each.outcome === outcome && !each.detail.startsWith(UNEXPLAINED);
    })?.detail;
    return [line, `    ${outcome === "fail" ? known ?? `${UNEXPLAINED} ${detail}` : detail}`];
  });
  return `# ${heading}\n${lines.join("\n")}\n`;
}
