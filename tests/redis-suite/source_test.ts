import { assertEquals } from "@std/assert";
import { sourceStanzas } from "./source.ts";

Deno.test("package sources of both formats are asked for source packages, and nothing else is", () => {
  const stanza =
    "# A comment\nTypes: deb\nURIs: http://mirror/debian\nSuites: stable\nComponents: main\nSigned-By: /k.gpg";
  assertEquals(sourceStanzas("a.sources", `${stanza}\n\n# only a comment\n`), [stanza.replace("deb\n", "deb-src\n")]);
  const lines =
    "# deb http://no/debian stable main\ndeb [arch=amd64 signed-by=/k.gpg] http://mirror/debian stable main contrib # x\n";
  assertEquals(sourceStanzas("a.list", lines), [
    "Types: deb-src\nURIs: http://mirror/debian\nSuites: stable\nComponents: main contrib\nSigned-By: /k.gpg",
  ]);
  assertEquals(sourceStanzas("a.list", "deb http://mirror/debian stable main\n"), [
    "Types: deb-src\nURIs: http://mirror/debian\nSuites: stable\nComponents: main",
  ]);
  assertEquals(sourceStanzas("a.sources.disabled", stanza), []);
});
