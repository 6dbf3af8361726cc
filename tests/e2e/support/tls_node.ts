/** Nodes with TLS in end-to-end tests: certificates in files, programs that speak it, and runtimes that do not. */

import { assertEquals } from "@std/assert";
import { Authority, makeAuthority, type Pair, type Validity } from "../../../lib/tls/authority.ts";
import { whyNoTls } from "../../../lib/tls/terminator.ts";
import { findFreePorts } from "../../support/ports.ts";
import { runProgram } from "../../support/program.ts";
import { DEADLINE_MS } from "../../support/wait.ts";

/** Five days from now on. */
export function validity(): Validity {
  return { days: 5, now: Date.now() };
}

/** A CA of the cluster `test`, and its certificate. */
export function newAuthority(): { readonly authority: Authority; readonly caText: string } {
  const pair = makeAuthority("test", validity());
  return { authority: new Authority(pair), caText: pair.certificate };
}

/** Replaces both files, one after the other. Returns the flags that name them. */
export function writePair(directory: string, { certificate, key }: Pair): readonly string[] {
  const [certificatePath, keyPath] = [`${directory}/node.pem`, `${directory}/node.key`];
  for (const [path, text] of [[certificatePath, certificate], [keyPath, key]] as const) {
    Deno.writeTextFileSync(`${path}.new`, text, { mode: 0o600 });
    Deno.renameSync(`${path}.new`, path);
  }
  return ["--tls-cert", certificatePath, "--tls-key", keyPath];
}

/** By the runtime of the program that is tested, which may be an executable. */
export async function whyNotHere(): Promise<string | undefined> {
  const { stdout } = await runProgram(["version", "--json"]);
  return whyNoTls(JSON.parse(stdout).runtime.deno);
}

/** A node with these flags does not start, and says that line. */
export async function assertRefused(flags: readonly string[], line: string): Promise<void> {
  const directory = await Deno.makeTempDir();
  const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
  const own = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort, "--data-dir", directory].map(String);
  const { code, stderr } = await runProgram(["node", ...own, ...flags]);
  await Deno.remove(directory, { recursive: true });
  assertEquals([code, stderr.includes(line)], [1, true], stderr);
}

/** What a program prints on both streams. */
export async function run(program: string, args: readonly string[], input = ""): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS / 2);
  const streams = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(program, { args: [...args], signal, ...streams }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
