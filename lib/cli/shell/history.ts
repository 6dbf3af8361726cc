/** The shell's history file: one command per line, the newest last, readable by its owner only. */

/** Lines kept. */
export const HISTORY_LINES_MAX = 1_000;

/** What is asked of the file system; each throws what the system throws. */
export interface HistoryFiles {
  read(path: string): string;
  /** Creates or replaces the file with mode 0600. */
  write(path: string, text: string): void;
}

/** The real files. */
export const SYSTEM_HISTORY_FILES: HistoryFiles = {
  read: (path) => Deno.readTextFileSync(path),
  write: (path, text) => {
    Deno.writeTextFileSync(path, text, { mode: 0o600 });
    // The mode above counts only when the file is created.
    if (Deno.build.os !== "windows") Deno.chmodSync(path, 0o600);
  },
};

/** The path of the history file; undefined when none is wanted or there is no home directory. */
export function historyPath(environment: (name: string) => string | undefined): string | undefined {
  const named = environment("KVSTORE_HISTORY");
  if (named !== undefined) return named === "" ? undefined : named;
  const home = environment("HOME") ?? environment("USERPROFILE");
  return home === undefined || home === "" ? undefined : `${home}/.kvstore_history`;
}

/** Lines with a password in them. */
const SECRET = /^\s*(AUTH|LOGIN)(\s|$)/i;

/** The commands of this and earlier sessions. A file that cannot be read or written never stops the shell. */
export class History {
  readonly #path: string | undefined;
  readonly #files: HistoryFiles;
  #lines: string[] = [];

  constructor(path: string | undefined, files: HistoryFiles = SYSTEM_HISTORY_FILES) {
    this.#path = path;
    this.#files = files;
    this.#lines = this.#load();
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Adds a command, unless it is empty or the same as the last one, and saves. */
  add(line: string): void {
    // A password is not kept.
    if (line === "" || line === this.#lines.at(-1) || SECRET.test(line)) return;
    // Another shell may have added to the file meanwhile.
    this.#lines = [...this.#load(), line].slice(-HISTORY_LINES_MAX);
    this.#save();
  }

  #load(): string[] {
    if (this.#path === undefined) return this.#lines;
    try {
      const lines = this.#files.read(this.#path).split("\n").filter((line) => line !== "");
      return lines.slice(-HISTORY_LINES_MAX);
    } catch {
      return this.#lines;
    }
  }

  #save(): void {
    if (this.#path === undefined) return;
    try {
      this.#files.write(this.#path, this.#lines.map((line) => `${line}\n`).join(""));
    } catch {
      // A read-only home directory costs the history, nothing else.
    }
  }
}
