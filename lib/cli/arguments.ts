/** Splits the command line into a command, its flags and its operands; the values are read elsewhere. */

import { parseArgs } from "@std/cli";
import { type CommandName, findFlag, type FlagName, FLAGS, flagsOf } from "./flags.ts";
import { nearest, quoteForPeople, UsageError } from "./usage_error.ts";

/** Every command that can be named. */
export const COMMAND_NAMES: readonly CommandName[] = [
  "cluster",
  "node",
  "cli",
  "bench",
  "leader",
  "rolling-restart",
  "member",
  "user",
  "inspect",
  "disk",
  "recover",
  "rekey",
  "backup",
  "verify",
  "restore",
  "undo",
  "export",
  "import",
  "tls",
  "assets",
  "version",
  "licenses",
  "help",
];

/** The command line before its values are read. `command` is undefined when none is named. */
export interface SplitArguments {
  readonly command: CommandName | undefined;
  readonly flags: ReadonlyMap<FlagName, string>;
  readonly operands: readonly string[];
}

const SWITCHES = FLAGS.filter((flag) => flag.kind === "switch").map((flag) => flag.name);
const VALUED = FLAGS.filter((flag) => flag.kind !== "switch").map((flag) => flag.name);
const NAMES = FLAGS.map((flag) => flag.name);
/** Stands for `--` while the arguments are split: no argument of a process can hold a NUL. */
const END_OF_FLAGS = "\0";

/** Throws `UsageError` for an unknown command, an unknown flag, a flag of another command, one that is given twice. */
export function splitArguments(args: readonly string[]): SplitArguments {
  const flags = new Map<FlagName, string>();
  let rest = takeFlags(args, flags);
  if (rest[0] === END_OF_FLAGS) rest = rest.slice(1);
  if (rest.length === 0) return { command: undefined, flags, operands: [] };
  const command = readCommand(rest[0] ?? "");
  rest = takeFlags(rest.slice(1), flags);
  const operands: string[] = [];
  // The words of `cli` belong to the server from the first one on, whatever they look like.
  while (rest.length > 0) {
    const ended = rest[0] === END_OF_FLAGS;
    if (ended || command === "cli") {
      operands.push(...(ended ? rest.slice(1) : rest));
      break;
    }
    operands.push(rest[0] ?? "");
    rest = takeFlags(rest.slice(1), flags);
  }
  checkFlagsOf(command, flags);
  return { command, flags, operands };
}

/** Refuses flags that mean nothing to a command. */
export function checkFlagsOf(command: CommandName, flags: ReadonlyMap<FlagName, string>): void {
  for (const name of flags.keys()) {
    const flag = findFlag(name);
    if (flag === undefined || flag.commands.includes(command)) continue;
    const others = flag.commands.map((other) => `kvstore ${other}`).join(" and ");
    const near = nearest(name, flagsOf(command).map((other) => other.name));
    throw new UsageError(`--${name} is a flag of ${others}, not of kvstore ${command}; the nearest one is --${near}`);
  }
}

/** Moves the flags at the start of `args` into `flags` and returns what follows them. */
function takeFlags(args: readonly string[], flags: Map<FlagName, string>): readonly string[] {
  refuseUnderscore(args);
  const unknown: string[] = [];
  const parsed = parseArgs(args.map((arg) => arg === "--" ? END_OF_FLAGS : arg), {
    string: ["_", ...VALUED],
    boolean: SWITCHES,
    collect: NAMES,
    alias: { h: "help" },
    stopEarly: true,
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown.push(arg);
      return false;
    },
  });
  const rest = parsed._.map(String);
  restoreDashes(rest);
  refuseUnknown(unknown[0]);
  refuseOddSwitches(args.slice(0, args.length - rest.length));
  for (const name of NAMES) {
    const values = parsed[name];
    if (!Array.isArray(values) || values.length === 0) continue;
    if (values.length > 1 || flags.has(name)) throw new UsageError(`--${name} is given more than once; give it once`);
    flags.set(name, String(values[0]));
  }
  return rest;
}

/** `parseArgs` keeps the operands under the name `_` and breaks on a flag of that name, `-_`. No flag of ours has a `_`. */
function refuseUnderscore(args: readonly string[]): void {
  const at = args.findIndex((arg) => /^(?:--[^=]*|-(?!-).*)_/s.test(arg));
  // What stands behind an operand is not looked at here.
  if (at >= 0 && takeFlags(args.slice(0, at), new Map()).length === 0) refuseUnknown(args[at]);
}

/** Only the first `--` ends the flags; those behind an operand are looked at when their turn comes. */
function restoreDashes(rest: string[]): void {
  for (let at = 1; at < rest.length; at++) if (rest[at] === END_OF_FLAGS) rest[at] = "--";
}

function refuseUnknown(arg: string | undefined): void {
  if (arg === undefined) return;
  const name = arg.replace(/^-+/, "").replace(/=.*$/s, "");
  throw new UsageError(
    `Unknown flag ${quoteForPeople(arg.replace(/=.*$/s, ""))}; did you mean --${nearest(name, NAMES)}?`,
  );
}

/** `parseArgs` takes any text behind `--switch=` for true. */
function refuseOddSwitches(consumed: readonly string[]): void {
  for (const arg of consumed) {
    const match = /^--([a-z-]+)=(.*)$/s.exec(arg);
    const flag = match === null ? undefined : findFlag(match[1] ?? "");
    if (flag?.kind !== "switch" || match?.[2] === "true" || match?.[2] === "false") continue;
    throw new UsageError(
      `--${flag.name} takes no value but true or false, not ${
        quoteForPeople(match?.[2] ?? "")
      }; did you mean --${flag.name}?`,
    );
  }
}

function readCommand(word: string): CommandName {
  const command = COMMAND_NAMES.find((name) => name === word);
  if (command !== undefined) return command;
  const near = nearest(word, COMMAND_NAMES);
  throw new UsageError(`Unknown command ${quoteForPeople(word)}; did you mean kvstore ${near}?`);
}
