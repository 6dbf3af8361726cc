/** Keys, counters and sessions enough to see what a client's requests did, shared by several scripted servers. */

import { bulk, error, integer, list, OK } from "../../../support/resp/encode.ts";

interface FakeSession {
  readonly answers: Map<number, string>;
}

/** A store. `apply` carries out a request at once; whether its answer arrives is another matter. */
export class FakeStore {
  readonly values = new Map<string, string>();
  readonly sessions = new Map<number, FakeSession>();
  /** Applied writes, in order, with the repetitions that were not applied left out. */
  readonly applied: string[][] = [];
  #sessionsOpened = 0;

  /** The answer to a request; undefined when the store does not know it. */
  apply(words: readonly string[]): string | undefined {
    const [name = "", first = "", second = ""] = words;
    switch (name) {
      case "SESSION":
        return this.#applySession(first, Number(second));
      case "ONCE":
        return this.#applyOnce(Number(first), { sequence: Number(second), words: words.slice(3) });
      case "GET":
        return bulk(this.values.get(first));
      case "SET":
        this.applied.push([...words]);
        this.values.set(first, second);
        return OK;
      case "INCRBY": {
        this.applied.push([...words]);
        const sum = Number(this.values.get(first) ?? "0") + Number(second);
        this.values.set(first, String(sum));
        return integer(sum);
      }
      case "PREFIX":
      case "RANGE":
        return this.#scan(words);
      default:
        return undefined;
    }
  }

  /** Every session is gone, as if its time were over. */
  expireSessions(): void {
    this.sessions.clear();
  }

  #applySession(verb: string, argument: number): string {
    if (verb === "OPEN") {
      this.#sessionsOpened += 1;
      this.sessions.set(this.#sessionsOpened, { answers: new Map() });
      return integer(this.#sessionsOpened);
    }
    const known = verb === "CLOSE" ? this.sessions.delete(argument) : this.sessions.has(argument);
    return known ? OK : error("NOSESSION the session has expired");
  }

  #applyOnce(id: number, { sequence, words }: { sequence: number; words: readonly string[] }): string | undefined {
    const session = this.sessions.get(id);
    if (session === undefined) return error("NOSESSION the session has expired");
    const known = session.answers.get(sequence);
    if (known !== undefined) return known;
    const answer = this.apply(words);
    if (answer !== undefined) session.answers.set(sequence, answer);
    return answer;
  }

  #scan(words: readonly string[]): string {
    const [name, from = "", to = ""] = words;
    const after = words.indexOf("AFTER") === -1 ? "" : words[words.indexOf("AFTER") + 1] ?? "";
    const limit = Number(words[words.indexOf("LIMIT") + 1]);
    const isInside = name === "PREFIX"
      ? (key: string) => key.startsWith(from) && key > after
      : (key: string) => key >= from && (to === "" || key < to);
    const keys = [...this.values.keys()].filter(isInside).sort().slice(0, limit);
    const keysOnly = words.includes("KEYS");
    return list(keys.flatMap((key) => keysOnly ? [bulk(key)] : [bulk(key), bulk(this.values.get(key))]));
  }
}
