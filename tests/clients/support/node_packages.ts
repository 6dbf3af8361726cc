/** The npm packages of the matrix, installed once for each content of the lock file in the system's temporary directory. */

import { ROOT } from "../../support/program.ts";
import { withDeadline } from "../../support/wait.ts";

/** Where the drivers for Node stand. */
export const NODE_DRIVERS: string = `${ROOT}tests/clients/node`;

const INSTALL_TIMEOUT_MS = 180_000;

let installed: Promise<string> | undefined;

/** The directory that holds `node_modules`; the first call in a process installs what is not there. */
export function nodePackages(): Promise<string> {
  installed ??= install();
  return installed;
}

async function install(): Promise<string> {
  const lock = await Deno.readFile(`${NODE_DRIVERS}/package-lock.json`);
  const directory = `${temporaryDirectory()}/kvstore-clients-${await digest(lock)}`;
  if (await exists(`${directory}/node_modules`)) return directory;
  // Another process may do the same at this moment: each fills a directory of its own, and the first rename wins.
  const fresh = await Deno.makeTempDir({ prefix: "kvstore-clients-install-" });
  try {
    for (const name of ["package.json", "package-lock.json"]) {
      await Deno.copyFile(`${NODE_DRIVERS}/${name}`, `${fresh}/${name}`);
    }
    await run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], fresh);
    await Deno.rename(fresh, directory).catch(async (error) => {
      if (!await exists(`${directory}/node_modules`)) throw error;
    });
  } finally {
    await Deno.remove(fresh, { recursive: true }).catch(() => {});
  }
  return directory;
}

async function run([program = "", ...args]: readonly string[], directory: string): Promise<void> {
  const child = new Deno.Command(program, { args, cwd: directory, stdout: "piped", stderr: "piped" }).spawn();
  const output = await withDeadline(child.output(), {
    what: `${program} ${args[0]} ends`,
    timeoutMs: INSTALL_TIMEOUT_MS,
  })
    .catch((error) => {
      child.kill("SIGKILL");
      throw error;
    });
  if (!output.success) throw new Error(`Cannot install packages: ${new TextDecoder().decode(output.stderr)}`);
}

function temporaryDirectory(): string {
  return Deno.env.get("TMPDIR") ?? "/tmp";
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
