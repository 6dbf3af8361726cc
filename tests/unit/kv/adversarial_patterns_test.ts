import { assert } from "@std/assert";
import { compileGlob, countGlobSteps } from "../../../lib/kv/glob.ts";

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

Deno.test("20 adversarial patterns take no more steps than pattern times text, and twice the text twice the steps", () => {
  for (const [name, pattern, text] of ADVERSARIAL) {
    const steps = countGlobSteps(pattern, text);
    // A class is one step for each of its members.
    const bound = 4 * (pattern.length + 1) * (text.length + 1);
    assert(steps <= bound, `${name}: ${steps} steps, pattern ${pattern.length}, text ${text.length}`);
    const doubled = countGlobSteps(pattern, text + text);
    assert(doubled <= 3 * steps + 4 * pattern.length, `${name}: ${steps} steps, for twice the text ${doubled}`);
    compileGlob(pattern).matches(text);
  }
});
