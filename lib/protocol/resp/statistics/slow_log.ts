/** The last commands that took long: SLOWLOG. */

import { ownCopy } from "../../../base/bytes.ts";
import type { Words } from "../request_reader.ts";

/** Entries kept. */
export const SLOW_LOG_LENGTH_MAX = 128;
/** Words and bytes of a word that an entry shows, as in Redis. */
const WORDS_MAX = 32;
const WORD_BYTES_MAX = 128;

/** One command that took long. */
export interface SlowCommand {
  /** Ascending from 0; RESET does not begin anew. */
  readonly id: number;
  /** When its reply was ready, in ms since 1970. */
  readonly timeMs: number;
  readonly microseconds: number;
  /** Its words, the long and the many cut, as they are shown. */
  readonly words: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

/** A ring of slow commands. */
export class SlowLog {
  #entries: SlowCommand[] = [];
  #nextId = 0;

  /** Entries kept now. */
  get length(): number {
    return this.#entries.length;
  }

  /** The newest entries, the newest first. */
  newest(count: number): readonly SlowCommand[] {
    return this.#entries.slice(Math.max(this.#entries.length - count, 0)).reverse();
  }

  /** Enters a command; the oldest makes room. */
  add(entry: Omit<SlowCommand, "id">): void {
    this.#entries.push({ ...entry, id: this.#nextId, words: shown(entry.words) });
    this.#nextId += 1;
    if (this.#entries.length > SLOW_LOG_LENGTH_MAX) this.#entries.shift();
  }

  /** Forgets all entries. */
  reset(): void {
    this.#entries = [];
  }
}

function shown(words: Words): readonly string[] {
  const cut = withoutPasswords(words.slice(0, WORDS_MAX)).map((word) => {
    const more = word.length - WORD_BYTES_MAX;
    const kept = ownCopy(word.slice(0, WORD_BYTES_MAX));
    return more <= 0 ? kept : `${kept}... (${more} more bytes)`;
  });
  const more = words.length - WORDS_MAX;
  return more <= 0 ? cut : [...cut.slice(0, -1), `... (${more + 1} more arguments)`];
}

/** AUTH, HELLO and ACL SETUSER may carry one. */
function withoutPasswords(words: Words): Words {
  const name = (words[0] ?? "").toUpperCase();
  if (name !== "AUTH" && name !== "HELLO" && name !== "ACL") return words;
  const from = name === "HELLO" ? words.findIndex((word) => word.toUpperCase() === "AUTH") : name === "AUTH" ? 0 : 2;
  return from < 0 ? words : words.map((word, at) => at > from ? "(redacted)" : word);
}
