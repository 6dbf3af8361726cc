/** What a release is made of: its bill of materials, its licenses, its text. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LICENSED_PARTS, showLicenses } from "../../lib/cli/licenses.ts";
import { VERSION } from "../../lib/observe/version.ts";
import { NODE, testWith } from "../support/needs.ts";
import { ROOT } from "../support/program.ts";

interface Lock {
  readonly npm: Readonly<Record<string, unknown>>;
}

/** Packages of the lock file that end in the executable, as `name@version`. */
function carriedPackages(): readonly string[] {
  const { npm }: Lock = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.lock`));
  return Object.keys(npm).filter((name) => !/^(@types\/|undici-types@)/.test(name)).sort();
}

async function run(name: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(`${ROOT}.ci/${name}`, { args: [...args], cwd: ROOT })
    .output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("every package that the executable carries has its license in kvstore licenses, in the version of the lock file", () => {
  const named = LICENSED_PARTS.map(({ name, version }) => `${name}@${version}`);
  for (const carried of carriedPackages()) {
    assert(named.includes(carried), `${carried} is not among ${named.join(", ")}`);
  }
  const shown = showLicenses();
  for (const { name, copyright } of LICENSED_PARTS) {
    assertStringIncludes(shown, name);
    assertStringIncludes(shown, copyright);
  }
  for (const text of ["--- MIT", "--- BSD-3-Clause", 'THE SOFTWARE IS PROVIDED "AS IS"']) {
    assertStringIncludes(shown, text);
  }
});

testWith(
  [NODE],
  "the bill of materials names each package with its checksum, and the runtime, and is the same each time",
  async () => {
    const [first, second] = [await run("sbom"), await run("sbom")];
    assertEquals([first.code, first.out], [0, second.out]);
    const bom = JSON.parse(first.out);
    assertEquals([bom.bomFormat, bom.specVersion, bom.metadata.component.version], ["CycloneDX", "1.5", VERSION]);
    const components: readonly { readonly name: string; readonly version: string; readonly hashes?: unknown[] }[] =
      bom.components;
    const named = components.map(({ name, version }) => `${name}@${version}`);
    for (const carried of carriedPackages()) assert(named.includes(carried), carried);
    assert(components.every(({ name, hashes }) => name === "deno" || hashes?.length === 1));
    assert(named.some((name) => name.startsWith("deno@")));
  },
);

Deno.test("the text of a release is its section of the changelog, and a tag of another version is refused", async () => {
  const changelog = Deno.readTextFileSync(`${ROOT}CHANGELOG.md`);
  const notes = await run("release-notes", `v${VERSION}`);
  if (changelog.includes(`\n## ${VERSION}`)) {
    assertEquals(notes.code, 0);
    assert(changelog.includes(notes.out.trim()));
  } else {
    assertEquals([notes.code, notes.out], [1, ""]);
    assertStringIncludes(notes.err, `has no section '## ${VERSION}'`);
  }
  const other = await run("release-notes", "v99.0.0");
  assertEquals([other.code, other.out], [1, ""]);
  assertStringIncludes(other.err, `the tag says 99.0.0, deno.json says ${VERSION}`);
});

Deno.test("a target that nobody has heard of is refused", async () => {
  const { code, err } = await run("build", "amiga-68k");
  assertEquals(code, 2);
  assertStringIncludes(err, "linux-x64, linux-arm64, macos-x64, macos-arm64 or windows-x64");
});
