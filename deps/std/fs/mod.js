/* @ts-self-types="./mod.d.ts" */
/** The functions of `@std/fs` that are used, for a build where only the npm registry is reachable: see ../README.md. */

export async function ensureDir(path) {
  await Deno.mkdir(path, { recursive: true });
}

export async function exists(path) {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
