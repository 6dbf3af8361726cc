/** What a command may touch of the process it runs in, so that tests can put something else in its place. */

/** Environment, configuration files and the two output streams. */
export interface Surroundings {
  environment(name: string): string | undefined;
  /** Throws what the system throws. */
  readTextFile(path: string): string;
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
}

/** The real process. */
export const PROCESS_SURROUNDINGS: Surroundings = {
  environment: (name) => Deno.env.get(name),
  readTextFile: (path) => Deno.readTextFileSync(path),
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
