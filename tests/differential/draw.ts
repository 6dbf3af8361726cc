/** Draws the words of commands: keys, values, numbers, times and options, with the edges of each. */

import { Random } from "../../lib/base/random.ts";

/** How a time is written. */
export interface TimeKind {
  readonly unit: "s" | "ms";
  readonly isAbsolute: boolean;
  /** Zero and less are refused, as in SET; else they remove the key, as in EXPIRE. */
  readonly isPositive: boolean;
}

const KEY_NAMES: readonly string[] = [
  ...["a", "b", "c", "d", "key:1", "key:10", "abc", "ABC", "__proto__", "constructor", "toString"],
  ...["\x00", "\xff\xfe\x80", "\r\n", "a b", "*", "[a]", "\\", "\xd0\xba\xd0\xbb", "\xed\xa0\x80", "a".repeat(300)],
];
const VALUES: readonly string[] = [
  ...[
    "",
    "x",
    "hello",
    "Hello World",
    "0",
    "-0",
    "1",
    "12",
    "-5",
    "100",
    "0012",
    "+7",
    " 3",
    "3 ",
    "3.5",
    "-2.25",
    "1e3",
  ],
  ...["9223372036854775807", "-9223372036854775808", "9223372036854775806", "9223372036854775808", "inf", "nan", "abc"],
  ...[
    "\x00\xff\r\n",
    "\xc3\xa9t\xc3\xa9",
    "\xed\xa0\x80",
    "$5\r\nhello\r\n",
    "0.1",
    "99999999999999999999",
    "1.0",
    ".",
  ],
  ...["a".repeat(44), "b".repeat(45), "c".repeat(1_000), "12345678901234567890", "3.00000000000000000001"],
];
const INTEGERS: readonly string[] = [
  ...["0", "1", "-1", "2", "-2", "3", "5", "-7", "10", "100", "9223372036854775807", "-9223372036854775808"],
  ...[
    "9223372036854775806",
    "-9223372036854775807",
    "4611686018427387904",
    "9007199254740993",
    "2147483648",
    "-4294967297",
  ],
];
const NOT_INTEGERS: readonly string[] = [
  ...["", "abc", "1.5", "01", "+1", " 1", "1 ", "-0", "1e3", "0x10", "--1", "-", "9223372036854775808", "1\x00"],
  ...["-9223372036854775809", "18446744073709551616", "99999999999999999999999999"],
];
// Without hexadecimal numbers: see known.ts.
const FLOATS: readonly string[] = [
  ...["1", "0.1", "-2.5", "3.0e3", "1e2", "-1", "0", "-0", "+1", ".5", "5.", "1e-5", "1e-17", "1e-18", "1e20", "1e400"],
  ...["3.14159265358979323846", "123456789.123456789", "-0.00000000000000001", "1E3", "1e+3", "9223372036854775807"],
  ...["inf", "-inf", "infinity", "nan", "abc", "", " 1", "1 ", "1e", "1e5000", "--1", "1,5", "e5", ".", "1\x00"],
];
// Without ranges that end beyond ASCII: see known.ts.
const PATTERNS: readonly string[] = [
  ...[
    "*",
    "?",
    "??",
    "a*",
    "*a",
    "*b*",
    "key:?",
    "key:1*",
    "[a-c]",
    "[c-a]",
    "[^a]",
    "[^a-c]*",
    "[ab]*",
    "\\*",
    "\\[a\\]",
  ],
  ...[
    "**",
    "*?*",
    "",
    "a",
    "__*__",
    "[a",
    "[",
    "[]",
    "[^]",
    "[]a]",
    "[a-]",
    "[a-",
    "[\\]]*",
    "\\",
    "a\\",
    "a**c",
    "*\xff*",
    "?\n",
  ],
  ...["[^\x00-\x7f]*", "*a*a*a*a*a*b", "[[]a]", "[!a]", "[a-c-e]", "[-a]"],
];
/** Relative times are multiples of this many seconds, so that their order does not depend on when commands arrive. */
const TIME_STEP_S = 100;
const TIME_STEPS = 5_000;
// Neither server takes these, whatever the unit.
const BAD_TIMES: readonly string[] = [
  ...["abc", "", "1.5", " 100", "+100", "0100", "9223372036854775808", "-9223372036854775809", "1e3"],
];

/** A seeded source of words for one sequence. */
export class Draw extends Random {
  readonly keys: readonly string[];
  /** What every key of the sequence begins with. */
  readonly prefix: string;
  readonly isExclusive: boolean;
  #lastKey: string | undefined;
  readonly #usedSteps = new Set<number>();

  constructor(seed: number, { prefix, isExclusive }: { readonly prefix: string; readonly isExclusive: boolean }) {
    super(seed);
    this.prefix = prefix;
    this.isExclusive = isExclusive;
    const names = new Set<string>();
    // The first names most of the time, so that patterns have something to match.
    const count = this.between(2, 5);
    const pool = this.chance(0.5) ? KEY_NAMES : KEY_NAMES.slice(0, 8);
    while (names.size < count) names.add(this.pick(this.chance(0.05) ? ["", ...pool] : pool));
    this.keys = [...names].map((name) => prefix + name);
  }

  /** A key of the sequence; often the one before, so that commands meet. */
  key(): string {
    if (this.#lastKey === undefined || this.chance(0.6)) this.#lastKey = this.pick(this.keys);
    return this.#lastKey;
  }

  /** From `least` to `most` keys, which may repeat. */
  several(least: number, most: number): string[] {
    return Array.from({ length: this.between(least, most) }, () => this.key());
  }

  /** A value. */
  value(): string {
    return this.chance(0.4) ? String(this.between(-20, 20)) : this.pick(VALUES);
  }

  /** An integer, most of the time. */
  integer(): string {
    if (this.chance(0.12)) return this.pick(NOT_INTEGERS);
    return this.chance(0.4) ? String(this.between(-30, 30)) : this.pick(INTEGERS);
  }

  /** A decimal number, most of the time. */
  float(): string {
    return this.chance(0.4) ? `${this.between(-99, 99)}.${this.below(1_000)}` : this.pick(FLOATS);
  }

  /** A pattern that matches only keys with the prefix. */
  pattern(): string {
    return this.prefix + (this.chance(0.2) ? this.pick(this.keys).slice(this.prefix.length) : this.pick(PATTERNS));
  }

  /** The word in capitals, in small letters or mixed. */
  anyCase(word: string): string {
    if (this.chance(0.7)) return word;
    if (this.chance(0.5)) return word.toLowerCase();
    return word.replace(/./g, (letter) => this.chance(0.5) ? letter.toLowerCase() : letter);
  }

  /** A time far from the present, or in the past, or none at all; never one that comes while the sequence runs. */
  time(kind: TimeKind): string {
    if (!this.chance(0.3)) return this.usualTime(kind);
    const edges = [...BAD_TIMES, "0", "-1", "-100000", ...this.#extremeTimes(kind)];
    return this.pick(edges);
  }

  /** A time that every command takes, far in the future. */
  usualTime({ unit, isAbsolute }: TimeKind): string {
    const zeros = unit === "ms" ? "000" : "";
    if (isAbsolute) return this.pick(["4000000000", "4000000100", "4100000000"]) + zeros;
    return String(this.#uniqueStep() * TIME_STEP_S) + zeros;
  }

  /** Each step once: GT and LT between equal times would depend on the millisecond in which a command arrives. */
  #uniqueStep(): number {
    let step = this.between(1, TIME_STEPS);
    while (this.#usedSteps.has(step)) step = this.between(1, TIME_STEPS);
    this.#usedSteps.add(step);
    return step;
  }

  /** What lies beyond 64 bits once it is milliseconds, or just within 53 bits; between them is a known difference. */
  #extremeTimes({ unit, isAbsolute, isPositive }: TimeKind): readonly string[] {
    const past = isAbsolute && (!this.isExclusive || !isPositive) ? ["1", "100"] : [];
    if (unit === "s") {
      const beyond = ["9223372036854775807", "-9223372036854775808"];
      const far = String(8_000_000_000_000 - this.#uniqueStep() * TIME_STEP_S);
      return [...past, ...beyond, far, ...(isAbsolute ? [] : ["9223372036854775"])];
    }
    if (isAbsolute) return [...past, "9007199254740991"];
    return isPositive ? ["9223372036854775807", "-9223372036854775808"] : ["9223372036854775807"];
  }
}
