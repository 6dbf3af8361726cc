/** How this program starts itself again: the compiled executable, or `deno run` with the rights it has itself. */

import { argv } from "node:process";
import { basename, fromFileUrl, resolve } from "@std/path";
import { maySeeSpace } from "../storage/disk_space.ts";

/** What to start, and what a person types for the same. */
export interface OwnProgram {
  readonly executable: string;
  /** Arguments before those of the program. */
  readonly prefix: readonly string[];
  /** The words a person types before `cli`, `node` and so on. */
  readonly shown: string;
}

/** What is asked about this process, so that tests can give another one. */
export interface ProgramFacts {
  /** Whether `deno compile` made it. */
  readonly standalone: boolean;
  readonly executable: string;
  /** The program's name as whoever started it gave it; may be anything. */
  readonly typed: string;
  readonly mainModule: string;
  readonly directory: string;
  /** The directories in which the shell looks for programs. */
  readonly searchPath: readonly string[];
  granted(name: Deno.PermissionName): boolean;
  /** Whether it may ask how much room a disk has, which is a part of the permission `sys`. */
  readonly seesSpace: boolean;
  isFile(path: string): boolean;
  readonly onWindows: boolean;
}

/** Node processes start no other programs, so `run` is not handed down. */
const NODE_PERMISSIONS: readonly Deno.PermissionName[] = ["net", "read", "write", "env", "sys"];
const EVERY_PERMISSION: readonly Deno.PermissionName[] = [...NODE_PERMISSIONS, "run", "ffi"];

/**
 * Flags of V8 for a server, as the tasks in deno.json have them too: a larger young generation, since what a write leaves
 * behind dies soon; with the small one much of it is copied into the old generation first. See docs/performance.md. And a collector
 * that `IdleCollector` may call.
 */
export const V8_FLAGS = "--v8-flags=--min-semi-space-size=16,--max-semi-space-size=32,--expose-gc";

/** The program this process runs. */
export function findOwnProgram(facts: ProgramFacts = thisProcess()): OwnProgram {
  if (facts.standalone) return { executable: facts.executable, prefix: [], shown: showExecutable(facts) };
  const all = EVERY_PERMISSION.every((name) => facts.granted(name));
  const permissions = all
    ? ["--allow-all"]
    : NODE_PERMISSIONS.filter((name) => facts.granted(name)).map((name) => `--allow-${name}`);
  if (!all && !facts.granted("sys") && facts.seesSpace) permissions.push("--allow-sys=statfs");
  const main = facts.mainModule.startsWith("file:") ? fromFileUrl(facts.mainModule) : facts.mainModule;
  return {
    executable: facts.executable,
    prefix: ["run", "--quiet", "--no-prompt", V8_FLAGS, ...permissions, main],
    shown: hasDeno(facts) ? "deno task" : "npx -y deno task",
  };
}

/** Whether a person can type `deno`. What npx put into the search path is gone as soon as this process ends. */
function hasDeno({ searchPath, isFile }: ProgramFacts): boolean {
  return searchPath.some((folder) => {
    if (folder === "" || /[\\/](_npx|node_modules)[\\/]/.test(`${folder}/`)) return false;
    return isFile(`${folder}/deno`) || isFile(`${folder}/deno.exe`);
  });
}

/** What was typed, where the shell finds it again; else the way to the executable. */
function showExecutable(facts: ProgramFacts): string {
  const { typed, executable, directory, searchPath } = facts;
  if (leadsSomewhere(facts)) return quoteForShell(typed, facts);
  const name = basename(executable);
  if (searchPath.some((folder) => folder !== "" && resolve(folder, name) === executable)) return name;
  const inside = `${directory}/`;
  const path = executable.startsWith(inside) ? `./${executable.slice(inside.length)}` : executable;
  return quoteForShell(path, facts);
}

function leadsSomewhere({ typed, directory, searchPath, isFile, onWindows }: ProgramFacts): boolean {
  if (typed === "") return false;
  const isProgram = (path: string) => isFile(path) || (onWindows && isFile(`${path}.exe`));
  if (onWindows && /^[A-Za-z]:/.test(typed)) return isProgram(typed);
  if (onWindows ? /[\\/]/.test(typed) : typed.includes("/")) return isProgram(resolve(directory, typed));
  return searchPath.some((folder) => folder !== "" && isProgram(`${folder}/${typed}`));
}

/** A path as it is typed to a shell. */
export function quoteForShell(path: string, { onWindows }: Pick<ProgramFacts, "onWindows">): string {
  if (onWindows) return /[ &()^]/.test(path) ? `"${path}"` : path;
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function thisProcess(): ProgramFacts {
  const onWindows = Deno.build.os === "windows";
  return {
    onWindows,
    standalone: Deno.build.standalone,
    executable: Deno.execPath(),
    typed: argv[0] ?? "",
    mainModule: Deno.mainModule,
    directory: Deno.cwd(),
    searchPath: (Deno.env.get("PATH") ?? "").split(onWindows ? ";" : ":"),
    seesSpace: maySeeSpace(),
    granted: (name) => Deno.permissions.querySync({ name }).state === "granted",
    isFile: (path) => isFile(path),
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // Not there, or not to be looked at.
  }
}
