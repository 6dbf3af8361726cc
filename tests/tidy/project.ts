/** Where a file stands in the project, for rules that apply to some folders only. */

import { fromFileUrl } from "@std/path";

/** The root of the repository, with a slash at the end. */
export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

/** The path of a file below the root, with forward slashes: `lib/raft/log.ts`. */
export function projectPath(filename: string): string {
  const path = filename.startsWith("file:") ? fromFileUrl(filename) : filename;
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

/** The folder below `lib` that a project path belongs to, `main.ts` or `mod.ts`, or undefined for what is outside the program. */
export function layerOf(path: string): string | undefined {
  if (path === "main.ts" || path === "mod.ts") return path;
  return /^lib\/([^/]+)\/./.exec(path)?.[1];
}

/** Whether a project path belongs to the program itself, and not to its tests and tools. */
export function isProgram(path: string): boolean {
  return path.startsWith("lib/") || layerOf(path) !== undefined;
}
