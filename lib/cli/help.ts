/** The help texts, made from the tables of commands and flags. */

import { alignColumns } from "../cluster/ready_text.ts";
import { COMMAND_TEXTS, EXIT_CODE_TEXTS } from "./command_texts.ts";
import { type CommandName, type Flag, flagsOf } from "./flags.ts";

/** The help of the program. */
export function showHelp(): string {
  const texts = Object.entries(COMMAND_TEXTS);
  return joinLines([
    "KVStore: a distributed, fault-tolerant key-value store.",
    "",
    "Usage:",
    ...indent(texts.map(([, { usage }]) => usage)),
    "",
    "Commands:",
    ...indent(alignColumns(texts.map(([name, { summary }]) => [name, summary]))),
    "",
    "kvstore help COMMAND shows the flags of a command.",
  ]);
}

/** The help of one command. */
export function showCommandHelp(command: CommandName): string {
  const { usage, summary, details } = COMMAND_TEXTS[command];
  const flags = flagsOf(command).map((flag) => [showFlag(flag), showDefault(flag)]);
  const codes = EXIT_CODE_TEXTS.map(([code, meaning]) => [String(code), meaning]);
  return joinLines([
    `Usage: ${usage}`,
    "",
    summary,
    ...details,
    "",
    "Flags:",
    ...indent(alignColumns(flags)),
    "",
    "Every flag but --config, --help, --version and --yes can also be set by the environment (KVSTORE_DATA_DIR for",
    '--data-dir) and by the file of --config ({"data-dir": "..."}). A flag goes before the environment, that before the file.',
    "",
    "Exit codes:",
    ...indent(alignColumns(codes)),
  ]);
}

function showFlag(flag: Flag): string {
  return flag.placeholder === undefined ? `--${flag.name}` : `--${flag.name} ${flag.placeholder}`;
}

function showDefault(flag: Flag): string {
  const shown = flag.defaultShown ?? flag.default;
  return shown === undefined ? flag.help : `${flag.help} Default: ${shown}.`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
