/** Where the master key comes from: a file, the environment, or a program. Errors never show what was read. */

import { MasterKeyError } from "../base/errors.ts";
import { ExposedFileError, readPrivateText } from "../base/private_files.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import { EncryptedDisk } from "../storage/encryption/encrypted_disk.ts";
import { type MasterKeys, parseMasterKeys } from "../storage/encryption/master_key.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

/** How long the program of `--master-key-command` may take. */
export const KEY_COMMAND_MS = 10_000;
/** How much it may print, on each of its outputs. */
export const KEY_COMMAND_BYTES_MAX = 4_096;
/** Characters of its last words that an error shows. */
const SHOWN_MAX = 200;

/** The keys that the settings give; undefined where none is given. Rejects with `MasterKeyError` and `UsageError`. */
export async function readMasterKeys(settings: Settings): Promise<MasterKeys | undefined> {
  const ways = (["master-key", "master-key-file", "master-key-command"] as const).flatMap((name) => {
    const given = settings.given(name);
    return given === undefined ? [] : [{ name, ...given }];
  });
  const [way, other] = ways;
  if (way === undefined) return undefined;
  const { name, origin } = way;
  if (other !== undefined) {
    throw new UsageError(`The master key is given twice, by ${origin} and by ${other.origin}; give one`);
  }
  const value = String(way.value);
  if (name === "master-key-file") return parseMasterKeys(readKeyFile(value), value);
  if (name === "master-key-command") {
    return parseMasterKeys(await runKeyCommand(value, { origin }), `What ${origin} prints`);
  }
  if (origin === "--master-key") {
    throw new UsageError(
      "--master-key would show the key to every user of this machine; give --master-key-file FILE, or KVSTORE_MASTER_KEY",
    );
  }
  return parseMasterKeys(value, origin);
}

/** The files of this machine, encrypted directories among them as far as the settings give their key. Rejects as `readMasterKeys`. */
export async function keyedDisk(settings: Settings): Promise<EncryptedDisk> {
  return new EncryptedDisk(new DenoDisk(), { masterKeys: await readMasterKeys(settings) });
}

function readKeyFile(path: string): string {
  try {
    return readPrivateText(path, "the master key");
  } catch (error) {
    if (error instanceof ExposedFileError) throw new MasterKeyError(error.message);
    throw new MasterKeyError(`Cannot read the master key ${path}: ${messageOf(error)}`);
  }
}

/** What the program prints. `timeoutMs` is for tests. Rejects with `MasterKeyError`. */
export async function runKeyCommand(
  command: string,
  { origin, timeoutMs = KEY_COMMAND_MS }: { readonly origin: string; readonly timeoutMs?: number },
): Promise<string> {
  const [program = "", ...args] = command.split(" ").filter((word) => word !== "");
  const fail = (why: string) => new MasterKeyError(`No master key: ${origin} ${why}`);
  const child = startProgram(program, { args, fail });
  const outputs = [child.stdout.getReader(), child.stderr.getReader()] as const;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill(child);
    // What it has started may go on, with these in its hands.
    for (const output of outputs) void output.cancel();
  }, timeoutMs);
  try {
    const [printed, said, { code, signal }] = await Promise.all([
      readBounded(child, outputs[0]),
      readBounded(child, outputs[1]),
      child.status,
    ]);
    if (late) throw fail(`was not done within ${timeoutMs / 1_000} s`);
    if (printed === undefined || said === undefined) throw fail(`printed more than ${KEY_COMMAND_BYTES_MAX} bytes`);
    if (signal !== null) throw fail(`was ended by ${signal}`);
    if (code !== 0) throw fail(`ended with exit code ${code}${lastWords(said)}`);
    return printed;
  } finally {
    clearTimeout(timer);
  }
}

function startProgram(
  program: string,
  { args, fail }: { readonly args: readonly string[]; readonly fail: (why: string) => MasterKeyError },
): Deno.ChildProcess {
  try {
    return new Deno.Command(program, { args: [...args], stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    throw fail(`cannot be run: ${messageOf(error)}`);
  }
}

/** Undefined where it is too much; then the program is ended, and nothing more is read. */
async function readBounded(
  child: Deno.ChildProcess,
  output: ReadableStreamDefaultReader<Uint8Array>,
): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for (;;) {
    const { value, done } = await output.read();
    if (done) return text;
    bytes += value.length;
    if (bytes > KEY_COMMAND_BYTES_MAX) {
      kill(child);
      await output.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The last line of what it said, of printable characters. */
function lastWords(said: string): string {
  const line = said.trim().split("\n").at(-1) ?? "";
  const shown = line.replace(/[^\x20-\x7e]/g, "?").slice(0, SHOWN_MAX);
  return shown === "" ? "" : `: ${shown}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
