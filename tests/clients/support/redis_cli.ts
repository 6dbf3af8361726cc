/** redis-cli as a process: one command, or what it makes of its standard input. */

import { kill, spawnLine } from "../../support/program.ts";

const TIMEOUT_MS = 15_000;

/** What the standard output said, without the line break at its end. Rejects when redis-cli fails. */
export async function redisCli(
  port: number,
  args: readonly string[],
  options: { readonly input?: Uint8Array<ArrayBuffer> | string } = {},
): Promise<string> {
  return await runTool(["redis-cli", "-h", "127.0.0.1", "-p", String(port), ...args], options);
}

/** Runs a program with bytes as its input and gives its standard output, one character a byte. */
export async function runTool(
  line: readonly string[],
  options: { readonly input?: Uint8Array<ArrayBuffer> | string } = {},
): Promise<string> {
  const child = spawnLine(line, { stdin: options.input === undefined ? "null" : "piped" });
  const timer = setTimeout(() => kill(child, "SIGKILL"), TIMEOUT_MS);
  try {
    if (options.input !== undefined) await feed(child, options.input);
    const { success, code, signal, stdout, stderr } = await child.output();
    const decoder = new TextDecoder("latin1");
    const said = decoder.decode(stdout);
    if (success) return said.replace(/\n$/, "");
    throw new Error(`"${line.join(" ")}" ended with ${signal ?? code}: ${said}${decoder.decode(stderr)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function feed(child: Deno.ChildProcess, input: Uint8Array<ArrayBuffer> | string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input).catch(() => {});
  await writer.close().catch(() => {});
}
