/** The log of a node: one line each, as text for people or as JSON for machines, on standard error. */

import type { Log, LogFields, LogFormat, LogLevel } from "../observe/log.ts";
import { RepeatFilter } from "../observe/repeat_filter.ts";
import { LOG_LEVELS } from "./flags.ts";

/** How `makeLog` writes and tells the time. */
export interface LogOptions {
  /** The least grave level that is shown. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whose log it is; undefined for the launcher's own lines. */
  readonly node: number | undefined;
  readonly write: (text: string) => void;
  readonly now: () => Date;
}

/** One line before it is written. */
interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A sink that writes lines and folds those that come again and again. A message stays on its line whatever it holds. */
export function makeLog({ level, format, node, write, now }: LogOptions): Log {
  const shownMax = LOG_LEVELS.indexOf(level);
  const repeats = new RepeatFilter<LogLine>();
  const show = (line: LogLine, time: Date) => write(format === "json" ? asJson(line, time, node) : asText(line, time));
  return (lineLevel, message, fields = {}) => {
    if (LOG_LEVELS.indexOf(lineLevel) > shownMax) return;
    const time = now();
    const line = { level: lineLevel, message, fields };
    for (const { line: folded, count } of repeats.due(time.getTime())) {
      show({ ...folded, message: `${folded.message} (${count} more like this)` }, time);
    }
    if (repeats.pass(`${lineLevel} ${message}`, { line, now: time.getTime() })) show(line, time);
  };
}

function asText({ level, message, fields: { requestId } }: LogLine, time: Date): string {
  const about = requestId === undefined ? "" : ` (request ${onOneLine(requestId)})`;
  return `${time.toISOString()} ${level.toUpperCase()} ${onOneLine(message)}${about}\n`;
}

function asJson({ level, message, fields }: LogLine, time: Date, node?: number): string {
  const { component, requestId } = fields;
  const shown = { time: time.toISOString(), level, msg: message, node, component, "request_id": requestId };
  return `${JSON.stringify(shown)}\n`;
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
