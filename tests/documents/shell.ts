/**
 * The shell in which a page is typed: one bash for the whole page, in an empty directory, that ends at the first command which
 * fails. It leads a process group of its own, so that all that the page has started can be found and ended.
 */

import { cleanEnvironment } from "../support/program.ts";
import { WITH_MOUNTS } from "../support/needs.ts";
import { withDeadline } from "../support/wait.ts";
import { killGroup } from "./process_group.ts";

/** A command that did not end as it was to. */
export interface Failure {
  /** In the block, from 1 on; 0 when it is not known. */
  readonly line: number;
  readonly what: string;
}

/** What a shell is started with. */
export interface ShellOptions {
  /** Empty: the page gets `work` in it, the rest is for the run. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it may mount disks, which nobody else sees and which end with it. */
  readonly mounts: boolean;
}

/** At the first failure: the line and why, into a file, and the end of the shell. */
const PROLOGUE = `
set -euo pipefail
trap 'echo "$LINENO exit code $?" >"$RUN/failure"' ERR
expect() {
  if [ "$2" -ne "$3" ]; then echo "$1 exit code $3, and the page says $2" >"$RUN/failure"; exit 1; fi
}
cd "$RUN/work"
`;
/** `command   # exit code 76`: what ends otherwise than with 0, and is to. */
const WITH_EXIT_CODE = /^(.*\S)\s+#.*?\bexit code (\d+)\b.*$/;

/** A bash that runs blocks one after the other. All that it has started ends with it, by `await using`. */
export class Shell implements AsyncDisposable {
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #blocks = 0;

  /** Starts it. */
  constructor({ directory, environment, mounts }: ShellOptions) {
    this.#directory = directory;
    Deno.mkdirSync(`${directory}/work`);
    const [program = "", ...args] = [...(mounts ? WITH_MOUNTS : []), "setsid", "bash", "--norc", "--noprofile"];
    this.#child = new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...cleanEnvironment(), ...environment, RUN: directory },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** Runs commands until all have ended or one has failed; rejects after `timeoutMs`. */
  async run(commands: readonly string[], timeoutMs: number): Promise<Failure | undefined> {
    const block = `${this.#directory}/${++this.#blocks}`;
    await Deno.writeTextFile(`${block}.sh`, `${commands.map(withExitCode).join("\n")}\n`);
    // What goes on in the background keeps the file and not the pipe, which tells that bash is done.
    const line = `. '${block}.sh' </dev/null >'${block}.out' 2>&1; echo done\n`;
    await this.#writer.write(new TextEncoder().encode(this.#blocks === 1 ? PROLOGUE + line : line));
    const { done } = await withDeadline(this.#reader.read(), { what: "the commands end", timeoutMs });
    return done ? await this.#readFailure() : undefined;
  }

  /** What the last commands, and what they left running, have printed so far. */
  async readOutput(): Promise<string> {
    return await Deno.readTextFile(`${this.#directory}/${this.#blocks}.out`);
  }

  async #readFailure(): Promise<Failure> {
    const text = await Deno.readTextFile(`${this.#directory}/failure`).catch(() => "0 the shell has ended");
    const [, line, what = text] = /^(\d+) (.*)$/m.exec(text) ?? [];
    return { line: Number(line), what };
  }

  /** Kills it, and all that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await killGroup(this.#child.pid);
    await this.#child.status;
    await this.#reader.cancel();
    await this.#writer.close().catch(() => {}); // Nobody reads any more.
  }
}

/** On one line, so that the numbers of the lines stay. */
function withExitCode(command: string): string {
  const [, bare, code] = WITH_EXIT_CODE.exec(command) ?? [];
  return bare === undefined ? command : `code=0; { ${bare}; } || code=$?; expect "$LINENO" ${code} "$code"`;
}
