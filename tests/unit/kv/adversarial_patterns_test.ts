import { assert, assertEquals } from "@std/assert";
import { checkCall } from "../../../lib/kv/calls.ts";
import { encodeCommand } from "../../../lib/kv/commands.ts";
import { countGlobSteps, PATTERN_BYTES_MAX } from "../../../lib/kv/glob.ts";
import { LONG_PATTERN } from "../../../lib/kv/replies.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const LENGTH = 2_000;

/** Patterns and texts that take a backtracking matcher time without measure. */
const ADVERSARIAL: readonly (readonly [name: string, pattern: string, text: string])[] = [
  ["one star", "*", "a".repeat(LENGTH)],
  ["many stars", "*".repeat(LENGTH), "a".repeat(LENGTH)],
  ["stars and no match", `${"*".repeat(LENGTH)}b`, "a".repeat(LENGTH)],
  ["stars between equal letters", `${"a*".repeat(100)}b`, "a".repeat(LENGTH)],
  ["letters between stars", `${"*a".repeat(100)}*b`, "a".repeat(LENGTH)],
  ["stars between pairs", `${"*aa".repeat(100)}b`, "a".repeat(LENGTH)],
  ["stars and any letter", `${"*?".repeat(100)}b`, "a".repeat(LENGTH)],
  ["any letters and stars", `${"?*".repeat(100)}b`, "a".repeat(LENGTH)],
  ["stars and classes", `${"*[a-z]".repeat(100)}0`, "a".repeat(LENGTH)],
  ["stars and negated classes", `${"*[^b]".repeat(100)}b`, "a".repeat(LENGTH)],
  ["a long class", `*[${"b".repeat(LENGTH)}]`, "a".repeat(100)],
  ["many ranges", `*[${"b-c".repeat(300)}]`, "a".repeat(100)],
  ["classes without an end", "*[a".repeat(100), "a".repeat(LENGTH)],
  ["escaped stars", `${"*\\*".repeat(100)}b`, "*".repeat(LENGTH)],
  ["escapes without an end", `${"\\".repeat(LENGTH)}*`, "\\".repeat(LENGTH)],
  ["a nearly periodic text", `*${"ab".repeat(100)}c*`, "ab".repeat(LENGTH / 2)],
  ["a nearly matching end", `*${"a".repeat(500)}b`, "a".repeat(LENGTH)],
  ["alternating stars", `${"*a*b".repeat(50)}c`, "ab".repeat(LENGTH / 2)],
  ["bytes beyond ASCII", `${"*\xff".repeat(100)}\xfe`, "\xff".repeat(LENGTH)],
  ["nested-looking brackets", `${"*[[]".repeat(100)}]`, "[".repeat(LENGTH)],
];

/** Bytes between two stars, at the most: each place of the text is tried for one such run only. */
function longestRun(pattern: string): number {
  return Math.max(...pattern.split("*").map(({ length }) => length));
}

Deno.test("20 adversarial patterns take no more steps than the text times what stands between two stars, and twice the text twice the steps", () => {
  for (const [name, pattern, text] of ADVERSARIAL) {
    const steps = countGlobSteps(pattern, text);
    const bound = (longestRun(pattern) + 1) * (text.length + 1) + pattern.length;
    assert(steps <= bound, `${name}: ${steps} steps, pattern ${pattern.length}, text ${text.length}, bound ${bound}`);
    const doubled = countGlobSteps(pattern, text + text);
    assert(doubled <= 3 * steps + 4 * pattern.length, `${name}: ${steps} steps, for twice the text ${doubled}`);
  }
});

Deno.test("20 adversarial patterns in KEYS and SCAN give what they say, and patterns without measure are refused", () => {
  for (const [name, pattern, text] of ADVERSARIAL) {
    const state = emptyState();
    state.apply(1, spanOf(encodeCommand({ type: "Put", key: text, value: "v" })));
    state.apply(2, spanOf(encodeCommand({ type: "Put", key: "other", value: "v" })));
    const surroundings = { random: () => 0 };
    const found = [text, "other"].filter((key) => reference(pattern, key));
    const keys = state.read(["KEYS", pattern], surroundings);
    assertEquals(keys, found, name);
    assertEquals(state.read(["SCAN", "0", "MATCH", pattern], surroundings), ["0", found], name);
  }
  const long = "[]".repeat(PATTERN_BYTES_MAX);
  for (const call of [["KEYS", long], ["SCAN", "0", "MATCH", long]]) {
    assertEquals(checkCall(call), LONG_PATTERN);
    assertEquals(emptyState().read(call, { random: () => 0 }), LONG_PATTERN);
  }
});

/** The same answer in a slow and plain way: which places of the pattern can be reached behind each byte of the text. */
function reference(pattern: string, text: string): boolean {
  const parts = pattern.match(/\*|\?|\[(?:\\[^]|[^\]\\])*(?:\]|$)|\\?[^]/g) ?? [];
  let reached = closure(new Set([0]), parts);
  for (const character of text) {
    const next = new Set<number>();
    for (const at of reached) {
      const part = parts[at];
      if (part === "*") next.add(at);
      else if (part !== undefined && accepts(part, character)) next.add(at + 1);
    }
    reached = closure(next, parts);
    if (reached.size === 0) return false;
  }
  return reached.has(parts.length);
}

/** A star may stand for nothing. */
function closure(places: Set<number>, parts: readonly string[]): ReadonlySet<number> {
  for (const at of places) if (parts[at] === "*") places.add(at + 1);
  return places;
}

function accepts(part: string, character: string): boolean {
  if (part === "?") return true;
  if (!part.startsWith("[")) return (part.length === 2 ? part[1] : part) === character;
  const negated = part[1] === "^";
  const members = part.slice(negated ? 2 : 1, part.endsWith("]") ? -1 : undefined);
  const isIn = /^.-.$/.test(members.slice(0, 3)) && members.length === 3
    ? character >= members.charAt(0) && character <= members.charAt(2)
    : members.includes(character);
  return isIn !== negated;
}
