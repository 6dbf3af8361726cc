/** What everything that logs calls, and what a line carries beside its text. */

/** How grave a log line is, gravest first. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** `text` is `2026-01-01T00:00:00.000Z INFO message`; `json` has the same as an object, with what is known beside it. */
export type LogFormat = "text" | "json";

/** What a line is about, for whoever filters lines by machine. */
export interface LogFields {
  /** Which part of the program speaks: raft, peers, clients, http. */
  readonly component?: string;
  /** The `X-Request-Id` of the HTTP request that the line is about. */
  readonly requestId?: string;
}

/** Takes one line of the log. Never throws. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** A log whose lines carry `fields`, those of the line itself first. */
export function withFields(log: Log, fields: LogFields): Log {
  return (level, message, own?: LogFields) => log(level, message, own === undefined ? fields : { ...fields, ...own });
}
