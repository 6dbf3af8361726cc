/** What strace wrote of a process: which files it made durable, renamed and removed, and when. */

import type { CommandLine } from "./program.ts";

/** Calls that make durable what was written, or change a directory. */
export interface SystemCall {
  readonly name: "fdatasync" | "fsync" | "rename" | "unlink";
  /** The file that was synced, removed, or has a new name by now. */
  readonly path: string;
  /** Seconds since 1970 by the machine's clock. */
  readonly begun: number;
  readonly ended: number;
}

const TRACED = "fdatasync,fsync,rename,renameat,renameat2,unlink,unlinkat";

/** The same command line under strace, which writes into `file` and leaves signals and the standard streams alone. */
export function tracedLine(line: CommandLine, file: string): CommandLine {
  return ["strace", "-D", "-f", "-y", "-q", "-ttt", "-T", "-e", `trace=${TRACED}`, "-o", file, ...line];
}

/** Whether a trace tells of the end of process `pid`: strace writes its last lines after the program has ended. */
export function isComplete(text: string, pid: number): boolean {
  return new RegExp(`^${pid} +\\S+ \\+\\+\\+ exited with`, "m").test(text);
}

/** The calls of a trace that succeeded, in the order in which they began. */
export function readTrace(text: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { readonly call: string; readonly begun: number }>();
  for (const line of text.split("\n")) {
    const [, thread = "", time = "", rest = ""] = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line) ?? [];
    const begun = Number(time);
    if (rest.endsWith("<unfinished ...>")) {
      unfinished.set(thread, { call: rest, begun });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const first = resumed === undefined ? { call: rest, begun } : unfinished.get(thread);
    if (first === undefined) continue;
    const result = /= 0 <([\d.]+)>$/.exec(rest)?.[1];
    const call = result === undefined ? undefined : parseCall(first.call);
    if (call === undefined) continue;
    calls.push({ ...call, begun: first.begun, ended: first.begun + Number(result) });
  }
  return calls.sort((left, right) => left.begun - right.begun);
}

function parseCall(text: string): Pick<SystemCall, "name" | "path"> | undefined {
  const name = /^[a-z0-9]+/.exec(text)?.[0] ?? "";
  if (name === "fdatasync" || name === "fsync") {
    const path = /^\w+\(\d+<([^>]*)>/.exec(text)?.[1];
    return path === undefined ? undefined : { name, path };
  }
  // Of a rename the new name comes last, of a removal the only one.
  const path = [...text.matchAll(/"([^"]*)"/g)].at(-1)?.[1];
  if (path === undefined || !/^(rename|unlink)/.test(name)) return undefined;
  return { name: name.startsWith("rename") ? "rename" : "unlink", path };
}
