/**
 * What the README tells people to type, letter by letter, on a machine of its own: its network has no other program on it, so
 * that the ports are those of the README, and `kvstore` is the executable in an empty root.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CURL, debianProgram, NC, REDIS_CLI, testWith } from "../support/needs.ts";
import { ROOT } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor, withDeadline } from "../support/wait.ts";
import { binary, EmptyRoot, outputOf } from "./empty_root.ts";

const IP = debianProgram("ip", "iproute2");

/** The code blocks of the README below one heading: `sh` is to be typed, the others show what comes back. */
function blocksBelow(heading: string): readonly { readonly language: string; readonly lines: readonly string[] }[] {
  const readme = Deno.readTextFileSync(`${ROOT}README.md`);
  const section = readme.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert(section !== undefined, `the README has no section ${heading}`);
  return [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
    language,
    lines: text.trimEnd().split("\n"),
  }));
}

function linesToType(heading: string): readonly string[] {
  return blocksBelow(heading).filter(({ language }) => language === "sh").flatMap(({ lines }) => lines);
}

/** A root directory, a network and processes of its own. What is typed into its shell finds `kvstore`, and the tools of the host. */
class Machine implements AsyncDisposable {
  readonly #root = new EmptyRoot();
  readonly #path = Deno.makeTempDirSync({ prefix: "kvstore-path-" });
  #first: ServerProcess | undefined;

  static async start(): Promise<Machine> {
    const machine = new Machine();
    await machine.#boot();
    return machine;
  }

  async #boot(): Promise<void> {
    await this.#root.fill(binary());
    const wrapper = `#!/bin/sh\nexec chroot '${this.#root.path}' /kvstore "$@"\n`;
    await Deno.writeTextFile(`${this.#path}/kvstore`, wrapper, { mode: 0o755 });
    const script = 'mount -t proc proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && ip link set lo up && ' +
      "echo started && exec sleep infinity";
    const first = new ServerProcess([
      ...["/usr/bin/unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"],
      ...["/bin/sh", "-c", script, this.#root.path],
    ]);
    this.#first = first;
    await waitFor(() => {
      assert(first.alive, first.lines.join("\n"));
      return first.lines.includes("started") || undefined;
    }, { what: "the machine has a network" });
  }

  #line(command: string): readonly string[] {
    const spaces = `/proc/${this.#first?.pid}/ns`;
    return [
      "/usr/bin/nsenter",
      ...[`--net=${spaces}/net`, `--mount=${spaces}/mnt`, `--pid=${spaces}/pid_for_children`],
      // Whoever types has a home; within the root that is its `/home`.
      ...["/usr/bin/env", "-i", "HOME=/home", `PATH=${this.#path}:/usr/sbin:/usr/bin:/sbin:/bin`],
      ...["/bin/sh", "-c", command],
    ];
  }

  /** Types a line and leaves it running; the first line of its output is its process id on this machine. */
  begin(command: string): ServerProcess {
    return new ServerProcess(this.#line(`echo $$ && exec ${command}`));
  }

  /** Types a line and waits for its end. */
  async type(command: string): Promise<{ readonly code: number; readonly text: string }> {
    // What curl says of its progress is not on a terminal's page either.
    return await outputOf(this.#line(`{ ${command}\n} 2>/dev/null`));
  }

  /** Ends everything that runs on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#first?.end("SIGKILL");
    await this.#root[Symbol.asyncDispose]();
    await Deno.remove(this.#path, { recursive: true });
  }
}

testWith(
  [IP, NC, REDIS_CLI, CURL],
  "what the README shows works as it stands there, and gives what it shows",
  async () => {
    await using machine = await Machine.start();
    const start = linesToType("Get it").find((line) => /^kvstore\b/.test(line));
    assert(start !== undefined, "the README says how the downloaded executable is started");
    await machine.begin(start).line("Ctrl-C");

    const shown = blocksBelow("Try it").find(({ language }) => language === "");
    const lines = linesToType("Try it");
    const said = new Map<string, string>();
    for (const line of lines.filter((other) => !/^curl -N|^kvstore cli +#/.test(other))) {
      const { code, text } = await machine.type(line);
      assertEquals(code, 0, `${line}: ${text}`);
      said.set(line, text);
    }
    assertEquals([...said.values()], [
      `${shown?.lines.join("\n")}\n`,
      "value of key2: value with spaces\nGoodbye.\n",
      "OK\n",
      "hello\n",
      "",
      "hello",
      "greeting added successfully.\n",
      "value of greeting: hello there\n",
    ]);

    // The shell, from a pipe; and the stream of events, which ends with its reader.
    const shell = lines.find((line) => /^kvstore cli +#/.test(line)) ?? "";
    assertEquals(await machine.type(`echo GET key2 | ${shell}`), {
      code: 0,
      text: "value of key2: value with spaces\n",
    });
    const stream = machine.begin(lines.find((line) => line.startsWith("curl -N")) ?? "");
    await waitFor(async () => {
      await machine.type("kvstore cli PUT greeting again");
      return stream.lines.some((line) => /^data: .*"greeting"/.test(line)) || undefined;
    }, { what: "the stream shows the change" });

    const page = await machine.type("curl -s http://localhost:8000/");
    assertStringIncludes(page.text, "<title>");
    const follower = await machine.type("printf 'PUT a b\\nHELP\\nEXIT\\n' | nc localhost 5001");
    assertStringIncludes(follower.text, "Error: Not leader. Current leader is Node 0");
    for (const word of ["STATUS", "METRICS", "LOGSIZE", "SNAPSHOT", "LOGS", "CLUSTER", "WATCH", "HISTORY", "STATS"]) {
      assertMatch(follower.text, new RegExp(`\\b${word}\\b`));
    }
  },
);

testWith(
  [IP],
  "the README's three nodes of one's own form a cluster, and inspect shows a directory of theirs",
  async () => {
    await using machine = await Machine.start();
    const lines = linesToType("Nodes of your own");
    assertEquals(lines.length, 3);
    const nodes = lines.map((line) => machine.begin(line));
    await waitFor(async () => {
      const { code } = await machine.type("kvstore cli --connect localhost:5000,localhost:5001 PUT key value");
      return code === 0 || undefined;
    }, { what: "the three nodes have a leader" });
    assertEquals((await machine.type("kvstore help node")).code, 0);
    assert(nodes.every(({ alive }) => alive));
    const last = nodes[2];
    assert(last !== undefined);
    await machine.type(`kill -TERM ${last.lines[0]}`);
    assertEquals((await withDeadline(last.ended, { what: "node 2 ends" })).code, 0);
    const inspected = await machine.type("kvstore inspect kvstore-data/node-2");
    assertEquals([inspected.code, JSON.parse(inspected.text).damages], [0, []]);
  },
);
