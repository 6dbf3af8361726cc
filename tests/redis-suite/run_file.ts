/** One file of Redis's suite, run against a server on a port. */

import type { Outcome, SuiteResult } from "./expected.ts";

const WRAPPER = new URL("./wrapper.tcl", import.meta.url).pathname;

/** A file and what it needs. */
export interface SuiteFile {
  /** Its name without folder and extension, such as `unit/type/string`. */
  readonly name: string;
  /** Tests that are left out, with the reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** Whether tests run that Redis leaves out against a server it did not start. */
  readonly likeOwnServer?: boolean;
}

/** Where it runs. */
export interface SuitePlace {
  /** Redis's source. */
  readonly directory: string;
  readonly port: number;
  /** The file is ended after that; its last test counts as failed. */
  readonly timeoutMs: number;
}

/** Runs the file and returns what each of its tests gave. */
export async function runFile(file: SuiteFile, { directory, port, timeoutMs }: SuitePlace): Promise<SuiteResult[]> {
  const args = [WRAPPER, "127.0.0.1", String(port), `tests/${file.name}.tcl`];
  if (file.likeOwnServer === true) args.push("-with-tag", "external:skip");
  for (const name of Object.keys(file.without ?? {})) args.push("-without-test", name);
  const timeout = AbortSignal.timeout(timeoutMs);
  const command = new Deno.Command("tclsh", { args, cwd: directory, signal: timeout, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.split("\t"));
  const results = lines.flatMap(([kind = "", name = "", detail = ""]): SuiteResult[] => {
    if (kind === "begin" || kind === "end" || kind === "") return [];
    const without = kind === "skipped" ? file.without?.[name] : undefined;
    return [{ outcome: outcomeOf(kind), name, detail: without ?? detail }];
  });
  if (lines.some(([kind]) => kind === "end")) return results;
  const last = lines.findLast(([kind]) => kind === "begin")?.[1] ?? "";
  const cause = timeout.aborted ? `${timeoutMs} ms are over` : `exit code ${code}`;
  const error = new TextDecoder().decode(stderr).split("\n").slice(0, 3).join(" ");
  return [...results, { outcome: "fail", name: "(end of file)", detail: `${cause} in "${last}" ${error}` }];
}

function outcomeOf(word: string): Outcome {
  switch (word) {
    case "pass":
    case "fail":
    case "unsupported":
    case "skipped":
      return word;
    default:
      throw new Error(`Cannot read what the wrapper said: ${word}`);
  }
}
