import { assertEquals, assertThrows } from "@std/assert";
import { confirmOrThrow, type Person } from "../../../lib/cli/confirmation.ts";
import { Failure } from "../../../lib/cli/failures.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const PLAN = "One node at a time:\n  restart node 1";
const SHOWN = `${PLAN}\n`;

/** What a person who answers like that is asked; undefined for nobody. */
function confirmed(flags: readonly string[], answer: boolean | undefined) {
  const surroundings = fakeSurroundings();
  const asked: string[] = [];
  const person: Person = {
    isThere: () => answer !== undefined,
    agrees: (question) => {
      asked.push(question);
      return answer === true;
    },
  };
  const settings = settingsOf("rolling-restart", ...flags);
  const run = () => confirmOrThrow({ settings, surroundings }, PLAN, { person });
  return { run, asked, surroundings };
}

Deno.test("a person on a terminal is shown the plan and asked; a no leaves all as it is", () => {
  const yes = confirmed([], true);
  yes.run();
  assertEquals([yes.surroundings.output(), yes.asked], [SHOWN, ["Go on?"]]);
  const no = confirmed([], false);
  assertEquals(assertThrows(no.run, Failure).message, "Nothing was done");
});

Deno.test("where nobody can be asked --yes is needed, and nobody is asked with it", () => {
  const nobody = confirmed([], undefined);
  assertEquals(assertThrows(nobody.run, UsageError).message.includes("--yes"), true);
  assertEquals(nobody.surroundings.output(), SHOWN);
  for (const answer of [undefined, false]) {
    const sure = confirmed(["--yes"], answer);
    sure.run();
    assertEquals([sure.surroundings.output(), sure.asked], [SHOWN, []]);
  }
});

Deno.test("with --json the plan is not among what programs read", () => {
  const { run, surroundings } = confirmed(["--yes", "--json"], undefined);
  run();
  assertEquals([surroundings.output(), surroundings.errors()], ["", SHOWN]);
});
