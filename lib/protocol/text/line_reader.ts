/** Cuts the bytes of a connection into lines, however they were split on their way, in linear time. */

import { bytesToString, writeString } from "../../base/bytes.ts";
import { BEFORE_LOGIN_BYTES_MAX, FAIR_SHARE_BYTES } from "../../net/limits.ts";
import type { MemoryBudget } from "../../net/memory_budget.ts";
import { LINE_BYTES_MAX } from "./limits.ts";

const CARRIAGE_RETURN = 0x0d;
const PARTIAL_BYTES_MIN = 1_024;

/** Why no further line can be read. */
export type LineProblem =
  /** A line is longer than `LINE_BYTES_MAX`. */
  | "TooLong"
  /** Nobody has logged in yet, and a line is longer than `BEFORE_LOGIN_BYTES_MAX`. */
  | "TooLongBeforeLogin"
  /** All clients together hold too much, and this one more than its share. */
  | "NoMemory";

/** One chunk at a time, and the beginning of a line whose end has not come yet. */
export class LineReader {
  readonly #budget: MemoryBudget;
  readonly #isBeforeLogin: () => boolean;
  #chunk = "";
  #at = 0;
  #partial = NOTHING;
  #partialLength = 0;
  #problem: LineProblem | undefined;
  #linesRead = 0;

  /** A reader whose unfinished lines count for `budget`. Whether nobody has logged in yet is asked for long lines alone. */
  constructor(budget: MemoryBudget, isBeforeLogin: () => boolean = () => false) {
    this.#budget = budget;
    this.#isBeforeLogin = isBeforeLogin;
  }

  /** Undefined while lines can be read; final. */
  get problem(): LineProblem | undefined {
    return this.#problem;
  }

  /** Whether bytes have come that `next` has not looked at. */
  get hasInput(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** The number of the line that has begun, counted from 0; undefined between two lines. */
  get unfinished(): number | undefined {
    return this.#partialLength > 0 ? this.#linesRead : undefined;
  }

  /** Length of the bytes that the last line was cut from. */
  get sourceBytes(): number {
    return this.#chunk.length;
  }

  /** Takes the next bytes. The ones before must have been read to their end. */
  push(chunk: string): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next line without its end; undefined when its end has not come, or after a problem. */
  next(): string | undefined {
    if (this.#problem !== undefined || !this.hasInput) return undefined;
    const end = this.#chunk.indexOf("\n", this.#at);
    if (end === -1) {
      this.#keep(this.#chunk.slice(this.#at));
      this.#at = this.#chunk.length;
      return undefined;
    }
    let line = this.#chunk.slice(this.#at, end);
    this.#at = end + 1;
    this.#linesRead += 1;
    if (this.#partialLength > 0) {
      line = bytesToString(this.#partial, 0, this.#partialLength) + line;
      this.#forget();
    }
    if (line.charCodeAt(line.length - 1) === CARRIAGE_RETURN) line = line.slice(0, -1);
    this.#problem = this.#problemOf(line.length);
    return this.#problem === undefined ? line : undefined;
  }

  /** Drops everything and gives the memory back. */
  clear(): void {
    this.#chunk = "";
    this.#at = 0;
    this.#forget();
  }

  /** Keeps the beginning of a line as bytes: joined as strings, many small pieces would cost far more memory. */
  #keep(piece: string): void {
    const length = this.#partialLength + piece.length;
    // One byte more may be the carriage return of a line that is just as long as allowed.
    const problem = this.#problemOf(length - 1);
    if (problem !== undefined) return this.#fail(problem);
    if (length > this.#partial.length) {
      if (this.#budget.exceeded && length > FAIR_SHARE_BYTES) return this.#fail("NoMemory");
      this.#grow(length);
    }
    writeString(piece, this.#partial, this.#partialLength);
    this.#partialLength = length;
  }

  #grow(length: number): void {
    const grown = new Uint8Array(Math.max(PARTIAL_BYTES_MIN, length, this.#partial.length * 2));
    grown.set(this.#partial.subarray(0, this.#partialLength));
    this.#budget.add(grown.length - this.#partial.length);
    this.#partial = grown;
  }

  #problemOf(length: number): LineProblem | undefined {
    if (length > LINE_BYTES_MAX) return "TooLong";
    return length > BEFORE_LOGIN_BYTES_MAX && this.#isBeforeLogin() ? "TooLongBeforeLogin" : undefined;
  }

  #fail(problem: LineProblem): void {
    this.#problem = problem;
    this.#forget();
  }

  #forget(): void {
    this.#budget.add(-this.#partial.length);
    this.#partial = NOTHING;
    this.#partialLength = 0;
  }
}

const NOTHING = new Uint8Array(0);
