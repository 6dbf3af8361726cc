/** install.sh against a server of this test: what it installs, and every way in which it refuses. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { CURL, debianProgram, testWith } from "../support/needs.ts";
import { ROOT } from "../support/program.ts";

const SCRIPT = `${ROOT}install.sh`;
const NOBODY = 65_534;
const WGET = debianProgram("wget", "wget");
const SHASUM = debianProgram("shasum", "perl");
/** What install.sh takes for granted. */
const EVERYWHERE = ["awk", "chmod", "cut", "gzip", "id", "mkdir", "mktemp", "mv", "rm", "sh", "uname"];
/** Stands in for the executable: it is run to see whether it can be. */
const PROGRAM = "#!/bin/sh\necho 'kvstore 9.9.9 (a stand-in)'\n";

interface Site {
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** By path; what is missing is 404. */
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  readonly home: string;
  install(changes?: Partial<Run>): Promise<Outcome>;
}

interface Run {
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A release of all systems, a home directory, and the script. */
async function withSite(body: (site: Site) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "kvstore-install-" });
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const asked: string[] = [];
  const program = new Uint8Array(gzipSync(PROGRAM));
  const sums: string[] = [];
  for (const target of ["linux-x64", "linux-arm64", "macos-x64", "macos-arm64"]) {
    files.set(`/kvstore-${target}.gz`, program);
    sums.push(`${await sha256(program)}  kvstore-${target}.gz\n`);
  }
  files.set("/SHA256SUMS", new TextEncoder().encode(sums.join("")));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const file = files.get(pathname);
    return file === undefined ? new Response("none", { status: 404 }) : new Response(file);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const install = async ({ env = {}, uid }: Partial<Run> = {}): Promise<Outcome> => {
    const command = new Deno.Command("/bin/sh", {
      args: [SCRIPT],
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin", HOME: home, KVSTORE_URL: url, KVSTORE_BIN_DIR: `${home}/.local/bin`, ...env },
      cwd: home,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  };
  try {
    await body({ url, asked, files, home, install });
  } finally {
    await server.shutdown();
    await Deno.remove(home, { recursive: true });
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A PATH on which `uname` tells of another system. */
async function pathWithUname(home: string, { system, machine }: { system: string; machine: string }): Promise<string> {
  const folder = `${home}/fake`;
  await Deno.mkdir(folder, { recursive: true });
  const script = `#!/bin/sh\nif [ "$1" = -m ]; then echo '${machine}'; else echo '${system}'; fi\n`;
  await Deno.writeTextFile(`${folder}/uname`, script, { mode: 0o755 });
  return `${folder}:/usr/bin:/bin`;
}

/** A PATH on which there is nothing but what every Unix has, and `programs`. */
async function pathWithOnly(home: string, programs: readonly string[]): Promise<string> {
  const folder = `${home}/only`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder);
  for (const name of [...EVERYWHERE, ...programs]) {
    const found = ["/usr/bin", "/bin"].map((directory) => `${directory}/${name}`).find(exists);
    assert(found !== undefined, name);
    await Deno.symlink(found, `${folder}/${name}`);
  }
  return folder;
}

testWith(
  [CURL],
  "install.sh fetches, verifies and installs, and says what to type next",
  () =>
    withSite(async ({ home, install, asked }) => {
      const { code, out, err } = await install();
      assertEquals([code, err], [0, ""]);
      const path = `${home}/.local/bin/kvstore`;
      assertEquals(await Deno.readTextFile(path), PROGRAM);
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o755);
      assertEquals(
        [...Deno.readDirSync(`${home}/.local/bin`)].map(({ name }) => name),
        ["kvstore"],
        "nothing else is left",
      );
      assertMatch(asked.join(), /^\/SHA256SUMS,\/kvstore-(linux|macos)-(x64|arm64)\.gz$/);
      assertStringIncludes(out, "Installed kvstore 9.9.9");
      assertStringIncludes(out, "is not in PATH");
      assertStringIncludes(out, `  ${path} cli`);
      // Once more over what is there, from a shell that finds it.
      const again = await install({ env: { PATH: `${home}/.local/bin:/usr/bin:/bin` } });
      assertEquals(again.code, 0);
      assertStringIncludes(again.out, "  kvstore          # a local three-node cluster");
    }),
);

testWith(
  [CURL],
  "install.sh installs nothing that has a wrong checksum, or none, or cannot be fetched or run",
  () =>
    withSite(async ({ home, install, files }) => {
      const sums = files.get("/SHA256SUMS") ?? new Uint8Array();
      const text = new TextDecoder().decode(sums);
      const broken = gzipSync("#!/bin/sh\nexit 1\n");
      const cases: readonly (readonly [what: string, spoil: () => void | Promise<void>, says: RegExp])[] = [
        [
          "wrong sum",
          () => void files.set("/SHA256SUMS", encode(text.replace(/[0-9a-f]{4}/g, "0000"))),
          /The checksum of kvstore-\S+\.gz is/,
        ],
        ["no sum", () => void files.set("/SHA256SUMS", encode("")), /SHA256SUMS has no checksum for kvstore-/],
        ["no file of sums", () => void files.delete("/SHA256SUMS"), /Cannot fetch \S+SHA256SUMS/],
        ["no executable", () => {
          files.set("/SHA256SUMS", sums);
          for (const path of [...files.keys()].filter((name) => name.endsWith(".gz"))) files.delete(path);
        }, /Cannot fetch \S+kvstore-/],
        ["one that does not run", async () => {
          const bytes = new Uint8Array(broken);
          const sum = await sha256(bytes);
          files.set("/SHA256SUMS", encode(text.replace(/[0-9a-f]{64}/g, sum)));
          for (const target of text.match(/kvstore-\S+\.gz/g) ?? []) files.set(`/${target}`, bytes);
        }, /does not run on this system/],
      ];
      for (const [what, spoil, says] of cases) {
        await spoil();
        const { code, err } = await install();
        assertEquals(code, 1, what);
        assertMatch(err, says, what);
        assert(!exists(`${home}/.local/bin/kvstore`), what);
      }
    }),
);

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("install.sh names a system and a machine that there is no executable for", () =>
  withSite(async ({ home, install, asked }) => {
    const cases = [["FreeBSD", "amd64", "FreeBSD"], ["MINGW64_NT-10.0", "x86_64", "MINGW64_NT-10.0"], [
      "Linux",
      "riscv64",
      "riscv64",
    ]] as const;
    for (const [system, machine, named] of cases) {
      const { code, err } = await install({ env: { PATH: await pathWithUname(home, { system, machine }) } });
      assertEquals(code, 1);
      assertStringIncludes(err, `There is no executable for ${named}`);
    }
    assertEquals(asked, []);
  }));

testWith(
  [CURL],
  "install.sh takes the executable of the system it runs on",
  () =>
    withSite(async ({ home, install, asked }) => {
      const cases = [
        ["Linux", "x86_64", "linux-x64"],
        ["Linux", "aarch64", "linux-arm64"],
        ["Darwin", "x86_64", "macos-x64"],
        ["Darwin", "arm64", "macos-arm64"],
      ] as const;
      for (const [system, machine, target] of cases) {
        const { code, err } = await install({ env: { PATH: await pathWithUname(home, { system, machine }) } });
        assertEquals([code, err], [0, ""]);
        assertEquals(asked.at(-1), `/kvstore-${target}.gz`);
      }
    }),
);

testWith(
  [CURL, WGET, SHASUM],
  "install.sh gets along with wget and shasum, and says which of them it needs",
  () =>
    withSite(async ({ home, install }) => {
      const path = `${home}/.local/bin/kvstore`;
      for (const tools of [["curl", "sha256sum"], ["wget", "sha256sum"], ["wget", "shasum", "perl"]]) {
        const { code, err } = await install({ env: { PATH: await pathWithOnly(home, tools) } });
        assertEquals([code, err], [0, ""], tools.join());
        assertEquals(await Deno.readTextFile(path), PROGRAM);
        await Deno.remove(path);
      }
      for (const [tool, says] of [["sha256sum", "curl or wget"], ["curl", "sha256sum or shasum"]] as const) {
        const { code, err } = await install({ env: { PATH: await pathWithOnly(home, [tool]) } });
        assertEquals(code, 1);
        assertStringIncludes(err, `${says} is needed`);
      }
      assert(!exists(path));
    }),
);

testWith(
  [CURL],
  "install.sh installs for one user without root, and needs no place where temporary files may run",
  () =>
    withSite(async ({ home, install, files }) => {
      // Another user where the test runs as root, whose own place is /usr/local/bin.
      const someone = Deno.uid() === 0 ? { uid: NOBODY } : {};
      const house = `${home}/house`;
      await Deno.mkdir(house);
      if (Deno.uid() === 0) await Deno.chown(house, NOBODY, NOBODY);
      await Deno.chmod(home, 0o755);
      const env = { KVSTORE_BIN_DIR: "", HOME: house, TMPDIR: house };
      const { code, out, err } = await install({ env, ...someone });
      assertEquals([code, err], [0, ""]);
      assertStringIncludes(out, `  as ${house}/.local/bin/kvstore`);
      // It was tried where it lies: here it tells its own path.
      const tells = new Uint8Array(gzipSync('#!/bin/sh\necho "kvstore from $0"\n'));
      const sum = await sha256(tells);
      const names = ["linux-x64", "linux-arm64", "macos-x64", "macos-arm64"].map((target) => `kvstore-${target}.gz`);
      for (const name of names) files.set(`/${name}`, tells);
      files.set("/SHA256SUMS", encode(names.map((name) => `${sum}  ${name}\n`).join("")));
      const second = await install({ env, ...someone });
      assertStringIncludes(second.out, `kvstore from ${house}/.local/bin/`);
      assertEquals([...Deno.readDirSync(house)].map(({ name }) => name), [".local"], "no temporary file is left");
    }),
);

Deno.test("install.sh names a directory that it cannot make or write to, before anything is fetched", () =>
  withSite(async ({ home, install, asked }) => {
    const below = `${SCRIPT}/bin`;
    const failed = await install({ env: { KVSTORE_BIN_DIR: below } });
    assertEquals(failed.code, 1);
    assertStringIncludes(failed.err, `Cannot create ${below}; KVSTORE_BIN_DIR names another directory`);
    const readOnly = `${home}/read-only`;
    await Deno.mkdir(readOnly, { mode: 0o555 });
    await Deno.chmod(home, 0o755);
    // Nothing is read-only to root.
    const someone = Deno.uid() === 0 ? { uid: NOBODY } : {};
    const refused = await install({ env: { KVSTORE_BIN_DIR: readOnly, TMPDIR: "/tmp" }, ...someone });
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.err, `Cannot write to ${readOnly}; KVSTORE_BIN_DIR names another directory`);
    assertEquals(asked, []);
  }));
