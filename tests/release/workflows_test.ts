/** The workflows of GitHub are sound, and do nothing that a script of .ci does not do. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ACTIONLINT, testWith } from "../support/needs.ts";
import { ROOT } from "../support/program.ts";

const FOLDER = `${ROOT}.github/workflows`;

function workflows(): readonly string[] {
  return [...Deno.readDirSync(FOLDER)].map(({ name }) => `${FOLDER}/${name}`).sort();
}

/** What actionlint says of one file, and its exit code. */
async function lint(path: string): Promise<{ readonly code: number; readonly said: string }> {
  const command = new Deno.Command("npx", { args: [...ACTIONLINT.args, path], env: { NO_COLOR: "1" }, cwd: ROOT });
  const { code, stdout, stderr } = await command.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

testWith([ACTIONLINT], "actionlint finds nothing in the workflows, and finds a planted mistake", async () => {
  const paths = workflows();
  assertEquals(paths.length, 2);
  for (const path of paths) {
    const { code, said } = await lint(path);
    assertEquals([code, /passed/.test(said)], [0, true], said);
  }
  const folder = await Deno.makeTempDir();
  try {
    const text = await Deno.readTextFile(paths[0] ?? "");
    await Deno.writeTextFile(
      `${folder}/bad.yml`,
      text.replace("runs-on: ubuntu-24.04", "runs-on: ${{ githb.nothing }}"),
    );
    const { code, said } = await lint(`${folder}/bad.yml`);
    assert(code !== 0, said);
    assertMatch(said, /githb/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every step of the workflows uses an action or calls one script of .ci that exists and is executable", () => {
  for (const path of workflows()) {
    const text = Deno.readTextFileSync(path);
    const runs = [...text.matchAll(/^ +(?:- )?run: (.*)$/gm)].map(([, line = ""]) => line);
    assert(runs.length > 0, path);
    for (const line of runs) {
      const script = /^(\.ci\/[a-z-]+)(?: [^;&|`]*)?$/.exec(line)?.[1];
      assert(script !== undefined, `${path}: ${line}`);
      const { isFile, mode } = Deno.statSync(`${ROOT}${script}`);
      assert(isFile && ((mode ?? 0) & 0o111) !== 0, `${script} is not executable`);
    }
    // Whoever may push a tag of an action could change what it does: actions of GitHub itself alone.
    for (const [, action = ""] of text.matchAll(/uses: (.*)$/gm)) assertMatch(action, /^actions\/[a-z-]+@v\d+$/);
  }
});

Deno.test(".ci/run calls each script by which the executable for Linux x64 is made and described", () => {
  const release = Deno.readTextFileSync(`${FOLDER}/release.yml`);
  const called = new Set([...release.matchAll(/run: \.ci\/([a-z-]+)/g)].map(([, script = ""]) => script));
  assertEquals([...called].sort(), ["build", "publish", "release-notes", "run", "sbom", "sums", "try"]);
  const run = Deno.readTextFileSync(`${ROOT}.ci/run`);
  // What only makes sense for a tag: tests/release calls release-notes, and publish does nothing but ask GitHub.
  for (const script of [...called].filter((name) => !["publish", "release-notes", "run"].includes(name))) {
    assertMatch(run, new RegExp(`^[^#\\n]*\\.ci/${script}\\b`, "m"));
  }
  for (const script of ["build", "try"]) assertMatch(run, new RegExp(`\\.ci/${script} linux-x64`));
});
