import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { makeCommandLinePage } from "../../../lib/cli/flags_doc.ts";

const PAGE = fromFileUrl(new URL("../../../docs/command-line.md", import.meta.url));

Deno.test("docs/command-line.md is what the tables make; UPDATE=1 rewrites it", async () => {
  const made = makeCommandLinePage();
  if (Deno.env.get("UPDATE") === "1") {
    await Deno.writeTextFile(PAGE, made);
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE] }).output();
  }
  assertEquals(words(await Deno.readTextFile(PAGE)), words(made));
});

/** The formatter decides about line ends and the widths of columns. */
function words(text: string): string[] {
  return text.replace(/-{3,}/g, "---").split(/\s+/);
}
