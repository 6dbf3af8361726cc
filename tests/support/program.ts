/** How the process tests start the program: the executable named by KVSTORE_BINARY, or `deno run` as `deno task` does. */

import { V8_FLAGS } from "../../lib/cluster/own_program.ts";
import { fromFileUrl } from "@std/path";
import { DEADLINE_MS } from "./wait.ts";

/** The root of the repository. */
export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

/** A command with its arguments. */
export type CommandLine = readonly string[];

/** How a program ended, and what it wrote. */
export interface ProgramResult {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether the tests run against an executable. */
export function isCompiled(): boolean {
  return binary() !== undefined;
}

/** The command line that starts the program with `args`. */
export function programLine(args: CommandLine): CommandLine {
  const executable = binary();
  if (executable !== undefined) return [executable, ...args];
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    V8_FLAGS,
    ...permissionFlags(args[0]),
    `${ROOT}main.ts`,
    ...args,
  ];
}

/** The environment of this process without settings of the program, which must not reach the nodes of a test. */
export function cleanEnvironment(): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("KVSTORE_"));
  return { ...Object.fromEntries(own), NO_COLOR: "1" };
}

/** What `spawnLine` starts, and with what. */
export interface SpawnOptions {
  readonly stdin?: "null" | "piped";
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

/** Starts a command line with both outputs piped. */
export function spawnLine(line: CommandLine, options: SpawnOptions = {}): Deno.ChildProcess {
  const [executable, ...args] = line;
  if (executable === undefined) throw new Error("Cannot start an empty command line");
  return new Deno.Command(executable, {
    args,
    clearEnv: true,
    env: { ...cleanEnvironment(), ...options.environment },
    cwd: options.directory ?? ROOT,
    stdin: options.stdin ?? "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs the program to its end; kills it after `timeoutMs` (default 60 000). */
export async function runProgram(
  args: CommandLine,
  options: SpawnOptions & { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<ProgramResult> {
  const child = spawnLine(programLine(args), { ...options, stdin: options.input === undefined ? "null" : "piped" });
  const timer = setTimeout(() => kill(child, "SIGKILL"), options.timeoutMs ?? DEADLINE_MS);
  try {
    if (options.input !== undefined) await feed(child, options.input);
    const { code, signal, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a signal to a process of ours; one that has ended is left alone. */
export function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended.
  }
}

async function feed(child: Deno.ChildProcess, input: string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
}

function binary(): string | undefined {
  const path = Deno.env.get("KVSTORE_BINARY");
  if (path === undefined || path === "") return undefined;
  return path.startsWith("/") ? path : `${ROOT}${path}`;
}

/** The rights that the task of the same name in deno.json gives, so that the tests find out when they do not suffice. */
function permissionFlags(command: string | undefined): readonly string[] {
  const name = command === "cluster" || command === "cli" ? command : "node";
  const config: { readonly tasks?: Readonly<Record<string, unknown>> } = JSON.parse(
    Deno.readTextFileSync(`${ROOT}deno.json`),
  );
  const match = /deno run (.*?) ?(?:\.\/)?main\.ts/.exec(JSON.stringify(config.tasks?.[name] ?? ""));
  if (match === null) throw new Error(`Cannot find "deno run ... main.ts" in task "${name}" of deno.json`);
  return (match[1] ?? "").split(" ").filter((flag) => flag !== "" && flag !== "--quiet" && flag !== "--no-prompt");
}
