/** What holds for the project as a whole, and no rule for one file can see. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "./project.ts";

const SOURCES: readonly string[] = ["main.ts", "mod.ts", "lib", "tests", "bench"];
/** Where the words below stand as data. */
const THIS_FOLDER = "tests/tidy/";
/** Some of the plugin's rules, and those of Deno that the style relies on as well. */
const STYLE_RULES = [
  "tidy/no-enum",
  "tidy/no-default-export",
  "no-explicit-any",
  "no-non-null-assertion",
  "no-console",
  "no-eval",
  "eqeqeq",
];

function sourceFiles(path: string): readonly string[] {
  if (Deno.statSync(`${ROOT}${path}`).isFile) return path.endsWith(".ts") ? [path] : [];
  return [...Deno.readDirSync(`${ROOT}${path}`)].flatMap(({ name }) => sourceFiles(`${path}/${name}`));
}

function linesOf(path: string): readonly string[] {
  return Deno.readTextFileSync(`${ROOT}${path}`).split("\n");
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function readConfiguration(name: string): Readonly<Record<string, unknown>> {
  return record(JSON.parse(Deno.readTextFileSync(`${ROOT}${name}`)));
}

/** The lines with a directive, of the program or of all sources, that `isWrong` refuses. */
function wrongDirectives(directive: RegExp, isWrong: (line: string, path: string) => boolean): readonly string[] {
  return SOURCES.flatMap(sourceFiles).filter((path) => !path.startsWith(THIS_FOLDER)).flatMap((path) =>
    linesOf(path).filter((line) => directive.test(line) && isWrong(line, path)).map((line) => `${path}: ${line.trim()}`)
  );
}

async function run(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const output = await new Deno.Command(Deno.execPath(), { args: [...args], cwd: ROOT, env: { NO_COLOR: "1" } })
    .output();
  const decoder = new TextDecoder();
  return { code: output.code, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}

Deno.test("the tidy rules have no exceptions", () => {
  const wrong = wrongDirectives(/deno-lint-ignore/, (line) => {
    const codes = line.replace(/^.*deno-lint-ignore(-file)?/, "").replace(/--.*$/, "").trim().split(/[\s,]+/);
    // Without codes everything would be ignored.
    return codes.some((code) => code === "" || code.startsWith("tidy/") || code === "no-non-null-assertion");
  });
  assertEquals(wrong, []);
});

Deno.test("the program has no any, and the type checker is silenced nowhere", () => {
  const ignoredAny = wrongDirectives(/deno-lint-ignore/, (line, path) => {
    return !path.startsWith("tests/") && line.includes("no-explicit-any");
  });
  assertEquals(ignoredAny, []);
  assertEquals(wrongDirectives(/@ts-(ignore|expect-error|nocheck)/, () => true), []);
});

Deno.test("deno.json runs the plugin and switches none of its rules off", () => {
  const lint = record(readConfiguration("deno.json")["lint"]);
  assertEquals(lint["plugins"], ["./tests/tidy/plugin.ts"]);
  assertEquals(record(lint["rules"])["exclude"], undefined);
  assertEquals(lint["exclude"], ["deps"]);
});

Deno.test("deno lint, as it is configured, reports what the style forbids", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const source =
      "export enum A { B }\nexport const c: any = A.B!;\nconsole.log(c == eval('1'));\nexport default c;\n";
    await Deno.writeTextFile(`${folder}/bad.ts`, source);
    const { code, text } = await run(["lint", "--config", "deno.json", "--compact", `${folder}/bad.ts`]);
    assertNotEquals(code, 0);
    for (const rule of STYLE_RULES) assertStringIncludes(text, `(${rule})`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the pure check is as strict as the other one", () => {
  const { lib, ...pure } = record(readConfiguration("deno.pure.json")["compilerOptions"]);
  assertEquals(lib, ["esnext"]);
  assertEquals(pure, readConfiguration("deno.json")["compilerOptions"]);
});

Deno.test("the pure check refuses what only the platform has, and passes what the language has", async () => {
  const folder = await Deno.makeTempDir();
  const check = (name: string) => run(["check", "--no-lock", "--config", "deno.pure.json", `${folder}/${name}`]);
  try {
    const platform = ["Deno", "setTimeout", "console", "crypto", "performance", "queueMicrotask", "TextEncoder"];
    const uses = platform.map((name) => `export const use_${name}: unknown = ${name};\n`).join("");
    await Deno.writeTextFile(`${folder}/bad.ts`, uses);
    await Deno.writeTextFile(`${folder}/good.ts`, "export const sizes: readonly number[] = [new Map().size];\n");
    const bad = await check("bad.ts");
    assertNotEquals(bad.code, 0);
    for (const name of platform) assertStringIncludes(bad.text, `'${name}'`);
    const good = await check("good.ts");
    assertEquals(good.code, 0, good.text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the executable is made with the same configuration, without what only tests import", () => {
  const testsOnly = ["@std/assert"];
  const whole = readConfiguration("deno.json");
  const small = readConfiguration("deno.compile.json");
  const imports = Object.entries(record(whole["imports"])).filter(([name]) => !testsOnly.includes(name));
  assertEquals(record(small["imports"]), Object.fromEntries(imports));
  assertEquals(small["compilerOptions"], whole["compilerOptions"]);
});

Deno.test("the configuration of the browser tests is the program's with their two packages", () => {
  const whole = readConfiguration("deno.json");
  const browser = readConfiguration("deno.browser.json");
  const { "axe-core": axe, "playwright-core": playwright, ...imports } = record(browser["imports"]);
  assertEquals([typeof axe, typeof playwright], ["string", "string"]);
  assertEquals(imports, whole["imports"]);
  assertEquals([browser["links"], browser["compilerOptions"]], [whole["links"], whole["compilerOptions"]]);
});

Deno.test("who starts a cluster or compiles downloads no package that only tests use", () => {
  // `deno task` and `deno run` fetch all that the lock file names, whether it is imported or not.
  const lock = record(readConfiguration("deno.lock"));
  const names = Object.keys(record(lock["npm"])).map((name) => name.replace(/@[^@]*$/, ""));
  // The standard library, and what the program imports. Deno 2.4 adds the types of Node's modules when it checks.
  assertEquals(names.sort(), ["deno-std", "uplot"]);
});

Deno.test("the type check leaves no folder of tests out", () => {
  const tasks = record(readConfiguration("deno.json")["tasks"]);
  const checked = `${tasks["check"]} ${tasks["check:browser"]}`.split(" ");
  const folders = [...Deno.readDirSync(`${ROOT}tests`)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `tests/${name}`).filter((folder) => sourceFiles(folder).length > 0);
  for (const folder of [...folders, "lib", "bench", "main.ts", "mod.ts"]) assert(checked.includes(folder), folder);
});
