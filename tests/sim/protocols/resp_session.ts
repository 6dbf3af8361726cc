/** A session as a client of the Redis protocol uses it: a command whose outcome is not known is sent again, with its number. */

import type { Call } from "../../../lib/kv/commands.ts";
import { makeSessionCall, type Words } from "../call_maker.ts";
import { makeOnce, openSession, type RespRequest, useSession } from "./resp_requests.ts";

const TTL_MS_MAX = 10_000;
const KEPT_OR_CLOSED = 0.2;

/** A request, and who is to be told of its end. */
export interface OwnRequest {
  readonly request: RespRequest;
  /** It has this reply, which is no refusal. */
  readonly settled: (reply: string) => void;
  /** It was not done, or nothing is known of it. */
  readonly lost: () => void;
}

/** One session at a time, opened anew when it is gone. */
export class RespSession {
  readonly #words: Words;
  #id: number | undefined;
  #sequence = 0;
  /** Sent, and not settled. */
  #open: Call | undefined;
  #isBusy = false;

  constructor(words: Words) {
    this.#words = words;
  }

  /** The next request of the session; undefined while one is under way. */
  next(): OwnRequest | undefined {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    const lost = () => {
      this.#isBusy = false;
    };
    if (this.#id === undefined) {
      const request = openSession(1_000 + this.#words.random.below(TTL_MS_MAX));
      return { request, lost, settled: (reply) => this.#opened(reply) };
    }
    if (this.#open === undefined && this.#words.random.chance(KEPT_OR_CLOSED)) {
      const word = this.#words.random.pick(["KEEPALIVE", "KEEPALIVE", "CLOSE"] as const);
      return { request: useSession(word, this.#id), lost, settled: (reply) => this.#used(word, reply) };
    }
    if (this.#open === undefined) this.#sequence += 1;
    this.#open ??= makeSessionCall(this.#words);
    const request = makeOnce(this.#open, { id: this.#id, sequence: this.#sequence });
    return { request, lost, settled: (reply) => this.#done(reply) };
  }

  #opened(reply: string): void {
    this.#isBusy = false;
    this.#sequence = 0;
    if (reply.startsWith(":")) this.#id = Number(reply.slice(1));
  }

  #used(word: string, reply: string): void {
    this.#isBusy = false;
    if (word === "CLOSE" || reply.startsWith("-NOSESSION")) this.#id = undefined;
  }

  #done(reply: string): void {
    this.#isBusy = false;
    this.#open = undefined;
    if (reply.startsWith("-NOSESSION")) this.#id = undefined;
  }
}
