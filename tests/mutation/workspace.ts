/** A copy of the tree in a temporary directory, in which sources may be broken. */

import { ensureDir } from "@std/fs";
import { dirname, join } from "@std/path";
import { mutate, type Mutation } from "./mutation.ts";

/** What the layers of tests need; the golden and documentation tests read `docs`. */
const COPIED = ["lib", "tests", "deps", "docs", "main.ts", "mod.ts", "deno.json", "deno.lock"];

/** One copy, with mutations of different files at a time. */
export class Workspace {
  /** The root of the copy. */
  readonly root: string;
  /** The original texts of the files that are changed now. */
  readonly #changed = new Map<string, string>();

  private constructor(root: string) {
    this.root = root;
  }

  /** Copies the tree below `source`. */
  static async copyOf(source: string): Promise<Workspace> {
    const workspace = new Workspace(await Deno.makeTempDir({ prefix: "kvstore-mutate-" }));
    for (const name of COPIED) await copy(join(source, name), join(workspace.root, name));
    return workspace;
  }

  /** Whether the path below the root exists. */
  async has(path: string): Promise<boolean> {
    try {
      await Deno.stat(join(this.root, path));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Breaks files of the copy that are whole, and returns the files changed. Throws `StalePatchError`, with nothing changed. */
  async plant(mutation: Mutation): Promise<readonly string[]> {
    const texts = mutate(mutation, (file) => Deno.readTextFileSync(join(this.root, file)));
    for (const [file, text] of texts) {
      this.#changed.set(file, await Deno.readTextFile(join(this.root, file)));
      await Deno.writeTextFile(join(this.root, file), text);
    }
    return [...texts.keys()];
  }

  /** Makes the copy whole again. */
  async restore(): Promise<void> {
    for (const [file, text] of this.#changed) await Deno.writeTextFile(join(this.root, file), text);
    this.#changed.clear();
  }

  /** Removes the copy. */
  async remove(): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    await ensureDir(dirname(to));
    await Deno.copyFile(from, to);
    return;
  }
  await ensureDir(to);
  for await (const { name } of Deno.readDir(from)) await copy(join(from, name), join(to, name));
}
