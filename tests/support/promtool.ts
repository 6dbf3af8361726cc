/** Prometheus' own judgement of files and pages; from Debian's package `prometheus`, which .ci/run installs. */

/** What promtool said. */
export interface Judgement {
  readonly code: number;
  readonly text: string;
}

/** Runs `promtool check ...`; `input` goes to its standard input. Rejects where it is not installed. */
export function promtool(args: readonly string[], input = ""): Promise<Judgement> {
  return run(["check", ...args], input);
}

/** Runs `promtool test rules FILE`. Rejects where it is not installed. */
export function testRules(path: string): Promise<Judgement> {
  return run(["test", "rules", path], "");
}

async function run(args: readonly string[], input: string): Promise<Judgement> {
  const child = new Deno.Command("promtool", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
