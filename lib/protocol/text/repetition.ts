/** `!!` and `!n`: which command of the history they mean. */

import type { History } from "./history.ts";
import { unknownEvent } from "./outcomes.ts";
import { show } from "./show.ts";

/** The command to do again. */
export interface Repetition {
  readonly type: "Repetition";
  readonly line: string;
  /** Shown before its reply. */
  readonly announcement: string;
}

/** Nothing that is kept. */
export interface NoRepetition {
  readonly type: "NoRepetition";
  readonly reply: string;
}

/** What `word`, which begins with an exclamation mark, repeats. */
export function findRepetition(word: string, history: History): Repetition | NoRepetition {
  const line = history.get(word === "!!" ? history.last : numberOf(word));
  if (line === undefined) return { type: "NoRepetition", reply: unknownEvent(word) };
  return { type: "Repetition", line, announcement: `Repeating: ${show(line)}` };
}

/** The number behind the exclamation mark; 0, which no command has, when there is none. */
function numberOf(word: string): number {
  return /^![0-9]{1,15}$/.test(word) ? Number(word.slice(1)) : 0;
}
