/** The dispatch table: every command with its usage line, its summary and what runs it. */

import { runAssetsCommand } from "./assets_command.ts";
import { runBackupCommand } from "./backup/backup_command.ts";
import { runRestoreCommand } from "./backup/restore_command.ts";
import { runVerifyCommand } from "./backup/verify_command.ts";
import { runBenchCommand } from "./bench_command.ts";
import { runCliCommand } from "./cli_command.ts";
import { runClusterCommand } from "./cluster_command.ts";
import type { RunCommand } from "./command_context.ts";
import { COMMAND_NAMES } from "./arguments.ts";
import { runDiskCommand } from "./disk_command.ts";
import type { CommandName } from "./flags.ts";
import { showCommandHelp, showHelp } from "./help.ts";
import { runInspectCommand } from "./inspect_command.ts";
import { runLeaderCommand } from "./leader_command.ts";
import { showLicenses } from "./licenses.ts";
import { runMemberCommand } from "./member_command.ts";
import { runNodeCommand } from "./node_command.ts";
import { runRecoverCommand } from "./recover_command.ts";
import { runRekeyCommand } from "./rekey_command.ts";
import { runRollingRestartCommand } from "./rolling_restart_command.ts";
import { runExportCommand } from "./transfer/export_command.ts";
import { runImportCommand } from "./transfer/import_command.ts";
import { runTlsCommand } from "./tls_command.ts";
import { runUndoCommand } from "./transfer/undo_command.ts";
import { runUserCommand } from "./user_command.ts";
import { nearest, quoteForPeople, UsageError } from "./usage_error.ts";
import { versionJson, versionLine } from "./version.ts";

/** How each command is run. */
export const RUNNERS: Readonly<Record<CommandName, RunCommand>> = {
  cluster: withoutOperands(runClusterCommand),
  node: withoutOperands(runNodeCommand),
  cli: runCliCommand,
  bench: withoutOperands(runBenchCommand),
  leader: runLeaderCommand,
  "rolling-restart": withoutOperands(runRollingRestartCommand),
  member: runMemberCommand,
  user: (context) => runUserCommand(context),
  inspect: runInspectCommand,
  disk: runDiskCommand,
  recover: runRecoverCommand,
  rekey: runRekeyCommand,
  backup: runBackupCommand,
  verify: runVerifyCommand,
  restore: runRestoreCommand,
  export: runExportCommand,
  import: runImportCommand,
  undo: (context) => runUndoCommand(context),
  tls: runTlsCommand,
  assets: runAssetsCommand,
  version: withoutOperands(({ settings, surroundings }) => {
    surroundings.out(settings.enabled("json") ? versionJson() : `${versionLine()}\n`);
    return Promise.resolve(0);
  }),
  licenses: withoutOperands(({ surroundings }) => {
    surroundings.out(showLicenses());
    return Promise.resolve(0);
  }),
  help: ({ operands, surroundings }) => {
    surroundings.out(helpFor(operands));
    return Promise.resolve(0);
  },
};

function withoutOperands(run: RunCommand): RunCommand {
  return (context) => {
    const [operand] = context.operands;
    if (operand === undefined) return run(context);
    throw new UsageError(`Unexpected argument ${quoteForPeople(operand)}; flags begin with --, see --help`);
  };
}

function helpFor(operands: readonly string[]): string {
  const [word] = operands;
  if (word === undefined) return showHelp();
  const command = COMMAND_NAMES.find((name) => name === word);
  if (command !== undefined) return showCommandHelp(command);
  throw new UsageError(`Unknown command ${quoteForPeople(word)}; did you mean ${nearest(word, COMMAND_NAMES)}?`);
}
