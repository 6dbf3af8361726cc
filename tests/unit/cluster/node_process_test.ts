import { assertEquals } from "@std/assert";
import { forEachLine, startProcess, withoutSettings } from "../../../lib/cluster/node_process.ts";
import { parentGone } from "../../../lib/cluster/parent_watch.ts";

Deno.test("a stream is cut into lines wherever its pieces end", async () => {
  const bytes = new TextEncoder().encode("one\r\ntwo é\n\nla\ufeffst");
  for (let size = 1; size <= bytes.length; size++) {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
    const lines: string[] = [];
    await forEachLine(ReadableStream.from(pieces), (line) => lines.push(line));
    assertEquals(lines, ["one", "two é", "", "la\ufeffst"]);
  }
});

Deno.test("a line without an end is given out in pieces", async () => {
  const lines: string[] = [];
  const piece = new TextEncoder().encode("x".repeat(40_000));
  await forEachLine(ReadableStream.from([piece, piece, piece]), (line) => lines.push(line));
  assertEquals(lines.map((line) => line.length), [80_000, 40_000]);
});

Deno.test("settings of the launcher do not reach the nodes", () => {
  assertEquals(withoutSettings({ PATH: "/bin", KVSTORE_PORT: "1", KVSTORE_NODES: "3" }), { PATH: "/bin" });
});

Deno.test("a process gets its environment, its lines are collected, and its end is told", async () => {
  const script =
    `console.log(Deno.env.get("KVSTORE_LAUNCHED"), Deno.env.get("KVSTORE_X"), Deno.env.get("PATH") !== undefined);
    console.error("to err"); Deno.exit(7);`;
  const lines: string[] = [];
  const process = startProcess({
    executable: Deno.execPath(),
    args: ["eval", script],
    environment: { KVSTORE_X: "y" },
    onLine: (line, stream) => lines.push(`${stream} ${line}`),
  });
  assertEquals(await process.ended, { code: 7, signal: undefined });
  assertEquals(lines.sort(), ["stderr to err", "stdout 1 y true"]);
  process.kill("SIGTERM");
});

Deno.test("the standard input of a started process stays open until it ends", async () => {
  const script = `const gone = Deno.stdin.read(new Uint8Array(1)).then(() => "closed");
    console.log(await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 100, "open"))]));
    await gone;`;
  const seen = Promise.withResolvers<string>();
  const process = startProcess({
    executable: Deno.execPath(),
    args: ["eval", script],
    environment: {},
    onLine: seen.resolve,
  });
  assertEquals(await seen.promise, "open");
  process.kill("SIGKILL");
  assertEquals(await process.ended, { code: 137, signal: "SIGKILL" });
});

Deno.test("the end of the input tells that the launcher is gone, whatever came before", async () => {
  const reads: (number | null)[] = [3, 1, null];
  await parentGone({ read: () => Promise.resolve(reads.shift() ?? null) });
  assertEquals(reads, []);
  await parentGone({ read: () => Promise.reject(new Deno.errors.BadResource("closed")) });
});
