/** What `parseArgs` is asked for. */
export interface ParseArgsOptions {
  string?: readonly string[];
  boolean?: readonly string[];
  alias?: Readonly<Record<string, string>>;
  collect?: readonly string[];
  stopEarly?: boolean;
  "--"?: boolean;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
/** Flags by name, and under `_` the rest. */
export interface ParsedArgs {
  _: (string | number)[];
  [flag: string]: unknown;
}
/** Splits command-line arguments into flags and operands. */
export function parseArgs(args: readonly string[], options?: ParseArgsOptions): ParsedArgs;
