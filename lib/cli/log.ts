/** The log of a node: one line each, with the time and the level, on standard error. */

import type { LogLevel, LogSink } from "../cluster/server_types.ts";
import { LOG_LEVELS } from "./flags.ts";

/** How `makeLog` writes and tells the time. */
export interface LogOptions {
  /** The least grave level that is shown. */
  readonly level: LogLevel;
  readonly write: (text: string) => void;
  readonly now: () => Date;
}

/** A sink that writes `2026-01-01T00:00:00.000Z INFO message`. A message stays on its line whatever it holds. */
export function makeLog({ level, write, now }: LogOptions): LogSink {
  const shownMax = LOG_LEVELS.indexOf(level);
  return (lineLevel, message) => {
    if (LOG_LEVELS.indexOf(lineLevel) > shownMax) return;
    write(`${now().toISOString()} ${lineLevel.toUpperCase()} ${onOneLine(message)}\n`);
  };
}

/** Shows control characters as escapes: a peer or a client must not be able to write lines of its own. */
export function onOneLine(message: string): string {
  let shown = "";
  for (const character of message) {
    const code = character.codePointAt(0) ?? 0;
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    shown += control ? `\\x${code.toString(16).padStart(2, "0")}` : character;
  }
  return shown;
}
