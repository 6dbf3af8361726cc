/** Commands of the program against nodes that have users, as their first one unless it is said otherwise. */

import { runProgram } from "../../support/program.ts";

/** Password of the first user, whose name is `root`. */
export const ROOT_PASSWORD = "correct-horse";
/** The environment by which commands log in as him. */
export const AS_ROOT = { KVSTORE_USER: "root", KVSTORE_PASSWORD: ROOT_PASSWORD };

/** Runs a command of the program, its words with single spaces between them, at one of these client ports. */
export async function runAsRoot(
  ports: readonly number[],
  words: string,
  environment: Readonly<Record<string, string>> = AS_ROOT,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [command = "", ...rest] = words.split(" ");
  const list = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const { code, stdout, stderr } = await runProgram([command, "--connect", list, ...rest], { environment });
  return { code, out: stdout, err: stderr };
}
