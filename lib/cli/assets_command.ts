/** `kvstore assets`: the files for other programs that the executable carries. */

import { ensureDir } from "@std/fs";
import { dirname, join } from "@std/path";
import { ASSET_PATHS, readAsset } from "../observe/asset_files.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT, Failure } from "./failures.ts";
import { UsageError } from "./usage_error.ts";

/**
 * `dump DIR` writes every file below DIR. A file that is there already with other contents is kept, and nothing at all is
 * written: somebody may have changed it.
 */
export async function runAssetsCommand({ operands, surroundings }: CommandContext): Promise<number> {
  const [action, directory, ...others] = operands;
  if (action !== "dump" || directory === undefined || directory === "" || others.length > 0) {
    throw new UsageError("assets takes dump and one directory, for example kvstore assets dump ./monitoring");
  }
  const files = await Promise.all(ASSET_PATHS.map(async (path) => {
    const target = join(directory, path);
    return { target, text: await readAsset(path), found: await textOf(target) };
  }));
  const changed = files.filter(({ text, found }) => found !== undefined && found !== text);
  if (changed.length > 0) {
    const names = changed.map(({ target }) => target).join(", ");
    throw new Failure(`Cannot overwrite ${names}: the contents differ; move them away first. Nothing was written`);
  }
  for (const { target, text, found } of files) {
    if (found === undefined) await write(target, text);
    surroundings.out(`${target}${found === undefined ? "" : " (unchanged)"}\n`);
  }
  return EXIT.ok;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Failure(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await ensureDir(dirname(path));
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    throw new Failure(`Cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
