/** What a command may touch of the process it runs in, so that tests can put something else in its place. */

import process from "node:process";
import { isExposedFile } from "../base/private_files.ts";

/** The variable by which Deno is told its roots; it reads it when it first needs them. */
const ROOTS_VARIABLE = "DENO_TLS_CA_STORE";
/** Those that name a file of further ones, read at the same time. */
const FURTHER_ROOTS_VARIABLES = ["DENO_CERT", "NODE_EXTRA_CA_CERTS"];
/** Windows takes a variable without a value for none at all. */
const EMPTY_LIST = ",";

/** Environment, configuration files, the two output streams, and the CAs that are trusted. */
export interface Surroundings {
  environment(name: string): string | undefined;
  /** Throws what the system throws. */
  readTextFile(path: string): string;
  /** Whether everybody on the machine can read that file. Throws what the system throws. */
  isExposedFile(path: string): boolean;
  /** Which CAs TLS of this process trusts by itself, said before the first handshake: the system's (or others, by the environment), or none. */
  trustRoots(roots: "System" | "None"): void;
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
}

/** Deno's own createHmac calls what older versions of Deno call deprecated: nothing that whoever reads a log can mend. */
export function silenceRuntime(): void {
  Object.assign(process, { noDeprecation: true });
}

/** The real process. */
export const PROCESS_SURROUNDINGS: Surroundings = {
  environment: (name) => Deno.env.get(name),
  readTextFile: (path) => Deno.readTextFileSync(path),
  isExposedFile,
  trustRoots: (roots) => {
    if (roots === "None") {
      Deno.env.set(ROOTS_VARIABLE, EMPTY_LIST);
      for (const name of FURTHER_ROOTS_VARIABLES) Deno.env.delete(name);
    } else if (Deno.env.get(ROOTS_VARIABLE) === undefined) Deno.env.set(ROOTS_VARIABLE, "system");
  },
  out: (text) => writeAll(Deno.stdout, text),
  err: (text) => writeAll(Deno.stderr, text),
};

const encoder = new TextEncoder();

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    // A reader that went away (`kvstore help | head -1`) or a closed terminal is no failure of ours.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
