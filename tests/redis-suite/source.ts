/** The source of Redis 7.0 from Debian, for its tests: fetched with apt, into a directory of its own, as any user. */

/** Where the source is, or why it is not there. */
export type RedisSource =
  | { readonly type: "Fetched"; readonly directory: string }
  | { readonly type: "Missing"; readonly reason: string };

/** The release whose results are expected. */
const RELEASE = "7.0";
const FETCH_MS_MAX = 120_000;
const SOURCES_OF_APT = "/etc/apt";

/** Fetches the source into a directory that exists and is empty. The packages and lists of the machine stay as they are. */
export async function fetchRedisSource(directory: string): Promise<RedisSource> {
  const sources = sourceLines();
  if (sources === "") return { type: "Missing", reason: "apt has no package sources on this machine" };
  for (const folder of ["lists/partial", "cache/archives/partial", "parts"]) {
    await Deno.mkdir(`${directory}/${folder}`, { recursive: true });
  }
  await Deno.writeTextFile(`${directory}/parts/source.sources`, sources);
  // A list that cannot be fetched matters only where Redis's source was in it; fetching that tells.
  const update = await apt(directory, ["update"]);
  const fetched = await apt(directory, ["source", "--download-only", "redis"]);
  if (!fetched.success) {
    return { type: "Missing", reason: lastLineOf(fetched.output) ?? lastLineOf(update.output) ?? "" };
  }
  return await unpack(directory);
}

/** The machine's own package sources, asked for source packages as well: deb822 stanzas and lines of the older format. */
function sourceLines(): string {
  const files = [`${SOURCES_OF_APT}/sources.list`, ...listFolder(`${SOURCES_OF_APT}/sources.list.d`)];
  return files.flatMap((file) => sourceStanzas(file, readText(file))).map((stanza) => `${stanza.trim()}\n`).join("\n");
}

/** The stanzas for source packages that a file of package sources comes to. */
export function sourceStanzas(file: string, text: string): readonly string[] {
  if (file.endsWith(".sources")) return text.split(/\n\s*\n/).map(withSources).filter((stanza) => stanza !== "");
  return file.endsWith(".list") ? text.split("\n").flatMap(stanzaOfLine) : [];
}

function withSources(stanza: string): string {
  return /^Types:/m.test(stanza) ? stanza.replace(/^Types:.*$/m, "Types: deb-src") : "";
}

/** `deb [options] uri suite component...` as a stanza. */
function stanzaOfLine(line: string): string[] {
  const parts = /^deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line.trim());
  if (parts === null) return [];
  const [, options = "", uri = "", suite = "", components = ""] = parts;
  const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
  return [
    [
      "Types: deb-src",
      `URIs: ${uri}`,
      `Suites: ${suite}`,
      ...(components.trim() === "" ? [] : [`Components: ${components.trim()}`]),
      ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`]),
    ].join("\n"),
  ];
}

interface Finished {
  readonly success: boolean;
  readonly output: string;
}

async function apt(directory: string, args: readonly string[]): Promise<Finished> {
  const options = [
    "Dir::Etc::SourceList=/dev/null",
    `Dir::Etc::SourceParts=${directory}/parts`,
    `Dir::State::Lists=${directory}/lists`,
    `Dir::Cache=${directory}/cache`,
    // Another user could not write into a directory of this one.
    "APT::Sandbox::User=root",
  ];
  return await run("apt-get", [...options.flatMap((option) => ["-o", option]), "-q", ...args], directory);
}

async function unpack(directory: string): Promise<RedisSource> {
  const archive = [...Deno.readDirSync(directory)].map(({ name }) => name).find((name) => name.includes(".orig.tar."));
  const version = /^redis_([^_]*)\.orig/.exec(archive ?? "")?.[1] ?? "";
  if (archive === undefined || !version.startsWith(`${RELEASE}.`)) {
    return { type: "Missing", reason: `the machine's sources have Redis ${version}, and the list is for ${RELEASE}` };
  }
  await Deno.mkdir(`${directory}/redis`);
  const unpacked = await run("tar", ["-xf", archive, "-C", "redis", "--strip-components=1"], directory);
  if (!unpacked.success) return { type: "Missing", reason: lastLineOf(unpacked.output) ?? "tar failed" };
  return { type: "Fetched", directory: `${directory}/redis` };
}

async function run(program: string, args: readonly string[], cwd: string): Promise<Finished> {
  try {
    const signal = AbortSignal.timeout(FETCH_MS_MAX);
    const command = new Deno.Command(program, { args: [...args], cwd, signal, env: { LC_ALL: "C" }, stdin: "null" });
    const { success, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, output: `there is no ${program}` };
  }
}

function lastLineOf(output: string): string | undefined {
  return output.split("\n").filter((line) => line !== "").at(-1);
}

function listFolder(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function readText(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
