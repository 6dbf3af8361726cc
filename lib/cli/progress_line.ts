/** The last line of a terminal while something is waited for. */

import type { Surroundings } from "./surroundings.ts";

const COLUMNS = 80;

/** Says on standard error what is going on, each time in the place of the last; nothing where that is no terminal. */
export class ProgressLine {
  readonly #err: Surroundings["err"];
  readonly #isShown = Deno.stderr.isTerminal();

  constructor({ err }: Pick<Surroundings, "err">) {
    this.#err = err;
  }

  /** Whether anybody sees it. */
  get isShown(): boolean {
    return this.#isShown;
  }

  /** Shows a line; what a narrow terminal has no room for is cut off. */
  show(text: string): void {
    if (this.#isShown) this.#err(`\r\x1b[K${text.slice(0, Deno.consoleSize().columns || COLUMNS)}`);
  }

  /** Takes the line away. */
  clear(): void {
    this.show("");
  }
}
