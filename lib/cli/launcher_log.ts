/** What the launcher writes to standard error: its own lines and those of its nodes, in one format. */

import type { LogFormat } from "../observe/log.ts";
import { makeLog, onOneLine } from "./log.ts";

/** Where lines go. */
export interface LauncherLogOptions {
  readonly format: LogFormat;
  readonly write: (text: string) => void;
  readonly now: () => Date;
}

/** Takes the lines of the launcher and of its nodes. */
export interface LauncherLog {
  say(line: string): void;
  /** A line that node `id` wrote, without its end. */
  nodeLine(id: number, line: string): void;
}

/** Text lines of a node get its name in front; JSON lines carry it already and stay what they are. */
export function makeLauncherLog({ format, write, now }: LauncherLogOptions): LauncherLog {
  if (format === "text") {
    const say = (line: string) => write(`${onOneLine(line)}\n`);
    return { say, nodeLine: (id, line) => say(`[node ${id}] ${line}`) };
  }
  const logOf = (node: number | undefined) => makeLog({ level: "info", format, node, write, now });
  const own = logOf(undefined);
  return {
    say: (line) => own("info", line, { component: "launcher" }),
    nodeLine: (id, line) => line.startsWith("{") ? write(`${onOneLine(line)}\n`) : logOf(id)("info", line),
  };
}
