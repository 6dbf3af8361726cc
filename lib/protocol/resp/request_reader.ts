/**
 * Cuts the bytes of a connection into requests of the Redis protocol, however they were split on their way.
 *
 * A request is `*<words>\r\n` and then `$<length>\r\n<bytes>\r\n` for each word, or one inline line of words. Time is linear in
 * the bytes, memory at most what the limits say, and nothing is reserved for bytes that have only been announced.
 */

import { stringToBytes } from "../../base/bytes.ts";
import { BEFORE_LOGIN_BYTES_MAX, BEFORE_LOGIN_WORDS_MAX, FAIR_SHARE_BYTES } from "../../net/limits.ts";
import type { MemoryBudget } from "../../net/memory_budget.ts";
import { Span } from "../../store/span.ts";
import { splitInline } from "./inline_words.ts";
import {
  BULK_BYTES_MAX,
  HEADER_BYTES_MAX,
  INLINE_BYTES_MAX,
  PIECE_OVERHEAD_BYTES,
  REQUEST_BYTES_MAX,
  REQUEST_WORDS_MAX,
} from "./limits.ts";

/** The words of a request: its name and its arguments, byte strings. */
export type Words = readonly string[];

/** Bytes of a request of these words on the wire; 0 for none. */
export function requestBytes(words: Words): number {
  if (words.length === 0) return 0;
  return words.reduce(
    (sum, word) => sum + headerBytes(word.length) + word.length + LINE_END_BYTES,
    headerBytes(words.length),
  );
}

function headerBytes(count: number): number {
  return 1 + count.toString().length + LINE_END_BYTES;
}

/** A request that was read over without being kept; the connection goes on behind it. */
export interface RefusedRequest {
  readonly refusal: string;
}

const STAR = 0x2a;
const DOLLAR = 0x24;
const MINUS = 0x2d;
const ZERO = 0x30;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const LINE_END_BYTES = 2;
const DIGITS_MAX = 15;

/** How long requests may be. */
export interface ReaderLimits {
  /** The longest word that this server keeps; a longer one makes its request refused. */
  readonly wordBytesMax: number;
  /** Whether nobody has logged in yet, and somebody has to: asked for what is longer than a login alone. */
  readonly isBeforeLogin: () => boolean;
}

/**
 * One chunk at a time, and the words of a request whose end has not come.
 *
 * Invariants: `#words` holds the words of the request that has begun, none while it is being skipped; bytes of the chunk before
 * `#at` are done with; `#rest` waits until it is `#needed` bytes long, or has a line end when that is 0.
 */
export class RequestReader {
  readonly #budget: MemoryBudget;
  readonly #wordBytesMax: number;
  readonly #isBeforeLogin: () => boolean;
  #chunk = "";
  /** Begins with the bytes of the chunk; undefined where nobody has them. */
  #buffer: Uint8Array | undefined;
  #at = 0;
  readonly #ahead = new Span();
  #rest = "";
  #needed = 0;
  /** Without a line end it may be so long. */
  #lineBytesMax = 0;
  #words: string[] = [];
  #wordsLeft = 0;
  #requestBytes = 0;
  /** What the budget was told of. */
  #held = 0;
  /** Bytes of a refused request's word that are still to be passed over. */
  #skip = 0;
  #refusal: string | undefined;
  #problem: string | undefined;
  #isOverBeforeLogin = false;
  #requestsRead = 0;

  /** A reader whose unfinished requests count for `budget`. */
  constructor(budget: MemoryBudget, { wordBytesMax, isBeforeLogin }: ReaderLimits) {
    this.#budget = budget;
    this.#wordBytesMax = wordBytesMax;
    this.#isBeforeLogin = isBeforeLogin;
  }

  /** Why no further request can be read, as an error reply's text; final. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether `problem` is that more was sent than anybody may before login. */
  get isOverBeforeLogin(): boolean {
    return this.#isOverBeforeLogin;
  }

  /** Whether bytes have come that `next` has not looked at. */
  get hasInput(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Whether there seems to be another request behind the next one, as far as has come; both have been looked at by nobody. */
  get hasSeveral(): boolean {
    const isBetween = this.#problem === undefined && this.#wordsLeft === 0 && this.#skip === 0;
    return isBetween && this.#chunk.charCodeAt(this.#at) === STAR && this.#chunk.includes("\r\n*", this.#at);
  }

  /** The bytes that come next, until the next call. */
  ahead(): Span {
    this.#buffer ??= stringToBytes(this.#chunk);
    return this.#ahead.set(this.#buffer, this.#at, this.#chunk.length);
  }

  /** Goes on behind requests of so many bytes that were taken by `ahead`. */
  pass(bytes: number, requests: number): void {
    this.#at += bytes;
    this.#requestsRead += requests;
    this.#forgetIfRead();
  }

  /** Bytes of what has come and was not returned by `next`. */
  get inputBytes(): number {
    return this.#chunk.length - this.#at + this.#rest.length + this.#requestBytes;
  }

  /** The number of the request that has begun, counted from 0; undefined between two requests. */
  get unfinished(): number | undefined {
    const isBegun = this.#rest !== "" || this.#wordsLeft > 0 || this.#skip > 0;
    return isBegun ? this.#requestsRead : undefined;
  }

  /** Takes the next bytes. The ones before must have been read to their end. */
  push(chunk: string, buffer?: Uint8Array): void {
    if (this.#rest === "") {
      this.#chunk = chunk;
      this.#buffer = buffer;
      this.#at = 0;
      return;
    }
    this.#hold(chunk.length + PIECE_OVERHEAD_BYTES);
    this.#rest += chunk;
    const isReady = this.#needed > 0 ? this.#rest.length >= this.#needed : chunk.includes("\n");
    if (!isReady && this.#rest.length <= Math.max(this.#needed, this.#lineBytesMax)) {
      if (this.#isOverBudget()) this.#giveUpWord();
      return;
    }
    this.#chunk = this.#rest;
    this.#buffer = undefined;
    this.#at = 0;
    this.#rest = "";
    this.#release();
  }

  /** The next request; undefined when its end has not come, or after a problem. */
  next(): Words | RefusedRequest | undefined {
    while (this.#problem === undefined && this.hasInput) {
      if (this.#skip > 0) {
        this.#skipOn();
      } else if (this.#wordsLeft > 0) {
        if (!this.#readWord()) return undefined;
      } else if (this.#chunk.charCodeAt(this.#at) !== STAR) {
        const words = this.#readInline();
        if (words === undefined) return undefined;
        this.#requestsRead += 1;
        if (words.length > 0) return words;
        continue;
      } else if (!this.#readCount()) return undefined;
      else if (this.#wordsLeft === 0) continue;
      if (this.#wordsLeft === 0 && this.#skip === 0) return this.#finish();
    }
    // The chunk ended where a word ended: the words before it wait, too.
    if (this.#wordsLeft > 0 && this.#problem === undefined) this.#hold(this.#requestBytes - this.#held);
    return undefined;
  }

  /** Drops everything and gives the memory back. */
  clear(): void {
    this.#chunk = "";
    this.#at = 0;
    this.#rest = "";
    this.#words = [];
    this.#release();
    this.#problem ??= "ERR the connection is closed";
  }

  #finish(): Words | RefusedRequest {
    const words = this.#words;
    const refusal = this.#refusal;
    this.#requestsRead += 1;
    this.#words = [];
    this.#requestBytes = 0;
    this.#refusal = undefined;
    this.#release();
    this.#forgetIfRead();
    return refusal === undefined ? words : { refusal };
  }

  /** A connection that says nothing for long keeps nothing of what it said. */
  #forgetIfRead(): void {
    if (this.hasInput) return;
    this.#chunk = "";
    this.#buffer = undefined;
    this.#at = 0;
  }

  /** Reads `*<count>`; false when more bytes are needed or nothing can be read any more. */
  #readCount(): boolean {
    const count = this.#readNumber("invalid multibulk length");
    if (count === undefined) return false;
    if (count > REQUEST_WORDS_MAX) return this.#fail("invalid multibulk length");
    if (count > BEFORE_LOGIN_WORDS_MAX && this.#isBeforeLogin()) return this.#failBeforeLogin("multibulk length");
    this.#wordsLeft = Math.max(count, 0);
    return true;
  }

  /** Reads one `$<length>` with its bytes; false as above. */
  #readWord(): boolean {
    const start = this.#at;
    const first = this.#chunk.charCodeAt(start);
    if (first !== DOLLAR) {
      return this.#fail(`expected '$', got '${isPrintable(first) ? String.fromCharCode(first) : "?"}'`);
    }
    const length = this.#readNumber("invalid bulk length");
    if (length === undefined) return false;
    if (length < 0 || length > BULK_BYTES_MAX) return this.#fail("invalid bulk length");
    if (length > BEFORE_LOGIN_BYTES_MAX && this.#isBeforeLogin()) return this.#failBeforeLogin("bulk length");
    const end = this.#at + length;
    if (this.#refusal !== undefined || this.#isTooLong(length)) {
      this.#skip = length + LINE_END_BYTES;
      this.#wordsLeft -= 1;
      return true;
    }
    if (end + LINE_END_BYTES > this.#chunk.length) {
      this.#at = start;
      this.#keepRest({ needed: end + LINE_END_BYTES - start });
      return false;
    }
    this.#words.push(this.#chunk.slice(this.#at, end));
    this.#requestBytes += length + WORD_OVERHEAD_BYTES;
    this.#wordsLeft -= 1;
    this.#at = end + LINE_END_BYTES;
    return true;
  }

  #isTooLong(length: number): boolean {
    if (length > this.#wordBytesMax) {
      this.#refuse(`ERR a word of ${length} bytes is too long (limit ${this.#wordBytesMax})`);
    } else if (this.#requestBytes + length + WORD_OVERHEAD_BYTES > REQUEST_BYTES_MAX) {
      this.#refuse(`ERR the request is too long (limit ${REQUEST_BYTES_MAX} bytes)`);
    } else if (this.#requestBytes > FAIR_SHARE_BYTES && this.#budget.exceeded) this.#refuse(NO_MEMORY);
    return this.#refusal !== undefined;
  }

  #refuse(refusal: string): void {
    this.#refusal = refusal;
    this.#words = [];
    this.#requestBytes = 0;
  }

  /** The word that is waited for is passed over after all: all clients together hold too much. */
  #giveUpWord(): void {
    if (this.#wordsLeft === 0) return void this.#fail("too big inline request");
    this.#refuse(NO_MEMORY);
    // In the middle of a length only the words before it can be given up.
    if (this.#needed === 0) return this.#hold(this.#rest.length - this.#held);
    this.#skip = this.#needed - this.#rest.length;
    this.#wordsLeft -= 1;
    this.#rest = "";
    this.#needed = 0;
    this.#release();
  }

  #skipOn(): void {
    const count = Math.min(this.#skip, this.#chunk.length - this.#at);
    this.#skip -= count;
    this.#at += count;
  }

  /** The number behind the first byte of a line, and the place behind the line; undefined as for `#readCount`. */
  #readNumber(complaint: string): number | undefined {
    const chunk = this.#chunk;
    let at = this.#at + 1;
    const isNegative = chunk.charCodeAt(at) === MINUS;
    if (isNegative) at += 1;
    const firstDigit = at;
    let number = 0;
    let code = chunk.charCodeAt(at);
    while (code >= ZERO && code <= ZERO + 9) {
      number = number * 10 + (code - ZERO);
      at += 1;
      code = chunk.charCodeAt(at);
    }
    const isWhole = code === CARRIAGE_RETURN && chunk.charCodeAt(at + 1) === LINE_FEED;
    if (isWhole && at > firstDigit && at - firstDigit <= DIGITS_MAX) {
      this.#at = at + LINE_END_BYTES;
      return isNegative ? -number : number;
    }
    // Judged once its line has ended: else it would depend on how the bytes were split.
    const hasEnd = isWhole || chunk.includes("\n", at);
    if (hasEnd || chunk.length - this.#at > HEADER_BYTES_MAX) this.#fail(complaint);
    else this.#keepRest({ lineBytesMax: HEADER_BYTES_MAX });
    return undefined;
  }

  /** A line of words; no words for an empty line, undefined as for `#readCount`. */
  #readInline(): Words | undefined {
    const end = this.#chunk.indexOf("\n", this.#at);
    const length = (end === -1 ? this.#chunk.length : end) - this.#at;
    if (length > BEFORE_LOGIN_BYTES_MAX && this.#isBeforeLogin()) return void this.#failBeforeLogin("inline request");
    if (end === -1 || length > INLINE_BYTES_MAX) {
      if (length > INLINE_BYTES_MAX) this.#fail("too big inline request");
      else this.#keepRest({ lineBytesMax: this.#isBeforeLogin() ? BEFORE_LOGIN_BYTES_MAX : INLINE_BYTES_MAX });
      return undefined;
    }
    const hasReturn = this.#chunk.charCodeAt(end - 1) === CARRIAGE_RETURN && end > this.#at;
    const line = this.#chunk.slice(this.#at, hasReturn ? end - 1 : end);
    this.#at = end + 1;
    const words = splitInline(line);
    if (words === undefined) this.#fail("unbalanced quotes in request");
    return words;
  }

  /** What is left of the chunk waits for more bytes: until it is `needed` long, or for the end of its line. */
  #keepRest({ needed = 0, lineBytesMax = 0 }: { readonly needed?: number; readonly lineBytesMax?: number }): void {
    this.#rest = this.#chunk.slice(this.#at);
    this.#needed = needed;
    this.#lineBytesMax = lineBytesMax;
    this.#chunk = "";
    this.#at = 0;
    this.#hold(this.#requestBytes + this.#rest.length + PIECE_OVERHEAD_BYTES - this.#held);
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#budget.add(bytes);
  }

  #release(): void {
    this.#budget.add(-this.#held);
    this.#held = 0;
  }

  #isOverBudget(): boolean {
    return this.#budget.exceeded && this.#held > FAIR_SHARE_BYTES;
  }

  /** In the words of Redis. */
  #failBeforeLogin(what: string): false {
    this.#isOverBeforeLogin = true;
    return this.#fail(`unauthenticated ${what}`);
  }

  #fail(complaint: string): false {
    this.#problem = `ERR Protocol error: ${complaint}`;
    this.#words = [];
    this.#rest = "";
    this.#release();
    return false;
  }
}

/** What a word costs beside its bytes. */
const WORD_OVERHEAD_BYTES = 24;
const NO_MEMORY = "BUSY all clients together send too much; try again later";

function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}
