/** Files that are read again when they have changed. */

import type { Clock, Timer } from "../base/clock.ts";

/** How often the files are looked at. */
export const FILES_CHECK_MS = 1_000;

/** What is watched, and who hears of changes. */
export interface FilesWatchOptions<T> {
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** Reads the files. Throws what is wrong with them. */
  readonly load: () => T;
  /** Other files that fit. */
  readonly changed: (loaded: T) => void;
  /** What is there cannot be used, and has not changed since the last look: once for each state of the files. */
  readonly failed: (why: string) => void;
}

/** Looks at the files every second. Replacing several files takes several steps, so that what does not fit gets a second look. */
export class FilesWatch<T> {
  readonly #options: FilesWatchOptions<T>;
  #settled: string;
  #suspect: string | undefined;
  #timer: Timer | undefined;

  /** The files are taken for what was loaded; `start` begins to look. */
  constructor(options: FilesWatchOptions<T>) {
    this.#options = options;
    this.#settled = this.#stamp();
  }

  /** Begins to look. */
  start(): void {
    this.#timer = this.#options.clock.after(FILES_CHECK_MS, () => {
      this.check();
      this.start();
    });
  }

  /** Looks at once. */
  check(): void {
    const stamp = this.#stamp();
    if (stamp === this.#settled) return;
    const { load, changed, failed } = this.#options;
    try {
      changed(load());
    } catch (error) {
      const isNew = stamp !== this.#suspect;
      this.#suspect = stamp;
      if (isNew) return;
      failed(error instanceof Error ? error.message : String(error));
    }
    this.#settled = stamp;
  }

  /** Looks no more. */
  stop(): void {
    this.#timer?.cancel();
  }

  /** What tells one state of the files from another. */
  #stamp(): string {
    return this.#options.paths.map(stampOf).join(" ");
  }
}

function stampOf(path: string): string {
  try {
    const { mtime, ctime, size, ino } = Deno.statSync(path);
    return [mtime?.getTime(), ctime?.getTime(), size, ino].join("/");
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
