/** What a directory holds, to tell whether anything in it has changed. */

/** Every file below a directory with its size and a hash of its bytes, by path; empty when there is no directory. */
export async function hashTree(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  await walk(root, "", tree);
  return tree;
}

/** Bytes of all files below a directory; those that go while it is read count nothing. */
export function treeBytes(root: string): number {
  let sum = 0;
  for (const entry of Deno.readDirSync(root)) {
    const path = `${root}/${entry.name}`;
    try {
      sum += entry.isDirectory ? treeBytes(path) : Deno.statSync(path).size;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return sum;
}

async function walk(root: string, inside: string, tree: Record<string, string>): Promise<void> {
  const names = [...Deno.readDirSync(`${root}/${inside}`)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const entry of names) {
    const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory) await walk(root, path, tree);
    else tree[path] = await hash(await Deno.readFile(`${root}/${path}`));
  }
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `${bytes.length} bytes, ${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
