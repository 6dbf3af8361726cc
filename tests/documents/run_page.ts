/** Types a page: its commands in order, against real processes, and compares what they print with what the page shows. */

import { programLine } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";
import { hasShape, isAsShown } from "./output.ts";
import { planPage, type Step } from "./page.ts";
import { PagePorts } from "./page_ports.ts";
import { Shell } from "./shell.ts";

/** For one page. Nobody who reads it would wait longer. */
const PAGE_MS = 180_000;
/** For what a program in the background is to print. */
const OUTPUT_MS = 30_000;

/** A page, and how long it may take. */
export interface PageRun {
  /** In messages. */
  readonly name: string;
  readonly markdown: string;
  readonly pageMs?: number;
  readonly outputMs?: number;
}

/** Runs all steps. Rejects at the first that is wrong, with its line of the page. */
export async function runPage(page: PageRun): Promise<void> {
  const { name, markdown, pageMs = PAGE_MS } = page;
  const { steps, mounts, mistakes } = planPage(markdown, "reference");
  if (mistakes.length > 0) throw new Error(`${name}: ${mistakes.join("; ")}`);
  const end = performance.now() + pageMs;
  const ports = new PagePorts();
  const directory = await Deno.makeTempDir({ prefix: "kvstore-page-" });
  try {
    await using shell = new Shell({ directory, mounts, environment: await prepare(directory, ports.first) });
    for (const step of steps) {
      await runStep(step, { page, shell, ports, timeoutMs: Math.max(0, end - performance.now()) });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface Running {
  readonly page: PageRun;
  readonly shell: Shell;
  readonly ports: PagePorts;
  readonly timeoutMs: number;
}

async function runStep({ line, commands, output }: Step, { page, shell, ports, timeoutMs }: Running): Promise<void> {
  const printed = async () => ports.toPage(await shell.readOutput());
  const complain = async (at: number, what: string) => {
    throw new Error(`${page.name}:${at}: ${what}\nIt printed:\n${await printed()}`);
  };
  const failure = await shell.run(commands.map((command) => ports.toRun(command)), timeoutMs).catch((
    error: unknown,
  ) => ({
    line: 1,
    what: String(error),
  }));
  if (failure !== undefined) {
    const at = Math.max(1, failure.line);
    return await complain(line + at - 1, `${failure.what}: ${commands[at - 1]}`);
  }
  if (output === undefined) return;
  // What goes on in the background may print it later.
  const isRight = output.language === "json" ? hasShape : isAsShown;
  const look = async () => isRight(await printed(), output.lines) || undefined;
  await waitFor(look, { what: "the output is as shown", timeoutMs: page.outputMs ?? OUTPUT_MS }).catch(() =>
    complain(line, `it does not print what the page shows:\n${output.lines.join("\n")}`)
  );
}

/** A home of its own, and a `kvstore` on the path that is the program under test. */
async function prepare(directory: string, port: number): Promise<Readonly<Record<string, string>>> {
  await Deno.mkdir(`${directory}/bin`);
  await Deno.mkdir(`${directory}/home`);
  // A cluster has the rights of all commands. Where a page names no ports, they are those of the run all the same.
  const program = programLine(["cluster"]).slice(0, -1).map((word) => `'${word}'`).join(" ");
  const connect = [0, 1, 2].map((id) => `127.0.0.1:${port + id}`).join(",");
  // On a terminal the reader does not see it before what is printed.
  await Deno.writeTextFile(`${directory}/home/.curlrc`, "no-progress-meter\n");
  const script = `#!/bin/sh\nKVSTORE_PORT=${port} KVSTORE_CONNECT=${connect} exec ${program} "$@"\n`;
  await Deno.writeTextFile(`${directory}/bin/kvstore`, script, { mode: 0o755 });
  return {
    PATH: `${directory}/bin:${Deno.env.get("PATH") ?? ""}`,
    HOME: `${directory}/home`,
    XDG_STATE_HOME: "",
    DENO_DIR: await denoDirectory(),
  };
}

/** Where this Deno keeps what it has fetched, which a run with another home needs too. */
async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const info: { readonly denoDir: string } = JSON.parse(new TextDecoder().decode(stdout));
  return info.denoDir;
}
