/** The last commands of one connection, for HISTORY, `!!` and `!n`. */

import type { MemoryBudget } from "../../net/memory_budget.ts";

/** Commands kept. */
export const HISTORY_COMMANDS_MAX = 1_000;
/** Longest command kept, in bytes; a longer one takes a number, but cannot be listed or repeated. */
export const HISTORY_COMMAND_BYTES_MAX = 16_384;
/** Bytes kept of all commands. */
export const HISTORY_BYTES_MAX = 131_072;

/** A command of the history. */
export interface HistoryEntry {
  /** Counts from 1 and never starts again. */
  readonly number: number;
  readonly line: string;
}

/** A ring of the newest commands; the oldest give way to the limits above. */
export class History {
  readonly #budget: MemoryBudget;
  readonly #lines: string[] = [];
  /** The number of the newest command. */
  #last = 0;
  /** The number of the oldest command that may still be kept. */
  #first = 1;
  #bytes = 0;

  /** An empty history whose bytes count for `budget`. */
  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** The newest command's number; 0 when there was none. */
  get last(): number {
    return this.#last;
  }

  /** Adds a command; `sourceBytes` is the length of the text that `line` was cut from. */
  add(line: string, sourceBytes: number): void {
    if (this.#budget.exceeded) this.clear();
    this.#last += 1;
    while (this.#last - this.#first >= HISTORY_COMMANDS_MAX) this.#dropFirst();
    const kept = line.length <= HISTORY_COMMAND_BYTES_MAX ? detach(line, sourceBytes) : "";
    this.#lines[this.#last % HISTORY_COMMANDS_MAX] = kept;
    this.#count(kept.length);
    while (this.#bytes > HISTORY_BYTES_MAX) this.#dropFirst();
  }

  /** The command of that number, or undefined when it is not kept. */
  get(number: number): string | undefined {
    if (number < this.#first || number > this.#last) return undefined;
    const line = this.#lines[number % HISTORY_COMMANDS_MAX];
    return line === "" ? undefined : line;
  }

  /** The commands kept, oldest first. */
  entries(): readonly HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    for (let number = this.#first; number <= this.#last; number++) {
      const line = this.get(number);
      if (line !== undefined) entries.push({ number, line });
    }
    return entries;
  }

  /** Forgets every command and gives its memory back; the numbers go on. */
  clear(): void {
    while (this.#first <= this.#last) this.#dropFirst();
  }

  #dropFirst(): void {
    const at = this.#first % HISTORY_COMMANDS_MAX;
    this.#count(-(this.#lines[at]?.length ?? 0));
    this.#lines[at] = "";
    this.#first += 1;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.add(bytes);
  }
}

/** Part of a long string keeps all of it in memory; a string made anew and cut by one byte keeps only itself. */
function detach(line: string, sourceBytes: number): string {
  return line.length * 2 >= sourceBytes ? line : ` ${line}`.slice(1);
}
