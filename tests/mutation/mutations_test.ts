/** The table of planted bugs fits the sources: each patch applies exactly once, and every known bug is in it. */

import { assert, assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { mutate, StalePatchError } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

Deno.test("every patch applies exactly once and changes something", () => {
  for (const mutation of MUTATIONS) {
    const texts = mutate(mutation, (file) => Deno.readTextFileSync(join(ROOT, file)));
    for (const [file, text] of texts) {
      assert(text !== Deno.readTextFileSync(join(ROOT, file)), `${mutation.id}: ${file}`);
    }
  }
});

Deno.test("only shipped sources are broken", () => {
  for (const { id, patches } of MUTATIONS) {
    assert(patches.length > 0, id);
    for (const { file } of patches) assert(file.startsWith("lib/"), `${id}: ${file}`);
  }
});

Deno.test("each known bug is planted at least once, and ten slips of our own", () => {
  const ids = MUTATIONS.map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);
  const known = new Set(ids.map((id) => id.replace(/[a-z]$/, "")));
  for (let number = 1; number <= 25; number++) assert(known.has(`B${number}`), `B${number}`);
  assertGreaterOrEqual(ids.filter((id) => id.startsWith("M")).length, 10);
});

Deno.test("a patch that fits twice or nowhere is refused", () => {
  const mutation = (find: string) => ({ id: "B1", what: "A bug", patches: [{ file: "a", find, replace: "$&" }] });
  assertThrows(() => mutate(mutation("x"), () => "x y x"), StalePatchError, "2 times");
  assertThrows(() => mutate(mutation("z"), () => "x y x"), StalePatchError, "0 times");
  assertEquals(mutate(mutation("y"), () => "x y x").get("a"), "x $& x");
});
