/** `kvstore cli`: one command, a script from a pipe, or the interactive shell. */

import { stdin, stdout } from "node:process";
import type { Trust } from "../base/dial.ts";
import { clientTrust } from "./client_tls.ts";
import type { CommandContext } from "./command_context.ts";
import { readCredentials } from "./credentials.ts";
import { EXIT } from "./failures.ts";
import { type Connect, Connections, readConnectList } from "./shell/connections.ts";
import { History, historyPath } from "./shell/history.ts";
import { runInteractive } from "./shell/interactive.ts";
import { lineOfArguments } from "./shell/quoting.ts";
import { linesOf } from "./shell/lines.ts";
import { openNodeAs } from "./shell/node_connection.ts";
import { Session } from "./shell/session.ts";
import { Shell } from "./shell/shell.ts";
import type { Surroundings } from "./surroundings.ts";

/** Runs the client on this process's standard streams. */
export async function runCliCommand(context: CommandContext): Promise<number> {
  const trust = clientTrust(context);
  const connect = openNodeAs({ credentials: readCredentials(context.settings), trust });
  const session = openSession(context, connect, { trust });
  const { operands, surroundings } = context;
  if (operands.length > 0) return await runOne(session, { operands, surroundings });
  if (!Deno.stdin.isTerminal()) return await runScript(session, { lines: linesOf(Deno.stdin.readable), surroundings });
  const history = new History(historyPath(surroundings.environment));
  const { out, err } = surroundings;
  return await runInteractive({ session, history, out, err, input: stdin, output: stdout });
}

/** A session with the nodes of `--connect`. Throws `UsageError`. */
export function openSession(
  { settings }: CommandContext,
  connect: Connect,
  { trust }: { readonly trust?: Trust | undefined } = {},
): Session {
  const nodes = readConnectList(settings.text("connect"), { keepsNames: trust !== undefined });
  return new Session({
    connections: new Connections(nodes, connect),
    timeoutMs: settings.integer("timeout-ms"),
    now: () => performance.now(),
    sleep,
  });
}

/** One command; its exit code says what came of it. */
export async function runOne(
  session: Session,
  { operands, surroundings }: { operands: readonly string[]; surroundings: Surroundings },
): Promise<number> {
  const shell = scriptShell(session, surroundings);
  const { exitCode } = await shell.run(lineOfArguments(operands));
  session.close();
  return exitCode;
}

/** Each line is a command; the exit code is that of the first one that failed. */
export async function runScript(
  session: Session,
  { lines, surroundings }: { lines: AsyncIterable<string>; surroundings: Surroundings },
): Promise<number> {
  const shell = scriptShell(session, surroundings);
  let firstFailure: number = EXIT.ok;
  for await (const line of lines) {
    const { exitCode, leave } = await shell.run(line);
    if (firstFailure === EXIT.ok) firstFailure = exitCode;
    if (leave) break;
  }
  session.close();
  return firstFailure;
}

function scriptShell(session: Session, { out, err }: Surroundings): Shell {
  const history = new History(undefined);
  const pause = async (delayMs: number) => {
    await sleep(delayMs);
    return true;
  };
  return new Shell({ session, history, out, err, interactive: false, pause });
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
