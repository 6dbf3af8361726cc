/** What a release is made of: its bill of materials, its licenses, its text. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LICENSED_PARTS, showLicenses } from "../../lib/cli/licenses.ts";
import { VERSION } from "../../lib/observe/version.ts";
import { NODE, testWith } from "../support/needs.ts";
import { ROOT } from "../support/program.ts";

interface Lock {
  readonly npm: Readonly<Record<string, unknown>>;
}

interface Component {
  readonly name: string;
  readonly version: string;
  readonly hashes?: unknown[];
  readonly licenses: unknown;
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
  const packages = LICENSED_PARTS.filter(({ name }) => !["kvstore", "deno", "v8"].includes(name));
  assertEquals(packages.map(({ name, version }) => `${name}@${version}`).sort(), carriedPackages(), "and no others");
  const shown = showLicenses();
  for (const { name, version, copyright, source } of LICENSED_PARTS) {
    assertStringIncludes(shown, `${name} ${version} (`);
    assertStringIncludes(shown, copyright);
    assertMatch(source, /^https:\/\/\S+$/, `where ${name} and its license are found`);
    assertStringIncludes(shown, source);
  }
  assertStringIncludes(Deno.readTextFileSync(`${ROOT}LICENSE`), LICENSED_PARTS[0]?.copyright ?? "none");
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
    const components: readonly Component[] = bom.components;
    const named = components.map(({ name, version }) => `${name}@${version}`);
    for (const carried of carriedPackages()) assert(named.includes(carried), carried);
    assert(components.every(({ name, hashes }) => name === "deno" || hashes?.length === 1));
    const built = /KVSTORE_BUILD_DENO:-([0-9.]+)/.exec(Deno.readTextFileSync(`${ROOT}.ci/build`))?.[1];
    assert(named.includes(`deno@${built}`), "the runtime is the one that .ci/build takes");
    for (const { name, licenses } of components) {
      const { license } = LICENSED_PARTS.find((part) => part.name === name) ?? {};
      assertEquals(licenses, [{ license: { id: license } }], `${name}: its license is that of kvstore licenses`);
    }
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

Deno.test("every page and script names the same address of the releases, which install.sh defines", () => {
  const script = Deno.readTextFileSync(`${ROOT}install.sh`);
  const address = /^releases=(.*)\/releases$/m.exec(script)?.[1];
  assert(address !== undefined);
  const pages = ["README.md", "docs/operations.md", "install.sh", "lib/cli/licenses.ts"];
  for (const page of pages) {
    const text = Deno.readTextFileSync(`${ROOT}${page}`);
    const named = [...text.matchAll(/https:\/\/github\.com\/kvstore[^/]*\/[\w-]+/g)].map(([found]) => found);
    assert(named.length > 0, page);
    for (const found of named) assertEquals(found, address, page);
  }
  assertStringIncludes(
    Deno.readTextFileSync(`${ROOT}docs/operations.md`),
    `--repo ${new URL(address).pathname.slice(1)}`,
  );
});
