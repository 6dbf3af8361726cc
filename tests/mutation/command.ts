/** Runs this Deno with a time limit in a copy of the tree. */

/** How a command ended. */
export interface Ended {
  /** Undefined when it was killed at its time limit. */
  readonly code: number | undefined;
  /** Standard output and error, one after the other. */
  readonly output: string;
}

/** What a command runs with. */
export interface CommandOptions {
  readonly directory: string;
  readonly limitMs: number;
  /** Ends the command early. */
  readonly signal: AbortSignal;
}

/** Settings of the tests that must not reach the copies. */
const OWN_SETTINGS = new Set(["SEED", "SEEDS", "UPDATE", "CHAOS_SEED"]);

/** Runs `deno` with `args` to its end or its limit. Throws the reason of `signal`. */
export async function runDeno(args: readonly string[], options: CommandOptions): Promise<Ended> {
  options.signal.throwIfAborted();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: options.directory,
    clearEnv: true,
    env: environment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let expired = false;
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  const timer = setTimeout(() => {
    expired = true;
    kill();
  }, options.limitMs);
  options.signal.addEventListener("abort", kill);
  try {
    const { code, stdout, stderr } = await child.output();
    options.signal.throwIfAborted();
    const decoder = new TextDecoder();
    return { code: expired ? undefined : code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", kill);
  }
}

function environment(): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("KVSTORE_") && !OWN_SETTINGS.has(name)
  );
  return { ...Object.fromEntries(own), NO_COLOR: "1" };
}
